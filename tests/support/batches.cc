#include "tests/support/batches.h"

#include <random>

#include <kj/debug.h>

#include "engine/base/crc32c.h"

namespace cambium {

using namespace batch_layout;

kj::Array<kj::byte> makeBatch(Offset base, int records, TimestampMs maxTimestamp, size_t payloadBytes, uint64_t seed) {
  KJ_REQUIRE(records > 0);
  auto batch = kj::heapArray<kj::byte>(kHeaderBytes + payloadBytes);
  auto* out = batch.begin();
  storeBigEndian(out + kBaseOffset, base.value());
  storeBigEndian(out + kLength, static_cast<int32_t>(batch.size() - kLengthFrom));
  storeBigEndian(out + kLeaderEpoch, int32_t{0});
  out[kMagic] = kMagicV2;
  storeBigEndian(out + kAttributes, int16_t{0});
  storeBigEndian(out + kLastOffsetDelta, int32_t{records - 1});
  storeBigEndian(out + kBaseTimestamp, maxTimestamp.value());
  storeBigEndian(out + kMaxTimestamp, maxTimestamp.value());
  storeBigEndian(out + kProducerId, int64_t{-1});
  storeBigEndian(out + kProducerEpoch, int16_t{-1});
  storeBigEndian(out + kBaseSequence, int32_t{-1});
  storeBigEndian(out + kRecordCount, int32_t{records});
  std::mt19937_64 random(seed * 1'000'003 + static_cast<uint64_t>(base.value()));
  for (size_t i = kHeaderBytes; i < batch.size(); ++i)
    out[i] = static_cast<kj::byte>(random() >> 32);
  storeBigEndian(out + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
  return batch;
}

kj::Array<kj::byte> makeEmptyBatch(Offset base, int64_t offsets, TimestampMs timestamp) {
  KJ_REQUIRE(offsets > 0 && offsets <= INT32_MAX);
  auto batch = makeBatch(base, static_cast<int>(offsets), timestamp, 0, 0);
  storeBigEndian(batch.begin() + kRecordCount, int32_t{0});
  storeBigEndian(batch.begin() + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
  return batch;
}

kj::String describeBatches(ByteView data) {
  kj::Vector<kj::String> ranges;
  BatchIterator batches(data);
  while (auto* batch = batches.next())
    ranges.add(kj::str("[", batch->baseOffset(), "..", batch->lastOffset(), "]"));
  if (batches.rest().size() > 0) ranges.add(kj::str("+", batches.rest().size()));
  return kj::strArray(ranges, " ");
}

void BatchList::add(kj::Array<const kj::byte> batch) {
  auto view = KJ_REQUIRE_NONNULL(BatchView::first(batch));
  KJ_REQUIRE(view.size() == batch.size(), "one batch at a time");
  KJ_REQUIRE(batches_.empty() || (*this)[size() - 1].nextOffset() == view.baseOffset(), "not in order");
  batches_.add(kj::mv(batch));
}

void BatchList::replace(Offset first, Offset end, ByteView batches) {
  kj::Vector<kj::Array<const kj::byte>> result;
  bool replaced = false;
  auto putNew = [&] {
    BatchIterator iterator(batches);
    while (auto* batch = iterator.next())
      result.add(kj::heapArray<kj::byte>(batch->bytes()));
    replaced = true;
  };
  for (size_t i = 0; i < size(); ++i) {
    Offset base = (*this)[i].baseOffset();
    if (base >= first && !replaced) putNew();
    if (base < first || base >= end) result.add(kj::mv(batches_[i]));
  }
  batches_ = kj::mv(result);
}

void BatchList::cutFrom(Offset end) {
  while (!batches_.empty() && (*this)[size() - 1].nextOffset() > end)
    batches_.removeLast();
}

BatchView BatchList::operator[](size_t index) const {
  return KJ_ASSERT_NONNULL(BatchView::first(batches_[index]));
}

kj::Array<kj::byte> BatchList::range(Offset from, Offset upTo) const {
  kj::Vector<kj::byte> out;
  for (size_t i = 0; i < size(); ++i) {
    auto batch = (*this)[i];
    if (batch.nextOffset() > from && batch.nextOffset() <= upTo) out.addAll(batch.bytes());
  }
  return out.releaseAsArray();
}

}  // namespace cambium
