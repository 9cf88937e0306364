#pragma once

#include "engine/base/byte_cursor.h"
#include "engine/base/uuid.h"

namespace cambium {

// Names a partition: the topic by its id, so that a topic made anew is another one.
struct PartitionKey {
  Uuid topic;
  int32_t index;

  friend bool operator==(const PartitionKey&, const PartitionKey&) = default;
};

struct PartitionKeyHash {
  size_t operator()(const PartitionKey& key) const {
    return static_cast<size_t>(loadBigEndian<uint64_t>(key.topic.bytes().begin())) * 31 +
           static_cast<size_t>(key.index);
  }
};

// The loop, out of `shards`, that owns a partition. Partitions of one topic go round.
inline unsigned shardOf(const PartitionKey& key, unsigned shards) {
  auto first = loadBigEndian<uint32_t>(key.topic.bytes().begin());
  return (first + static_cast<unsigned>(key.index)) % shards;
}

}  // namespace cambium
