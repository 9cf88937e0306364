#pragma once

#include <kj/array.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium {

// Finds the batches of a time in their segment. The file "<base offset>.timeindex" is Apache Kafka's: entries one after
// another, big-endian,
//
//     position  size
//            0     8  the largest timestamp up to here
//            8     4  last offset of the first batch that carries it, relative to the segment's base offset
//
// with timestamps and offsets strictly increasing. Added when the offset index gets an entry, and when the segment is
// sealed or its log closed cleanly, provided the largest timestamp grew. (Source: TimeIndex.maybeAppend,
// LogSegment.onBecomeInactiveSegment and LogSegment.close in Apache Kafka.)
struct TimeEntry {
  TimestampMs timestamp;
  int32_t relativeOffset;

  // From the bytes of one entry.
  static TimeEntry decode(const kj::byte* from);

  friend bool operator==(const TimeEntry&, const TimeEntry&) = default;
};

class TimeIndex {
 public:
  static constexpr size_t kEntryBytes = 12;

  TimeIndex() = default;
  KJ_DISALLOW_COPY(TimeIndex);
  TimeIndex(TimeIndex&&) = default;
  TimeIndex& operator=(TimeIndex&&) = default;

  // Reads the first `entriesMax` entries of a file's contents. Null when they are no time index: not a multiple of the
  // entry size, or out of order.
  static kj::Maybe<TimeIndex> parse(ByteView file, size_t entriesMax = SIZE_MAX);
  // The file's contents from entry `from` on.
  kj::Array<kj::byte> serialize(size_t from = 0) const;

  // Adds an entry unless `timestamp` is not greater than the last one's (or than "none").
  void append(TimestampMs timestamp, int32_t relativeOffset);
  // The first entry whose timestamp is at least `atLeast`, or null.
  const TimeEntry* firstAtLeast(TimestampMs atLeast) const;
  // Keeps the entries below `relativeOffset`.
  void truncate(int64_t relativeOffset);
  // Keeps the first `count` entries.
  void resize(size_t count) { entries_.truncate(count); }

  size_t size() const { return entries_.size(); }
  kj::ArrayPtr<const TimeEntry> entries() const { return entries_.asPtr(); }

 private:
  kj::Vector<TimeEntry> entries_;
};

}  // namespace cambium
