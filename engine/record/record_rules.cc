#include "engine/record/record_rules.h"

#include "engine/record/record_reader.h"
#include "engine/record/record_walk.h"

namespace cambium {

namespace {

kj::Maybe<kj::String> timestampFault(TimestampMs timestamp, const RecordRules& rules) {
  if (timestamp == kNoTimestamp) return nullptr;
  KJ_IF_MAYBE(earliest, rules.earliest) {
    if (timestamp < *earliest) {
      return kj::str("timestamp ", timestamp, " is before ", *earliest,
                     ", the earliest now (topic config message.timestamp.before.max.ms)");
    }
  }
  KJ_IF_MAYBE(latest, rules.latest) {
    if (timestamp > *latest) {
      return kj::str("timestamp ", timestamp, " is after ", *latest,
                     ", the latest now (topic config message.timestamp.after.max.ms)");
    }
  }
  return nullptr;
}

// The faults of one batch.
class Faults {
 public:
  void add(int64_t index, ErrorCode code, kj::String message) {
    if (code == ErrorCode::kInvalidTimestamp) code_ = code;
    if (++count_ <= kRecordFaultsMax) list_.add(RecordFault{static_cast<int32_t>(index), kj::mv(message)});
  }
  bool empty() const { return count_ == 0; }
  // Takes the list along.
  Error refusal() {
    auto& first = list_[0];
    auto error = makeError(code_, count_, count_ == 1 ? " record was" : " records were", " refused: record ",
                           first.index, ": ", first.message);
    error.faults = kj::mv(list_);
    return error;
  }

 private:
  ErrorCode code_ = ErrorCode::kInvalidRecord;
  size_t count_ = 0;
  kj::Vector<RecordFault> list_;
};

// The walk has found something wrong: what it is.
Error whatIsWrong(const BatchView& batch, const RecordRules& rules, DecompressionLimits limits) {
  RecordReader reader(batch, limits);
  Faults faults;
  int64_t index = 0;
  for (; auto* record = reader.next(); ++index) {
    int64_t delta = record->offset - batch.baseOffset();
    if (delta != index) {
      faults.add(index, ErrorCode::kInvalidRecord,
                 kj::str("offset delta is ", delta, "; offsets of a producer have no gaps"));
    } else if (rules.keysRequired && record->key == nullptr) {
      faults.add(index, ErrorCode::kInvalidRecord, kj::str("has no key; a compacted topic needs one in every record"));
    } else {
      KJ_IF_MAYBE(message, timestampFault(record->timestamp, rules)) {
        faults.add(index, ErrorCode::kInvalidTimestamp, kj::mv(*message));
      }
    }
  }
  KJ_IF_MAYBE(error, reader.error()) {
    bool tooLarge = error->code == ErrorCode::kMessageTooLarge;
    return makeError(tooLarge ? ErrorCode::kMessageTooLarge : ErrorCode::kInvalidRecord, error->message);
  }
  if (faults.empty()) return makeError(ErrorCode::kInvalidRecord, "the records of a batch cannot be read");
  return faults.refusal();
}

}  // namespace

Result<CheckedRecords> checkRecords(const BatchView& batch, const RecordRules& rules, DecompressionLimits limits) {
  auto walk = walkRecords(batch, rules, limits);
  if (!walk.sound) return whatIsWrong(batch, rules, limits);
  return CheckedRecords{walk.maxTimestamp, walk.bytes};
}

Result<void> checkHeaderOnly(const BatchView& batch, const RecordRules& rules) {
  auto max = batch.maxTimestamp();
  if (max < batch.baseTimestamp() && max != kNoTimestamp) {
    return makeError(ErrorCode::kInvalidTimestamp, "a batch has max timestamp ", max, " before its base timestamp ",
                     batch.baseTimestamp());
  }
  KJ_IF_MAYBE(message, timestampFault(max, rules)) {
    return makeError(ErrorCode::kInvalidTimestamp, "the max timestamp of a batch is wrong: ", *message);
  }
  return {};
}

}  // namespace cambium
