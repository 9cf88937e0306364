#include "engine/record/batch_builder.h"

#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"
#include "engine/record/byte_buffer.h"

namespace cambium {

using namespace batch_layout;
using namespace record_layout;

namespace {

// A batch states its length in an int32.
constexpr size_t kBatchBytesMax = INT32_MAX;

// Attributes, timestamp delta and offset delta at their largest.
constexpr size_t kFixedPartsMax = 1 + kVarint64BytesMax + kVarint32BytesMax;

void putVarint(kj::byte*& to, int64_t value) {
  uint64_t raw = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (raw >= 0x80) {
    *to++ = static_cast<kj::byte>(raw | 0x80);
    raw >>= 7;
  }
  *to++ = static_cast<kj::byte>(raw);
}

void putBytes(kj::byte*& to, ByteView bytes) {
  putVarint(to, static_cast<int64_t>(bytes.size()));
  if (bytes.size() > 0) memcpy(to, bytes.begin(), bytes.size());
  to += bytes.size();
}

void putNullable(kj::byte*& to, const kj::Maybe<ByteView>& bytes) {
  KJ_IF_MAYBE(present, bytes) {
    putBytes(to, *present);
  } else {
    putVarint(to, -1);
  }
}

size_t sizeOf(ByteView bytes) {
  KJ_REQUIRE(bytes.size() <= kBatchBytesMax, "a part of a record is too long for a batch", bytes.size());
  return varintSize(static_cast<int64_t>(bytes.size())) + bytes.size();
}

size_t sizeOf(const kj::Maybe<ByteView>& bytes) {
  KJ_IF_MAYBE(present, bytes) return sizeOf(*present);
  return 1;
}

// Key, value and headers.
size_t contentSize(const kj::Maybe<ByteView>& key, const kj::Maybe<ByteView>& value,
                   kj::ArrayPtr<const RecordHeader> headers) {
  size_t size = sizeOf(key) + sizeOf(value) + varintSize(static_cast<int64_t>(headers.size()));
  for (auto& header : headers)
    size += sizeOf(header.key) + sizeOf(header.value);
  return size;
}

}  // namespace

size_t BatchBuilder::recordSizeBytes(kj::Maybe<ByteView> key, kj::Maybe<ByteView> value,
                                     kj::ArrayPtr<const RecordHeader> headers) {
  size_t bodyMax = kFixedPartsMax + contentSize(key, value, headers);
  return varintSize(static_cast<int64_t>(bodyMax)) + bodyMax;
}

void BatchBuilder::add(TimestampMs timestamp, kj::Maybe<ByteView> key, kj::Maybe<ByteView> value,
                       kj::ArrayPtr<const RecordHeader> headers) {
  KJ_REQUIRE(headers.size() <= kRecordHeadersMax, "a record has too many headers", headers.size());
  if (count_ == 0) baseTimestamp_ = maxTimestamp_ = timestamp;
  // Unsigned, so that deltas of any two timestamps wrap here and back in the reader.
  auto timestampDelta =
      static_cast<int64_t>(static_cast<uint64_t>(timestamp.value()) - static_cast<uint64_t>(baseTimestamp_.value()));
  size_t body = 1 + varintSize(timestampDelta) + varintSize(count_) + contentSize(key, value, headers);
  reserve(kVarint64BytesMax + body);

  kj::byte* to = buffer_.begin() + used_;
  putVarint(to, static_cast<int64_t>(body));
  [[maybe_unused]] kj::byte* bodyStart = to;
  *to++ = 0;
  putVarint(to, timestampDelta);
  putVarint(to, count_);
  putNullable(to, key);
  putNullable(to, value);
  putVarint(to, static_cast<int64_t>(headers.size()));
  for (auto& header : headers) {
    putBytes(to, header.key);
    putNullable(to, header.value);
  }
  KJ_ASSERT(static_cast<size_t>(to - bodyStart) == body);
  used_ = static_cast<size_t>(to - buffer_.begin());
  maxTimestamp_ = kj::max(maxTimestamp_, timestamp);
  ++count_;
}

void BatchBuilder::reserve(size_t bytes) {
  size_t wanted = used_ + bytes;
  if (wanted <= buffer_.size()) return;
  KJ_REQUIRE(wanted <= kBatchBytesMax, "the batch grows beyond 2 GiB: finish() it earlier", wanted);
  // Batches tend to be as large as the one before.
  grow(buffer_, count_ == 0 ? 0 : used_, kj::max(wanted, buffer_.size() == 0 ? firstBufferBytes_ : 0));
}

kj::Array<kj::byte> BatchBuilder::finish() {
  KJ_REQUIRE(count_ > 0, "a batch has at least one record");
  kj::Array<kj::byte> batch;
  if (options_.codec == Codec::kNone) {
    firstBufferBytes_ = used_ + used_ / 8;
    batch = trimmed(kj::mv(buffer_), used_);
  } else {
    batch = compress(options_.codec, buffer_.slice(kHeaderBytes, used_), options_.compressionLevel, kHeaderBytes);
    KJ_REQUIRE(batch.size() <= kBatchBytesMax, "the batch grows beyond 2 GiB: finish() it earlier", batch.size());
  }
  fillHeader(batch);
  used_ = kHeaderBytes;
  count_ = 0;
  return batch;
}

void BatchBuilder::fillHeader(kj::ArrayPtr<kj::byte> batch) const {
  auto attributes =
      static_cast<int16_t>(static_cast<int>(options_.codec) | static_cast<int>(options_.timestampType) << 3 |
                           (options_.transactional ? 0x10 : 0) | (options_.control ? 0x20 : 0));
  kj::byte* header = batch.begin();
  storeBigEndian(header + kLength, static_cast<int32_t>(batch.size() - kLengthFrom));
  header[kMagic] = kMagicV2;
  storeBigEndian(header + kAttributes, attributes);
  storeBigEndian(header + kLastOffsetDelta, count_ - 1);
  storeBigEndian(header + kBaseTimestamp, baseTimestamp_.value());
  storeBigEndian(header + kMaxTimestamp, maxTimestamp_.value());
  storeBigEndian(header + kProducerId, options_.producerId);
  storeBigEndian(header + kProducerEpoch, options_.producerEpoch);
  storeBigEndian(header + kBaseSequence, options_.baseSequence);
  storeBigEndian(header + kRecordCount, count_);
  storeBigEndian(header + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
  stampBatch(batch, Offset(0), kNoLeaderEpoch);
}

}  // namespace cambium
