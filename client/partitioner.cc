#include "client/partitioner.h"

#include <cstring>

#include <kj/debug.h>

namespace cambium::client {

int32_t murmur2(ByteView data) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr uint32_t kSeed = 0x9747b28c;
  const kj::byte* at = data.begin();
  size_t left = data.size();
  uint32_t hash = kSeed ^ static_cast<uint32_t>(left);
  for (; left >= 4; at += 4, left -= 4) {
    uint32_t word;  // little-endian, as this machine is
    memcpy(&word, at, sizeof(word));
    word *= kMultiplier;
    word ^= word >> 24;
    hash = (hash * kMultiplier) ^ (word * kMultiplier);
  }
  if (left > 0) {
    for (size_t i = 0; i < left; ++i)
      hash ^= uint32_t{at[i]} << (8 * i);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash);
}

PartitionIndex keyedPartition(ByteView key, int32_t partitions) {
  KJ_REQUIRE(partitions > 0, "a topic has at least one partition", partitions);
  return PartitionIndex((murmur2(key) & 0x7fffffff) % partitions);
}

namespace {

// Keyless records stay on one partition until a batch of it is closed.
class StickyPartitioner final : public Partitioner {
 public:
  explicit StickyPartitioner(uint64_t seed) : state_(seed) {}

  PartitionIndex choose(kj::Maybe<ByteView> key, int32_t partitions) override {
    KJ_IF_MAYBE(bytes, key) return keyedPartition(*bytes, partitions);
    KJ_REQUIRE(partitions > 0, "a topic has at least one partition", partitions);
    if (!chosen_ || current_ >= partitions) {
      int32_t next = static_cast<int32_t>(random() % static_cast<uint64_t>(partitions));
      if (next == current_) next = (next + 1) % partitions;  // the next batch goes elsewhere
      current_ = next;
      chosen_ = true;
    }
    return PartitionIndex(current_);
  }

  void batchClosed(PartitionIndex partition) override {
    if (partition.value() == current_) chosen_ = false;
  }

 private:
  // SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
  uint64_t random() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  uint64_t state_;
  int32_t current_ = -1;
  bool chosen_ = false;
};

class RoundRobinPartitioner final : public Partitioner {
 public:
  explicit RoundRobinPartitioner(uint64_t seed) : next_(seed) {}

  PartitionIndex choose(kj::Maybe<ByteView>, int32_t partitions) override {
    KJ_REQUIRE(partitions > 0, "a topic has at least one partition", partitions);
    return PartitionIndex(static_cast<int32_t>(next_++ % static_cast<uint64_t>(partitions)));
  }
  void batchClosed(PartitionIndex) override {}

 private:
  uint64_t next_;
};

}  // namespace

kj::Own<Partitioner> newPartitioner(PartitionerKind kind, uint64_t seed) {
  switch (kind) {
    case PartitionerKind::kSticky:
      return kj::heap<StickyPartitioner>(seed);
    case PartitionerKind::kRoundRobin:
      return kj::heap<RoundRobinPartitioner>(seed);
  }
  KJ_UNREACHABLE;
}

}  // namespace cambium::client
