#include "backends/native/segment_scan.h"

#include <cstring>

#include <kj/debug.h>

namespace cambium {

using namespace batch_layout;

namespace {

constexpr size_t kScanBytes = size_t{1} << 20;
// How much holdsSoundBatch() computes checksums of: contents may look like batch headers everywhere.
constexpr uint64_t kSearchBytesMax = uint64_t{1} << 30;

bool isSoundHeader(ByteView header, uint64_t room) {
  int64_t size = BatchView::claimedSize(header);
  auto base = loadBigEndian<int64_t>(header.begin() + kBaseOffset);
  // An end that offsets cannot express is no end.
  if (base < 0 || base > INT64_MAX - INT32_MAX - 1) return false;
  return size >= static_cast<int64_t>(kHeaderBytes) && static_cast<uint64_t>(size) <= room &&
         static_cast<int8_t>(header[kMagic]) == kMagicV2 &&
         loadBigEndian<int32_t>(header.begin() + kLastOffsetDelta) >= 0;
}

BatchPlace placeOf(ByteView header, uint64_t position) {
  Offset base(loadBigEndian<int64_t>(header.begin() + kBaseOffset));
  return {
      .position = position,
      .bytes = static_cast<uint64_t>(BatchView::claimedSize(header)),
      .base = base,
      .last = base + int64_t{loadBigEndian<int32_t>(header.begin() + kLastOffsetDelta)},
      .maxTimestamp = TimestampMs(loadBigEndian<int64_t>(header.begin() + kMaxTimestamp)),
  };
}

}  // namespace

kj::Maybe<BatchPlace> batchAt(File& file, uint64_t position, uint64_t end) {
  kj::byte header[kHeaderBytes];
  if (position >= end || file.read(position, header) < kHeaderBytes) return nullptr;
  if (!isSoundHeader(header, end - position)) return nullptr;
  return placeOf(header, position);
}

void throwDamaged(FileSystem& fileSystem, kj::StringPtr path, uint64_t position, Offset offset, kj::StringPtr what) {
  KJ_FAIL_REQUIRE("a segment is damaged", what, fileSystem.describe(path), position, offset,
                  "nothing was cut; restore the file, or see with `cambium inspect repair` what can be kept");
}

kj::Maybe<BatchPlace> HeaderScan::next() {
  if (position_ >= end_) return nullptr;
  bool inChunk = position_ >= chunkPosition_ && position_ + kHeaderBytes <= chunkPosition_ + chunkSize_;
  if (!inChunk) {
    chunkPosition_ = position_;
    size_t wanted = static_cast<size_t>(kj::min(uint64_t{kChunkBytes}, end_ - position_));
    chunkSize_ = file_.read(position_, kj::arrayPtr(chunk_, wanted));
    if (chunkSize_ < kHeaderBytes) throwDamaged(fileSystem_, path_, position_, expected_, "no room for a batch header");
  }
  ByteView header = kj::arrayPtr(chunk_ + (position_ - chunkPosition_), kHeaderBytes);
  if (!isSoundHeader(header, end_ - position_)) {
    throwDamaged(fileSystem_, path_, position_, expected_, "not a batch header");
  }
  Offset base(loadBigEndian<int64_t>(header.begin() + kBaseOffset));
  if (expected_ != kNoOffset && base != expected_) {
    throwDamaged(fileSystem_, path_, position_, expected_, "a batch of another offset");
  }
  auto place = placeOf(header, position_);
  position_ += place.bytes;
  expected_ = place.last + 1;
  return place;
}

BatchScan::BatchScan(File& file, uint64_t position, Offset offset)
    : file_(file), position_(position), expected_(offset), fileBytes_(file.size()) {}

bool BatchScan::fill(size_t need) {
  if (filled_ - begin_ >= need) return true;
  size_t rest = filled_ - begin_;
  if (buffer_.size() < need) {
    auto larger = kj::heapArray<kj::byte>(kj::max(need, kScanBytes));
    if (rest > 0) memcpy(larger.begin(), buffer_.begin() + begin_, rest);
    buffer_ = kj::mv(larger);
  } else if (rest > 0) {
    memmove(buffer_.begin(), buffer_.begin() + begin_, rest);
  }
  begin_ = 0;
  filled_ = rest + file_.read(position_ + rest, buffer_.slice(rest, buffer_.size()));
  return filled_ >= need;
}

kj::Maybe<BatchView> BatchScan::next() {
  if (stopped_.size() > 0 || position_ == fileBytes_) return nullptr;
  if (!fill(kHeaderBytes)) {
    stopped_ = "a torn batch header"_kj;
    cutShort_ = true;
    return nullptr;
  }
  if (!isSoundHeader(available(), fileBytes_ - position_)) {
    int64_t claimed = BatchView::claimedSize(available());
    bool beyond = claimed > 0 && static_cast<uint64_t>(claimed) > fileBytes_ - position_;
    stopped_ = beyond ? "a batch that does not end in the file"_kj : "not a batch header"_kj;
    cutShort_ = beyond;
    return nullptr;
  }
  auto size = static_cast<size_t>(BatchView::claimedSize(available()));
  if (!fill(size)) {
    stopped_ = "a batch that does not end in the file"_kj;
    return nullptr;
  }
  BatchView batch = KJ_ASSERT_NONNULL(BatchView::first(available()));
  if (batch.baseOffset() != expected_) {
    stopped_ = "a batch of another offset"_kj;
    return nullptr;
  }
  if (!batch.crcMatches()) {
    stopped_ = "a batch whose checksum does not match"_kj;
    return nullptr;
  }
  begin_ += size;
  position_ += size;
  expected_ = batch.nextOffset();
  return batch;
}

bool holdsSoundBatch(ByteView tail, Offset from) {
  uint64_t searched = 0;
  for (size_t at = 0; at + kHeaderBytes <= tail.size(); ++at) {
    ByteView rest = tail.slice(at, tail.size());
    if (!isSoundHeader(rest, rest.size())) continue;
    BatchView batch = KJ_ASSERT_NONNULL(BatchView::first(rest));
    // The base offset lies outside the checksum, so at the very beginning it may be what is damaged.
    if (at > 0 && batch.baseOffset() < from) continue;
    searched += batch.size();
    if (batch.crcMatches() || searched > kSearchBytesMax) return true;
  }
  return false;
}

}  // namespace cambium
