#pragma once

#include <kj/memory.h>

#include "engine/base/quantity.h"

namespace cambium::client {

// MurmurHash2, 32 bits, with the seed of Kafka's Java client (org.apache.kafka.common.utils.Utils.murmur2), so that a
// key goes to the same partition from every client. Any thread.
int32_t murmur2(ByteView data);

// Where a record with this key goes: toPositive(murmur2(key)) % partitions. `partitions` is at least 1.
PartitionIndex keyedPartition(ByteView key, int32_t partitions);

enum class PartitionerKind {
  kSticky,      // keyed by key; without a key all records of one batch go to one partition, the next batch to another
                // (KIP-480)
  kRoundRobin,  // each record to the next partition, whether it has a key or not
};

// Chooses the partitions of one topic. Not thread-safe.
class Partitioner {
 public:
  virtual ~Partitioner() noexcept(false) = default;

  // The partition of the next record, below `partitions` (at least 1), which may differ from call to call as a topic
  // grows.
  virtual PartitionIndex choose(kj::Maybe<ByteView> key, int32_t partitions) = 0;
  // A batch of `partition` was closed: records without a key may go elsewhere from here on.
  virtual void batchClosed(PartitionIndex partition) = 0;
};

// `seed` decides where keyless records begin.
kj::Own<Partitioner> newPartitioner(PartitionerKind kind, uint64_t seed);

}  // namespace cambium::client
