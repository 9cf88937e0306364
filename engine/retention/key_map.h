#pragma once

#include <kj/array.h>

#include "engine/retention/key_hash.h"

namespace cambium {

// The newest offset of each key of a piece of a log, in memory of a fixed size: a table of open addressing with 24
// bytes per slot, nine tenths of which may be filled. One thread.
class KeyMap {
 public:
  static constexpr size_t kSlotBytes = 24;
  // How many keys a map of so many bytes takes; at least one.
  static size_t keysIn(Bytes bytes);

  // For so many keys at most; takes the memory.
  explicit KeyMap(size_t keysMax);
  KJ_DISALLOW_COPY(KeyMap);

  // Notes a record of a key; of several the one with the largest offset counts. False, and nothing noted, when the key
  // is new and there is no room.
  bool put(const KeyHash& key, Offset offset);
  // kNoOffset when the key is not there.
  Offset newest(const KeyHash& key) const { return slots_[find(key)].offset; }
  size_t size() const { return used_; }
  size_t keysMax() const { return keysMax_; }

 private:
  struct Slot {
    KeyHash key;
    Offset offset = kNoOffset;  // kNoOffset: free
  };
  static_assert(sizeof(Slot) == kSlotBytes);

  // The slot of the key, or the free one where it belongs.
  size_t find(const KeyHash& key) const;

  size_t keysMax_;
  size_t used_ = 0;
  kj::Array<Slot> slots_;  // more than keysMax_: a search ends
};

}  // namespace cambium
