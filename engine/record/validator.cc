#include "engine/record/validator.h"

#include "engine/record/compression.h"
#include "engine/record/record.h"

namespace cambium {

using namespace batch_layout;

namespace {

// Attribute bits that a producer may set: codec, timestamp type, transactional, control. The rest of them is a broker's
// (the delete horizon) or has no meaning yet.
constexpr uint16_t kProducerAttributes = 0x3f;

struct Problem {
  ErrorCode code;
  kj::String text;
};

template <class... Parts>
kj::Maybe<Problem> problem(ErrorCode code, Parts&&... parts) {
  return Problem{code, kj::str(kj::fwd<Parts>(parts)...)};
}

// Whether `bytes` starts with a whole batch of format 2.
kj::Maybe<Problem> checkFrame(ByteView bytes, const BatchLimits& limits) {
  // Formats 0 and 1 have the magic at the same place.
  if (bytes.size() > kMagic) {
    auto magic = static_cast<int8_t>(bytes[kMagic]);
    if (magic == 0 || magic == 1) {
      return problem(
          ErrorCode::kUnsupportedVersion, "is in message format ", magic,
          ", which Kafka gave up with version 4; this broker takes format 2: use a client that speaks Produce "
          "version 3 or later");
    }
    if (magic != kMagicV2)
      return problem(ErrorCode::kUnsupportedVersion, "is in message format ", magic, "; expected 2");
  }
  if (bytes.size() < kHeaderBytes) {
    return problem(ErrorCode::kCorruptMessage, "is torn: ", bytes.size(), " bytes are left, its header alone has ",
                   kHeaderBytes);
  }
  int64_t size = BatchView::claimedSize(bytes);
  if (size < static_cast<int64_t>(kHeaderBytes)) {
    return problem(ErrorCode::kCorruptMessage, "claims a size of ", size, " bytes, less than its header of ",
                   kHeaderBytes);
  }
  if (size > static_cast<int64_t>(bytes.size())) {
    return problem(ErrorCode::kCorruptMessage, "is torn: it claims ", size, " bytes, ", bytes.size(), " are left");
  }
  if (static_cast<uint64_t>(size) > limits.batchBytesMax) {
    return problem(ErrorCode::kMessageTooLarge, "has ", size, " bytes, the limit is ", limits.batchBytesMax,
                   " (topic config max.message.bytes)");
  }
  return nullptr;
}

kj::Maybe<Problem> checkAttributes(const BatchView& batch) {
  if (static_cast<int>(batch.codec()) >= kCodecCount) {
    return problem(ErrorCode::kInvalidRecord, "has compression type ", static_cast<int>(batch.codec()),
                   "; known are 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) and 4 (zstd)");
  }
  auto foreign = static_cast<uint16_t>(static_cast<uint16_t>(batch.attributes()) & ~kProducerAttributes);
  if (foreign != 0) {
    return problem(ErrorCode::kInvalidRecord, "has attributes 0x", kj::hex(foreign), ", which no producer may set");
  }
  if (batch.isControl()) return problem(ErrorCode::kInvalidRecord, "is a control batch; only brokers write those");
  if (batch.isTransactional()) {
    return problem(ErrorCode::kInvalidTxnState, "belongs to a transaction; this broker has no transactions");
  }
  return nullptr;
}

kj::Maybe<Problem> checkTimestampType(const BatchView& batch) {
  if (batch.timestampType() == TimestampType::kLogAppendTime) {
    return problem(ErrorCode::kInvalidTimestamp, "says its timestamps are the broker's; producers send their own");
  }
  return nullptr;
}

kj::Maybe<Problem> checkCounts(const BatchView& batch) {
  int32_t count = batch.recordCount();
  if (count < 1) return problem(ErrorCode::kInvalidRecord, "has ", count, " records; expected at least 1");
  if (int64_t{count} != int64_t{batch.lastOffsetDelta()} + 1) {
    return problem(ErrorCode::kInvalidRecord, "has ", count, " records, but its last offset delta is ",
                   batch.lastOffsetDelta(), "; expected ", count - 1);
  }
  uint64_t recordBytesMax = batch.payload().size() * expansionMax(batch.codec());
  if (static_cast<uint64_t>(count) * record_layout::kRecordBytesMin > recordBytesMax) {
    return problem(ErrorCode::kInvalidRecord, "announces ", count, " records in ", batch.payload().size(),
                   " bytes (codec ", codecName(batch.codec()), "), which cannot hold them");
  }
  return nullptr;
}

kj::Maybe<Problem> checkProducer(const BatchView& batch) {
  bool named = batch.producerId() >= 0;
  if (named && (batch.producerEpoch() < 0 || batch.baseSequence() < 0)) {
    return problem(ErrorCode::kInvalidRecord, "has producer id ", batch.producerId(), " with epoch ",
                   batch.producerEpoch(), " and base sequence ", batch.baseSequence(), "; expected both from 0 up");
  }
  return nullptr;
}

kj::Maybe<Problem> checkContents(const BatchView& batch) {
  if (!batch.crcMatches()) {
    return problem(ErrorCode::kCorruptMessage, "does not match its checksum 0x", kj::hex(batch.crc()),
                   ": it was damaged on its way here");
  }
  for (auto check : {checkAttributes, checkTimestampType, checkCounts, checkProducer}) {
    KJ_IF_MAYBE(found, check(batch)) {
      return kj::mv(*found);
    }
  }
  return nullptr;
}

}  // namespace

Result<ValidatedBatches> validateBatches(ByteView bytes, const BatchLimits& limits) {
  if (bytes.size() == 0) return makeError(ErrorCode::kInvalidRecord, "no batch was sent; expected at least one");
  ValidatedBatches totals;
  for (size_t at = 0; at < bytes.size();) {
    ByteView rest = bytes.slice(at, bytes.size());
    auto found = checkFrame(rest, limits);
    if (found == nullptr) {
      auto batch = KJ_ASSERT_NONNULL(BatchView::first(rest));
      found = checkContents(batch);
      at += batch.size();
      ++totals.batchCount;
      totals.recordCount += batch.recordCount();
    }
    KJ_IF_MAYBE(p, found) {
      return makeError(p->code, "the batch at byte ", rest.begin() - bytes.begin(), " ", p->text);
    }
  }
  return totals;
}

}  // namespace cambium
