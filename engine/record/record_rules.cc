#include "engine/record/record_rules.h"

#include "engine/record/record_reader.h"

namespace cambium {

namespace {

bool headerSuffices(const BatchView& batch, const RecordRules& rules) {
  if (rules.keysRequired || rules.earliest != nullptr) return false;
  KJ_IF_MAYBE(latest, rules.latest) return batch.maxTimestamp() <= *latest;
  return true;
}

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

Result<void> checkBatch(const BatchView& batch, const RecordRules& rules, DecompressionLimits limits) {
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
  KJ_IF_MAYBE(error, reader.error()) return kj::mv(*error);
  if (!faults.empty()) return faults.refusal();
  return Result<void>();
}

}  // namespace

Result<void> checkRecordRules(ByteView batches, const RecordRules& rules, DecompressionLimits limits) {
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    if (headerSuffices(*batch, rules)) continue;
    auto checked = checkBatch(*batch, rules, limits);
    if (!checked.ok()) return checked;
    // The header is what everybody goes by from then on.
    KJ_IF_MAYBE(latest, rules.latest) {
      if (batch->maxTimestamp() > *latest) {
        return makeError(ErrorCode::kInvalidTimestamp, "a batch says its max timestamp is ", batch->maxTimestamp(),
                         ", after ", *latest, ", the latest now, and none of its records is so late");
      }
    }
  }
  return Result<void>();
}

}  // namespace cambium
