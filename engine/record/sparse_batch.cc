#include "engine/record/sparse_batch.h"

#include "engine/base/crc32c.h"

namespace cambium {

using namespace batch_layout;

namespace {

constexpr int16_t kCodecBits = 0x07;
constexpr int16_t kHorizonBit = 0x40;

// Unsigned, so that deltas of any two timestamps wrap here and back in the reader.
int64_t distance(TimestampMs from, TimestampMs to) {
  return static_cast<int64_t>(static_cast<uint64_t>(to.value()) - static_cast<uint64_t>(from.value()));
}

void put(ByteWriter& out, ByteView bytes) {
  out.varint32(static_cast<int32_t>(bytes.size()));
  out.bytes(bytes);
}

void put(ByteWriter& out, const kj::Maybe<ByteView>& bytes) {
  KJ_IF_MAYBE(present, bytes) {
    put(out, *present);
  } else {
    out.varint32(-1);
  }
}

void seal(kj::ArrayPtr<kj::byte> batch) {
  storeBigEndian(batch.begin() + kLength, static_cast<int32_t>(batch.size() - kLengthFrom));
  storeBigEndian(batch.begin() + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
}

}  // namespace

kj::Maybe<TimestampMs> deleteHorizonOf(const BatchView& batch) {
  if ((batch.attributes() & kHorizonBit) == 0) return nullptr;
  return batch.baseTimestamp();
}

SparseBatchBuilder::SparseBatchBuilder(BatchView original, kj::Maybe<TimestampMs> deleteHorizon)
    : original_(original),
      hasHorizon_(deleteHorizon != nullptr || deleteHorizonOf(original) != nullptr),
      baseTimestamp_(deleteHorizon.orDefault(original.baseTimestamp())) {}

void SparseBatchBuilder::add(const RecordView& record) {
  body_.clear();
  body_.int8(0);
  body_.varint64(distance(baseTimestamp_, record.timestamp));
  body_.varint32(static_cast<int32_t>(record.offset - original_.baseOffset()));
  put(body_, record.key);
  put(body_, record.value);
  body_.varint32(static_cast<int32_t>(record.headers.size()));
  for (auto& header : record.headers) {
    put(body_, header.key);
    put(body_, header.value);
  }
  put(records_, body_.written());
  maxTimestamp_ = count_ == 0 ? record.timestamp : kj::max(maxTimestamp_, record.timestamp);
  ++count_;
}

Result<kj::Array<kj::byte>> SparseBatchBuilder::finish(int compressionLevel) {
  KJ_REQUIRE(count_ > 0, "a batch has at least one record", original_.baseOffset());
  auto batch = compress(original_.codec(), records_.written(), compressionLevel, kHeaderBytes);
  if (batch.size() > INT32_MAX) {
    return makeError(ErrorCode::kMessageTooLarge, "what is left of the batch with base offset ", original_.baseOffset(),
                     " would have ", batch.size(), " bytes; a batch has at most ", INT32_MAX);
  }
  auto* header = batch.begin();
  memcpy(header, original_.bytes().begin(), kHeaderBytes);
  auto attributes = static_cast<int16_t>(original_.attributes() | (hasHorizon_ ? kHorizonBit : 0));
  storeBigEndian(header + kAttributes, attributes);
  storeBigEndian(header + kBaseTimestamp, baseTimestamp_.value());
  storeBigEndian(header + kMaxTimestamp, maxTimestamp_.value());
  storeBigEndian(header + kRecordCount, count_);
  seal(batch);
  return kj::mv(batch);
}

kj::Array<kj::byte> emptied(const BatchView& original) {
  auto batch = kj::heapArray<kj::byte>(original.bytes().slice(0, kHeaderBytes));
  auto* header = batch.begin();
  auto attributes = static_cast<int16_t>(original.attributes() & ~(kCodecBits | kHorizonBit));
  storeBigEndian(header + kAttributes, attributes);
  storeBigEndian(header + kBaseTimestamp, kNoTimestamp.value());
  storeBigEndian(header + kMaxTimestamp, kNoTimestamp.value());
  storeBigEndian(header + kRecordCount, int32_t{0});
  seal(batch);
  return batch;
}

kj::Array<kj::byte> emptyBatch(Offset base, Offset next, LeaderEpoch epoch) {
  KJ_REQUIRE(next > base && next - base <= INT32_MAX, "an empty batch stands for 1 to 2^31 - 1 offsets", base, next);
  auto batch = kj::heapArray<kj::byte>(kHeaderBytes);
  auto* header = batch.begin();
  header[kMagic] = kMagicV2;
  storeBigEndian(header + kAttributes, int16_t{0});
  storeBigEndian(header + kLastOffsetDelta, static_cast<int32_t>(next - base - 1));
  storeBigEndian(header + kBaseTimestamp, kNoTimestamp.value());
  storeBigEndian(header + kMaxTimestamp, kNoTimestamp.value());
  storeBigEndian(header + kProducerId, int64_t{-1});
  storeBigEndian(header + kProducerEpoch, int16_t{-1});
  storeBigEndian(header + kBaseSequence, int32_t{-1});
  storeBigEndian(header + kRecordCount, int32_t{0});
  stampBatch(batch, base, epoch);
  seal(batch);
  return batch;
}

}  // namespace cambium
