#include "engine/retention/key_map.h"

#include <kj/debug.h>

namespace cambium {

namespace {

// Beyond nine tenths searches become long.
size_t slotsFor(size_t keys) {
  return keys + keys / 9 + 1;
}

}  // namespace

size_t KeyMap::keysIn(Bytes bytes) {
  auto slots = bytes.value() / kSlotBytes;
  return slots < 3 ? 1 : (slots - 1) * 9 / 10;
}

KeyMap::KeyMap(size_t keysMax) : keysMax_(keysMax), slots_(kj::heapArray<Slot>(slotsFor(keysMax))) {
  KJ_REQUIRE(keysMax > 0, "a key map takes one key at least");
}

size_t KeyMap::find(const KeyHash& key) const {
  // The hash as a fraction of the table.
  auto at = static_cast<size_t>((static_cast<unsigned __int128>(key.low) * slots_.size()) >> 64);
  while (slots_[at].offset != kNoOffset && slots_[at].key != key)
    at = at + 1 == slots_.size() ? 0 : at + 1;
  return at;
}

bool KeyMap::put(const KeyHash& key, Offset offset) {
  auto& slot = slots_[find(key)];
  if (slot.offset == kNoOffset) {
    if (used_ == keysMax_) return false;
    ++used_;
    slot.key = key;
  }
  slot.offset = kj::max(slot.offset, offset);
  return true;
}

}  // namespace cambium
