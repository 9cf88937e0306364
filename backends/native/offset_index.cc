#include "backends/native/offset_index.h"

#include <algorithm>

#include <kj/debug.h>

#include "engine/base/byte_cursor.h"

namespace cambium {

OffsetIndexEntry OffsetIndexEntry::decode(const kj::byte* from) {
  return {loadBigEndian<int32_t>(from), loadBigEndian<int32_t>(from + 4)};
}

kj::Maybe<OffsetIndex> OffsetIndex::parse(ByteView file, uint64_t segmentBytes, size_t entriesMax) {
  if (file.size() % kEntryBytes != 0) return nullptr;
  OffsetIndex index;
  size_t count = kj::min(file.size() / kEntryBytes, entriesMax);
  index.entries_.reserve(count);
  OffsetIndexEntry last{-1, 0};
  for (size_t i = 0; i < count; ++i) {
    auto entry = OffsetIndexEntry::decode(file.begin() + i * kEntryBytes);
    if (entry.relativeOffset <= last.relativeOffset || entry.position <= last.position) return nullptr;
    if (static_cast<uint64_t>(entry.position) >= segmentBytes) return nullptr;
    index.entries_.add(entry);
    last = entry;
  }
  return kj::mv(index);
}

kj::Array<kj::byte> OffsetIndex::serialize(size_t from) const {
  auto bytes = kj::heapArray<kj::byte>((entries_.size() - from) * kEntryBytes);
  kj::byte* to = bytes.begin();
  for (auto& entry : entries_.asPtr().slice(from, entries_.size())) {
    storeBigEndian(to, entry.relativeOffset);
    storeBigEndian(to + 4, entry.position);
    to += kEntryBytes;
  }
  return bytes;
}

void OffsetIndex::append(int32_t relativeOffset, int32_t position) {
  if (entries_.size() > 0) {
    KJ_REQUIRE(relativeOffset > entries_.back().relativeOffset && position > entries_.back().position);
  }
  entries_.add(OffsetIndexEntry{relativeOffset, position});
}

const OffsetIndexEntry* OffsetIndex::entryFor(int64_t relativeOffset) const {
  auto after =
      std::upper_bound(entries_.begin(), entries_.end(), relativeOffset,
                       [](int64_t offset, const OffsetIndexEntry& entry) { return offset < entry.relativeOffset; });
  return after == entries_.begin() ? nullptr : after - 1;
}

uint64_t OffsetIndex::positionFor(int64_t relativeOffset) const {
  auto* entry = entryFor(relativeOffset);
  return entry == nullptr ? 0 : static_cast<uint64_t>(entry->position);
}

void OffsetIndex::truncate(int64_t relativeOffset) {
  while (entries_.size() > 0 && entries_.back().relativeOffset >= relativeOffset)
    entries_.removeLast();
}

}  // namespace cambium
