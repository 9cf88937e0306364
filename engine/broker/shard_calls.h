#pragma once

#include "engine/broker/local_broker.h"

// Calls on one shard, made on its own loop: what LocalBroker sends to the owner of a partition.

namespace cambium {

Error noPartition(PartitionKey key);
Error noTopic(kj::StringPtr name);
// kUnknownTopicOrPartition, naming what there is, when `image` has no such partition.
Result<void> checkPartition(const MetadataImage& image, kj::StringPtr topic, int32_t partition);

// Appends at once, or, when the log is just being exchanged for that of another engine, behind what waits already; the
// promise is done as `acks` asks. Does not touch the bytes after the call has returned.
kj::Promise<Result<AppendOutcome>> appendHere(Shard& shard, PartitionKey key, kj::ArrayPtr<kj::byte> batches,
                                              Acks acks);

// Waits, but for the start of the log, until what was acknowledged before can be found.
kj::Promise<Result<OffsetFound>> findOffsetHere(Shard& shard, PartitionKey key, OffsetQuery query);

// Waits while the log is just being exchanged, and for what was acknowledged before when that is meant.
kj::Promise<Result<Offset>> deleteRecordsHere(Shard& shard, PartitionKey key, Offset before);

Result<PartitionStatus> statusHere(Shard& shard, PartitionKey key);

// What is there now, at most `bytesMax` in all, but at least one batch. Gives the loop back now and then.
kj::Promise<kj::Vector<Result<ReadOutcome>>> readPartsHere(Shard& shard, kj::ArrayPtr<const FetchWish::Part> parts,
                                                           Bytes bytesMax);

// Done when one of the partitions has a record at its part's `from` or later, or was closed.
kj::Promise<void> whenAnyReadableHere(Shard& shard, kj::Vector<FetchWish::Part> parts);

}  // namespace cambium
