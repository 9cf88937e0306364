#include "engine/record/batch_view.h"

#include "engine/base/crc32c.h"

namespace cambium {

using namespace batch_layout;

namespace {

constexpr kj::StringPtr kCodecNames[kCodecCount] = {"none"_kj, "gzip"_kj, "snappy"_kj, "lz4"_kj, "zstd"_kj};

ByteView checksummed(ByteView batch) {
  return batch.slice(kAttributes, batch.size());
}

}  // namespace

kj::StringPtr codecName(Codec codec) {
  auto index = static_cast<size_t>(codec);
  return index < kCodecCount ? kCodecNames[index] : "unknown"_kj;
}

kj::Maybe<Codec> parseCodec(kj::StringPtr name) {
  for (int i = 0; i < kCodecCount; ++i) {
    if (kCodecNames[i] == name) return static_cast<Codec>(i);
  }
  return nullptr;
}

kj::Maybe<BatchView> BatchView::first(ByteView data) {
  if (data.size() < kHeaderBytes) return nullptr;
  int64_t size = claimedSize(data);
  if (size < static_cast<int64_t>(kHeaderBytes) || size > static_cast<int64_t>(data.size())) return nullptr;
  if (static_cast<int8_t>(data[kMagic]) != kMagicV2) return nullptr;
  return BatchView(data.slice(0, static_cast<size_t>(size)));
}

bool BatchView::crcMatches() const {
  return crc32c(checksummed(data_)) == crc();
}

void stampBatch(kj::ArrayPtr<kj::byte> batch, Offset baseOffset, LeaderEpoch epoch) {
  KJ_REQUIRE(batch.size() >= kHeaderBytes);
  storeBigEndian(batch.begin() + kBaseOffset, baseOffset.value());
  storeBigEndian(batch.begin() + kLeaderEpoch, epoch.value());
}

void stampLogAppendTime(kj::ArrayPtr<kj::byte> batch, TimestampMs now) {
  KJ_REQUIRE(batch.size() >= kHeaderBytes);
  auto attributes = loadBigEndian<int16_t>(batch.begin() + kAttributes);
  // Kafka leaves the base timestamp and the deltas alone: with this attribute, readers give every record the max
  // timestamp.
  storeBigEndian(batch.begin() + kAttributes, static_cast<int16_t>(attributes | 0x08));
  storeBigEndian(batch.begin() + kMaxTimestamp, now.value());
  storeBigEndian(batch.begin() + kCrc, crc32c(checksummed(batch)));
}

void stampMaxTimestamp(kj::ArrayPtr<kj::byte> batch, TimestampMs max) {
  KJ_REQUIRE(batch.size() >= kHeaderBytes);
  storeBigEndian(batch.begin() + kMaxTimestamp, max.value());
  storeBigEndian(batch.begin() + kCrc, crc32c(checksummed(batch)));
}

const BatchView* BatchIterator::next() {
  current_ = BatchView::first(rest_);
  KJ_IF_MAYBE(batch, current_) {
    rest_ = rest_.slice(batch->size(), rest_.size());
    return batch;
  }
  return nullptr;
}

}  // namespace cambium
