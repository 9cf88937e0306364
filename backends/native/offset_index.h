#pragma once

#include <kj/array.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium {

// Finds the position of a batch in its segment. The file "<base offset>.index" is Apache Kafka's: entries one after
// another, big-endian,
//
//     position  size
//            0     4  last offset of a batch, relative to the segment's base offset
//            4     4  position of that batch's first byte in the segment
//
// with offsets and positions strictly increasing. A batch gets an entry, when it is appended, if more than the index
// interval was appended since the last one that got an entry; the first batch of a segment never has one. (Source:
// OffsetIndex, LogSegment.append and the checks of DumpLogSegments in Apache Kafka.)
struct OffsetIndexEntry {
  int32_t relativeOffset;
  int32_t position;

  // From the bytes of one entry.
  static OffsetIndexEntry decode(const kj::byte* from);

  friend bool operator==(const OffsetIndexEntry&, const OffsetIndexEntry&) = default;
};

class OffsetIndex {
 public:
  static constexpr size_t kEntryBytes = 8;

  OffsetIndex() = default;
  KJ_DISALLOW_COPY(OffsetIndex);
  OffsetIndex(OffsetIndex&&) = default;
  OffsetIndex& operator=(OffsetIndex&&) = default;

  // Reads the first `entriesMax` entries of a file's contents. Null when they are no index of a segment of
  // `segmentBytes`: not a multiple of the entry size, out of order, or beyond the segment.
  static kj::Maybe<OffsetIndex> parse(ByteView file, uint64_t segmentBytes, size_t entriesMax = SIZE_MAX);
  // The file's contents from entry `from` on.
  kj::Array<kj::byte> serialize(size_t from = 0) const;

  // Requires that both are greater than those of the last entry.
  void append(int32_t relativeOffset, int32_t position);
  // Where to begin looking for the batch that contains `relativeOffset`: the last entry that does not lie behind it;
  // null when there is none, and it has to be the segment's begin.
  const OffsetIndexEntry* entryFor(int64_t relativeOffset) const;
  // The position of that entry, 0 when there is none.
  uint64_t positionFor(int64_t relativeOffset) const;
  // Position of the last entry, 0 when there is none.
  uint64_t lastPosition() const { return entries_.size() == 0 ? 0 : static_cast<uint64_t>(entries_.back().position); }
  // Keeps the entries below `relativeOffset`.
  void truncate(int64_t relativeOffset);
  // Keeps the first `count` entries.
  void resize(size_t count) { entries_.truncate(count); }

  size_t size() const { return entries_.size(); }
  kj::ArrayPtr<const OffsetIndexEntry> entries() const { return entries_.asPtr(); }

 private:
  kj::Vector<OffsetIndexEntry> entries_;
};

}  // namespace cambium
