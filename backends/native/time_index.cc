#include "backends/native/time_index.h"

#include <algorithm>

#include <kj/debug.h>

#include "engine/base/byte_cursor.h"

namespace cambium {

TimeEntry TimeEntry::decode(const kj::byte* from) {
  return {TimestampMs(loadBigEndian<int64_t>(from)), loadBigEndian<int32_t>(from + 8)};
}

kj::Maybe<TimeIndex> TimeIndex::parse(ByteView file, size_t entriesMax) {
  if (file.size() % kEntryBytes != 0) return nullptr;
  TimeIndex index;
  size_t count = kj::min(file.size() / kEntryBytes, entriesMax);
  index.entries_.reserve(count);
  TimeEntry last{kNoTimestamp, -1};
  for (size_t i = 0; i < count; ++i) {
    auto entry = TimeEntry::decode(file.begin() + i * kEntryBytes);
    if (entry.timestamp <= last.timestamp || entry.relativeOffset <= last.relativeOffset) return nullptr;
    index.entries_.add(entry);
    last = entry;
  }
  return kj::mv(index);
}

kj::Array<kj::byte> TimeIndex::serialize(size_t from) const {
  auto bytes = kj::heapArray<kj::byte>((entries_.size() - from) * kEntryBytes);
  kj::byte* to = bytes.begin();
  for (auto& entry : entries_.asPtr().slice(from, entries_.size())) {
    storeBigEndian(to, entry.timestamp.value());
    storeBigEndian(to + 8, entry.relativeOffset);
    to += kEntryBytes;
  }
  return bytes;
}

void TimeIndex::append(TimestampMs timestamp, int32_t relativeOffset) {
  TimestampMs last = entries_.size() == 0 ? kNoTimestamp : entries_.back().timestamp;
  if (timestamp <= last) return;
  KJ_REQUIRE(entries_.size() == 0 || relativeOffset > entries_.back().relativeOffset);
  entries_.add(TimeEntry{timestamp, relativeOffset});
}

const TimeEntry* TimeIndex::firstAtLeast(TimestampMs atLeast) const {
  auto found = std::lower_bound(entries_.begin(), entries_.end(), atLeast,
                                [](const TimeEntry& entry, TimestampMs time) { return entry.timestamp < time; });
  return found == entries_.end() ? nullptr : found;
}

void TimeIndex::truncate(int64_t relativeOffset) {
  while (entries_.size() > 0 && entries_.back().relativeOffset >= relativeOffset)
    entries_.removeLast();
}

}  // namespace cambium
