#include "engine/storage/memory_log.h"

#include <algorithm>

#include <kj/debug.h>

namespace cambium {

template <class Visit>
void MemoryLogData::eachBatch(Offset from, Visit visit) const {
  for (auto& extent : extents_) {
    if (extent.end() <= from) continue;
    for (auto& batch : extent.batches) {
      if (batch.next > from && !visit(batch)) return;
    }
  }
}

void MemoryLogData::checkAppend(ByteView batches) const {
  KJ_REQUIRE(batches.size() > 0, "nothing to append");
  BatchIterator iterator(batches);
  Offset expected = bounds_.end;
  while (auto* batch = iterator.next()) {
    KJ_REQUIRE(batch->baseOffset() == expected, "a batch does not continue where the log ends", batch->baseOffset(),
               expected);
    KJ_REQUIRE(batch->lastOffsetDelta() >= 0, "a batch has a negative last offset delta", batch->baseOffset(),
               batch->lastOffsetDelta());
    expected = batch->nextOffset();
  }
  KJ_REQUIRE(iterator.rest().size() == 0, "the bytes to append end in something that is no whole batch", expected,
             iterator.rest().size());
}

void MemoryLogData::append(ByteView batches, const LogOptions& options) {
  BatchIterator iterator(batches);
  while (auto* batch = iterator.next()) {
    if (needsNewExtent(*batch, options)) extents_.emplace_back();
    auto& extent = extents_.back();
    extent.bytes += batch->size();
    extent.batches.push_back(store(*batch));
    bounds_.end = batch->nextOffset();
  }
}

MemoryLogData::StoredBatch MemoryLogData::store(const BatchView& batch) {
  return {batch.baseOffset(), batch.nextOffset(), batch.maxTimestamp(), kj::heapArray<kj::byte>(batch.bytes())};
}

bool MemoryLogData::needsNewExtent(const BatchView& batch, const LogOptions& options) const {
  if (extents_.empty()) return true;
  auto& extent = extents_.back();
  if (extent.closed) return true;
  if (extent.bytes + batch.size() > options.segmentBytes.value()) return true;
  // Timestamps are what a client says: their distance may not fit into a signed integer.
  auto first = static_cast<uint64_t>(extent.batches.front().maxTimestamp.value());
  auto next = static_cast<uint64_t>(batch.maxTimestamp().value());
  bool newer = batch.maxTimestamp() > extent.batches.front().maxTimestamp;
  return newer && next - first > static_cast<uint64_t>(options.segmentMs);
}

void MemoryLogData::checkRead(Offset from, Offset upTo) const {
  KJ_REQUIRE(bounds_.start <= from && from <= upTo && upTo <= bounds_.end, "reading outside of the log", from, upTo,
             bounds_.start, bounds_.end);
}

kj::Array<const kj::byte> MemoryLogData::read(Offset from, Offset upTo, Bytes bytesMax) const {
  kj::Vector<kj::byte> out;
  eachBatch(from, [&](const StoredBatch& batch) {
    if (batch.next > upTo) return false;
    if (out.size() > 0 && out.size() + batch.bytes.size() > bytesMax.value()) return false;
    bool sound = KJ_ASSERT_NONNULL(BatchView::first(batch.bytes)).crcMatches();
    KJ_REQUIRE(sound, "a batch does not match its checksum", batch.base, batch.bytes.size());
    out.addAll(batch.bytes);
    return out.size() < bytesMax.value();
  });
  return out.releaseAsArray();
}

kj::Maybe<TimeHit> MemoryLogData::seekTime(TimestampMs atLeast) const {
  kj::Maybe<TimeHit> hit;
  eachBatch(bounds_.start, [&](const StoredBatch& batch) {
    if (batch.maxTimestamp == kNoTimestamp || batch.maxTimestamp < atLeast) return true;
    hit = TimeHit{batch.base, batch.maxTimestamp};
    return false;
  });
  return hit;
}

kj::Maybe<TimeHit> MemoryLogData::maxTimestamp() const {
  kj::Maybe<TimeHit> best;
  eachBatch(bounds_.start, [&](const StoredBatch& batch) {
    bool better = batch.maxTimestamp != kNoTimestamp;
    KJ_IF_MAYBE(known, best) {
      better = batch.maxTimestamp > known->maxTimestamp;
    }
    if (better) best = TimeHit{batch.base, batch.maxTimestamp};
    return true;
  });
  return best;
}

void MemoryLogData::makeDurable(Offset end) {
  KJ_REQUIRE(end <= bounds_.end);
  bounds_.durable = std::max(bounds_.durable, end);
}

void MemoryLogData::loseVolatile() {
  cutTail(bounds_.durable);
}

void MemoryLogData::dropBefore(Offset start) {
  KJ_REQUIRE(bounds_.start <= start && start <= bounds_.end, "cannot drop up to an offset outside of the log", start,
             bounds_.start, bounds_.end);
  bounds_.start = start;
  // What was volatile below the new start is forgotten for good, which no power loss can undo.
  bounds_.durable = std::max(bounds_.durable, start);
  while (!extents_.empty() && extents_.front().end() <= start)
    extents_.pop_front();
}

void MemoryLogData::truncateFrom(Offset end) {
  KJ_REQUIRE(bounds_.start <= end && end <= bounds_.end, "cannot truncate at an offset outside of the log", end,
             bounds_.start, bounds_.end);
  eachBatch(end, [&](const StoredBatch& batch) {
    KJ_REQUIRE(batch.base >= end, "cannot truncate in the middle of a batch", end, batch.base, batch.next);
    return false;
  });
  cutTail(end);
}

void MemoryLogData::resetTo(Offset start) {
  KJ_REQUIRE(start >= Offset(0), "a log cannot start at a negative offset", start);
  extents_.clear();
  bounds_ = {start, start, start};
}

void MemoryLogData::checkRewrite(Offset first, Offset end) const {
  KJ_REQUIRE(end <= bounds_.durable, "only what is durable can be rewritten", first, end, bounds_.durable);
  KJ_REQUIRE(end - first <= INT32_MAX, "too many offsets for one extent", first, end);
  bool begins = false;
  bool ends = false;
  for (auto& extent : extents_) {
    bool closed = extent.closed || &extent != &extents_.back();
    begins = begins || extent.first() == first;
    ends = ends || (extent.end() == end && closed);
  }
  KJ_REQUIRE(first < end && begins && ends, "what is to be rewritten must be closed extents", first, end);
}

kj::Array<kj::byte> MemoryLogData::contents(Offset first, Offset end) const {
  kj::Vector<kj::byte> bytes;
  eachBatch(first, [&](const StoredBatch& batch) {
    if (batch.base >= end) return false;
    bytes.addAll(batch.bytes);
    return true;
  });
  return bytes.releaseAsArray();
}

void MemoryLogData::replace(Offset first, Offset end, ByteView batches) {
  StoredExtent rewritten;
  rewritten.closed = true;
  rewritten.bytes = batches.size();
  BatchIterator iterator(batches);
  while (auto* batch = iterator.next())
    rewritten.batches.push_back(store(*batch));
  std::deque<StoredExtent> result;
  for (auto& extent : extents_) {
    if (extent.end() <= first || extent.first() >= end) {
      result.push_back(kj::mv(extent));
    } else if (extent.first() == first) {
      result.push_back(kj::mv(rewritten));
    }
  }
  extents_ = kj::mv(result);
}

void MemoryLogData::closeExtent() {
  if (!extents_.empty()) extents_.back().closed = true;
}

// A batch that reaches beyond `end` goes as a whole: after a drop in the middle of it, durable can lie inside.
void MemoryLogData::cutTail(Offset end) {
  while (!extents_.empty()) {
    auto& extent = extents_.back();
    if (extent.end() <= end) break;
    extent.bytes -= extent.batches.back().bytes.size();
    extent.batches.pop_back();
    extent.closed = false;
    if (extent.batches.empty()) extents_.pop_back();
  }
  bounds_.end = end;
  bounds_.durable = std::min(bounds_.durable, end);
  if (bounds_.start == end) extents_.clear();
}

kj::Vector<Extent> MemoryLogData::extents() const {
  kj::Vector<Extent> result;
  for (auto& extent : extents_) {
    auto newest = kNoTimestamp;
    for (auto& batch : extent.batches)
      newest = std::max(newest, batch.maxTimestamp);
    result.add(Extent{extent.first(), extent.end(), Bytes(extent.bytes), newest});
  }
  return result;
}

Bytes MemoryLogData::sizeBytes() const {
  Bytes total;
  for (auto& extent : extents_)
    total += extent.bytes;
  return total;
}

Bytes MemoryLogData::dirtyBytes() const {
  Bytes total;
  eachBatch(bounds_.durable, [&](const StoredBatch& batch) {
    total += batch.bytes.size();
    return true;
  });
  return total;
}

}  // namespace cambium
