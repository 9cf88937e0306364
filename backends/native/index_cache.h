#pragma once

#include <list>
#include <unordered_map>

#include <kj/refcount.h>

#include "backends/native/offset_index.h"
#include "backends/native/time_index.h"
#include "engine/base/guarded.h"

namespace cambium {

// Both indexes of one segment.
struct SegmentIndexes {
  OffsetIndex offsets;
  TimeIndex times;

  size_t memoryBytes() const { return offsets.size() * sizeof(OffsetIndexEntry) + times.size() * sizeof(TimeEntry); }
};

// The indexes of a sealed segment. Immutable, shared between threads.
class SealedIndexes final : public kj::AtomicRefcounted {
 public:
  explicit SealedIndexes(SegmentIndexes indexes) : indexes_(kj::mv(indexes)) {}
  const SegmentIndexes& get() const { return indexes_; }

 private:
  SegmentIndexes indexes_;
};

// The indexes of sealed segments that were used lately, of all logs of an engine together, at most `bytesMax` of them
// (the one in use may be larger). All methods on any thread.
class IndexCache {
 public:
  explicit IndexCache(Bytes bytesMax) : bytesMax_(bytesMax) {}
  KJ_DISALLOW_COPY(IndexCache);

  // A number that no other segment of this cache has.
  uint64_t newId();
  // What was put under `id`, unless it was evicted.
  kj::Maybe<kj::Own<const SealedIndexes>> get(uint64_t id);
  void put(uint64_t id, kj::Own<const SealedIndexes> indexes);
  void erase(uint64_t id);
  // What the cached indexes take in memory.
  Bytes size() const;

 private:
  struct Entry {
    uint64_t id;
    kj::Own<const SealedIndexes> indexes;
  };
  struct State {
    uint64_t nextId = 1;
    uint64_t bytes = 0;
    std::list<Entry> recent;  // latest first
    std::unordered_map<uint64_t, std::list<Entry>::iterator> byId;
  };
  static void remove(State& state, uint64_t id);

  const Bytes bytesMax_;
  Guarded<State> state_;
};

}  // namespace cambium
