#include "tools/inspect/segment_walk.h"

#include "engine/base/crc32c.h"
#include "tools/inspect/report.h"

namespace cambium::tools {

using namespace batch_layout;

namespace {

constexpr size_t kSearchBytes = size_t{64} << 10;
// A batch that is sought behind damage: no broker accepts more than a hundredth of it.
constexpr int64_t kBatchBytesMax = int64_t{1} << 30;

bool looksLikeHeader(ByteView header) {
  int64_t size = BatchView::claimedSize(header);
  return size >= static_cast<int64_t>(kHeaderBytes) && size <= kBatchBytesMax &&
         static_cast<int8_t>(header[kMagic]) == kMagicV2 && loadBigEndian<int64_t>(header.begin()) >= 0 &&
         loadBigEndian<int32_t>(header.begin() + kLastOffsetDelta) >= 0;
}

}  // namespace

SegmentWalk::SegmentWalk(File& file, uint64_t position, Offset offset)
    : file_(file), fileBytes_(file.size()), expected_(offset) {
  if (offset == kNoOffset) expected_ = baseAt(position).orDefault(Offset(0));
  scan_.emplace(file_, position, expected_);
}

void SegmentWalk::restart(uint64_t position, Offset offset) {
  expected_ = offset;
  scan_.emplace(file_, position, offset);
}

kj::Maybe<SegmentWalk::Step> SegmentWalk::next() {
  auto* scan = &KJ_ASSERT_NONNULL(scan_);
  if (scan->position() >= fileBytes_) return nullptr;
  // Behind damage the next batch may be of another offset than the damaged header let expect.
  if (alternative_ != nullptr || !trusted_) {
    KJ_IF_MAYBE(base, baseAt(scan->position())) {
      bool accept = !trusted_;
      KJ_IF_MAYBE(other, alternative_) accept = accept || *base == *other;
      if (accept && *base != expected_) restart(scan->position(), *base);
    }
    alternative_ = nullptr;
    scan = &KJ_ASSERT_NONNULL(scan_);
  }
  uint64_t position = scan->position();
  KJ_IF_MAYBE(batch, scan->next()) {
    trusted_ = true;
    expected_ = batch->nextOffset();
    return Step{.position = position, .bytes = batch->size(), .offset = batch->baseOffset(), .batch = *batch};
  }
  if (scan->stopped().size() == 0) return nullptr;
  return damage(scan->stopped());
}

SegmentWalk::Step SegmentWalk::damage(kj::StringPtr reason) {
  uint64_t position = KJ_ASSERT_NONNULL(scan_).position();
  kj::byte header[kHeaderBytes];
  size_t got = readHeader(position, header);
  ByteView view = kj::arrayPtr(header, got);
  if (got < kHeaderBytes || !looksLikeHeader(view)) return nothingSound(view, reason);
  auto size = static_cast<uint64_t>(BatchView::claimedSize(view));
  if (size > fileBytes_ - position) return nothingSound(view, reason);
  Offset base(loadBigEndian<int64_t>(header));
  return base == expected_ ? wrongChecksum(view, size) : wrongOffset(view, size);
}

// The checksum does not cover the base offset; everything else in the header may be what is wrong.
SegmentWalk::Step SegmentWalk::wrongChecksum(ByteView header, uint64_t size) {
  uint64_t position = KJ_ASSERT_NONNULL(scan_).position();
  // A wrong length lets the walk land between batches.
  bool lengthFits = position + size == fileBytes_;
  KJ_IF_MAYBE(base, baseAt(position + size)) lengthFits = *base > expected_ && *base <= expected_ + INT32_MAX;
  if (!lengthFits)
    return nothingSound(header, "a batch whose checksum does not match, and behind its length there is none");
  auto contents = kj::heapArray<kj::byte>(size);
  size_t got = file_.read(position, contents);
  auto checksummed = contents.slice(kAttributes, kj::max(got, size_t{kAttributes}));
  Step step{.position = position,
            .bytes = size,
            .offset = expected_,
            .what = kj::str("the checksum of the batch does not match its contents"),
            .expected = showChecksum(loadBigEndian<uint32_t>(header.begin() + kCrc)),
            .found = showChecksum(crc32c(checksummed)),
            .atEnd = position + size == fileBytes_};
  trusted_ = false;
  restart(position + size, expected_ + 1);
  return step;
}

SegmentWalk::Step SegmentWalk::wrongOffset(ByteView header, uint64_t size) {
  uint64_t position = KJ_ASSERT_NONNULL(scan_).position();
  Offset base(loadBigEndian<int64_t>(header.begin()));
  int64_t delta = loadBigEndian<int32_t>(header.begin() + kLastOffsetDelta);
  if (!isSoundAt(position, header))
    return nothingSound(header, "a batch of another offset, and its checksum does not match");
  Step step{.position = position,
            .bytes = size,
            .offset = expected_,
            .what = kj::str("the batch is of another offset than the one before it lets expect"),
            .expected = kj::str("base offset ", expected_),
            .found = kj::str(base),
            .atEnd = position + size == fileBytes_};
  Offset asExpected = expected_ + delta + 1;
  alternative_ = asExpected;
  restart(position + size, base + delta + 1);
  // Were the offset in the header wrong, the next batch would continue at what was expected here.
  return step;
}

SegmentWalk::Step SegmentWalk::nothingSound(ByteView header, kj::StringPtr reason) {
  uint64_t position = KJ_ASSERT_NONNULL(scan_).position();
  Step step{.position = position, .bytes = fileBytes_ - position, .offset = expected_};
  step.expected = kj::str("a batch at offset ", expected_);
  step.found = kj::str(reason);
  if (header.size() == kHeaderBytes) {
    step.found = kj::str(step.found, " (base offset ", loadBigEndian<int64_t>(header.begin()), ", ",
                         BatchView::claimedSize(header), " bytes, magic ", static_cast<int>(header[kMagic]), ")");
  }
  KJ_IF_MAYBE(sound, findSound(position + 1)) {
    step.bytes = *sound - position;
    step.what = kj::str(step.bytes, " bytes hold no sound batch");
    Offset base = KJ_ASSERT_NONNULL(baseAt(*sound));
    step.found = kj::str(step.found, "; the next sound batch begins at position ", *sound, " with offset ", base);
    trusted_ = false;
    restart(*sound, base);
  } else {
    step.atEnd = true;
    step.what = kj::str("the last ", step.bytes, " bytes hold no whole batch");
    restart(fileBytes_, expected_);
  }
  return step;
}

size_t SegmentWalk::readHeader(uint64_t position, kj::byte (&header)[kHeaderBytes]) {
  if (position >= fileBytes_) return 0;
  size_t wanted = static_cast<size_t>(kj::min(uint64_t{kHeaderBytes}, fileBytes_ - position));
  return file_.read(position, kj::arrayPtr(header, wanted));
}

// The base offset in what looks like a header.
kj::Maybe<Offset> SegmentWalk::baseAt(uint64_t position) {
  kj::byte header[kHeaderBytes];
  if (readHeader(position, header) < kHeaderBytes || !looksLikeHeader(kj::arrayPtr(header, kHeaderBytes)))
    return nullptr;
  return Offset(loadBigEndian<int64_t>(header));
}

bool SegmentWalk::isSoundAt(uint64_t position, ByteView header) {
  int64_t size = BatchView::claimedSize(header);
  if (static_cast<uint64_t>(size) > fileBytes_ - position) return false;
  auto contents = kj::heapArray<kj::byte>(static_cast<size_t>(size));
  if (file_.read(position, contents) < contents.size()) return false;
  KJ_IF_MAYBE(batch, BatchView::first(contents)) return batch->crcMatches();
  return false;
}

// Where the first sound batch of a later offset begins.
kj::Maybe<uint64_t> SegmentWalk::findSound(uint64_t from) {
  auto chunk = kj::heapArray<kj::byte>(kSearchBytes);
  while (from + kHeaderBytes <= fileBytes_) {
    size_t got = file_.read(from, chunk);
    if (got < kHeaderBytes) return nullptr;
    for (size_t i = 0; i + kHeaderBytes <= got; ++i) {
      ByteView header = chunk.slice(i, i + kHeaderBytes);
      if (static_cast<int8_t>(header[kMagic]) != kMagicV2 || !looksLikeHeader(header)) continue;
      Offset base(loadBigEndian<int64_t>(header.begin()));
      bool plausible = base >= expected_ && base <= expected_ + INT32_MAX;
      if (plausible && isSoundAt(from + i, header)) return from + i;
    }
    from += got - kHeaderBytes + 1;
  }
  return nullptr;
}

}  // namespace cambium::tools
