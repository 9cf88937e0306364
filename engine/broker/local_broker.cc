#include "engine/broker/local_broker.h"

#include "engine/base/coroutine.h"
#include "engine/broker/shard_calls.h"

namespace cambium {

namespace {

Error noTopic(kj::StringPtr name) {
  return makeError(ErrorCode::kUnknownTopicOrPartition, "there is no topic named ", name,
                   "; `cambium topic list` shows those there are");
}

Result<void> checkPartition(const MetadataImage& image, kj::StringPtr name, int32_t partition) {
  KJ_IF_MAYBE(topic, image.find(name)) {
    if (partition >= 0 && partition < topic->partitionCount()) return Result<void>();
    return makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", name, " has partitions 0 to ",
                     topic->partitionCount() - 1, ", not ", partition);
  }
  return noTopic(name);
}

kj::Promise<Result<ReadOutcome>> readHere(Shard& shard, PartitionKey key, ReadWish wish) {
  kj::Own<Partition> partition;
  KJ_IF_MAYBE(found, shard.find(key)) {
    partition = kj::mv(*found);
  } else {
    co_return Result<ReadOutcome>(noPartition(key));
  }
  auto& timer = shard.loop().timer;
  auto deadline = timer.now() + wish.waitMsMax * kj::MILLISECONDS;
  for (;;) {
    Offset seen;
    {
      // What was read goes before the wait: many long polls that each hold batches would be much memory.
      auto outcome = partition->read(wish.from, wish.bytesMax);
      if (!outcome.ok() || wish.waitMsMax <= 0 || timer.now() >= deadline) co_return kj::mv(outcome);
      auto enough = kj::min(wish.bytesMin, wish.bytesMax).value();
      if (outcome.value().batches.size() >= kj::max(enough, uint64_t{1})) co_return kj::mv(outcome);
      // Not enough yet: the next try is worth it when something came behind what is there.
      seen = kj::max(outcome.value().highWatermark, wish.from);
    }
    co_await partition->whenReadable(seen).exclusiveJoin(timer.atTime(deadline));
  }
}

kj::Promise<Result<void>> whenCommittedHere(Shard& shard, PartitionKey key, Offset offset) {
  KJ_IF_MAYBE(found, shard.find(key)) {
    auto partition = kj::mv(*found);
    co_return co_await partition->whenCommitted(offset);
  }
  co_return Result<void>(noPartition(key));
}

}  // namespace

Result<kj::Own<const Topic>> LocalBroker::topic(kj::StringPtr name) const {
  KJ_IF_MAYBE(topic, here_.image().find(name)) return kj::atomicAddRef(*topic);
  return noTopic(name);
}

Result<kj::Own<const Topic>> LocalBroker::topic(const Uuid& id) const {
  KJ_IF_MAYBE(topic, here_.image().find(id)) return kj::atomicAddRef(*topic);
  return makeError(ErrorCode::kUnknownTopicId, "there is no topic with the id ", id);
}

// --- Topics
// ------------------------------------------------------------------------------------------------------------------

kj::Promise<Result<kj::Own<const Topic>>> LocalBroker::createTopic(NewTopic wish) {
  return on<Result<kj::Own<const Topic>>>(
      first(), [&c = shared_.controller, wish = kj::mv(wish)]() mutable { return c.createTopic(kj::mv(wish)); });
}

kj::Promise<Result<void>> LocalBroker::deleteTopic(kj::String name) {
  return on<Result<void>>(
      first(), [&c = shared_.controller, name = kj::mv(name)]() mutable { return c.deleteTopic(kj::mv(name)); });
}

kj::Promise<Result<void>> LocalBroker::addPartitions(kj::String name, int32_t total) {
  return on<Result<void>>(first(), [&c = shared_.controller, name = kj::mv(name), total]() mutable {
    return c.addPartitions(kj::mv(name), total);
  });
}

kj::Promise<Result<void>> LocalBroker::alterTopic(kj::String name, kj::Vector<ConfigChange> changes) {
  return on<Result<void>>(first(), [&c = shared_.controller, name = kj::mv(name), changes = kj::mv(changes)]() mutable {
    return c.alterTopic(kj::mv(name), kj::mv(changes));
  });
}

// --- Partitions
// --------------------------------------------------------------------------------------------------------------

kj::Promise<Result<AppendOutcome>> LocalBroker::append(PartitionKey key, kj::ArrayPtr<kj::byte> batches, Acks acks) {
  auto& shard = owner(key);
  if (&shard == &here_) return appendHere(shard, key, batches, acks);
  return on<Result<AppendOutcome>>(shard, [&shard, key, copy = kj::heapArray<kj::byte>(batches), acks]() mutable {
    return appendHere(shard, key, copy, acks);
  });
}

kj::Promise<Result<void>> LocalBroker::whenCommitted(PartitionKey key, Offset offset) {
  auto& shard = owner(key);
  return on<Result<void>>(shard, [&shard, key, offset] { return whenCommittedHere(shard, key, offset); });
}

kj::Promise<Result<ReadOutcome>> LocalBroker::read(PartitionKey key, ReadWish wish) {
  auto& shard = owner(key);
  return on<Result<ReadOutcome>>(shard, [&shard, key, wish] { return readHere(shard, key, wish); });
}

kj::Promise<Result<OffsetFound>> LocalBroker::findOffset(PartitionKey key, OffsetQuery query) {
  auto& shard = owner(key);
  return on<Result<OffsetFound>>(shard, [&shard, key, query]() -> kj::Promise<Result<OffsetFound>> {
    KJ_IF_MAYBE(partition, shard.find(key)) return (*partition)->findOffset(query);
    return Result<OffsetFound>(noPartition(key));
  });
}

kj::Promise<Result<Offset>> LocalBroker::deleteRecords(PartitionKey key, Offset before) {
  auto& shard = owner(key);
  return on<Result<Offset>>(shard, [&shard, key, before]() -> kj::Promise<Result<Offset>> {
    KJ_IF_MAYBE(partition, shard.find(key)) return (*partition)->deleteRecords(before);
    return Result<Offset>(noPartition(key));
  });
}

kj::Promise<Result<PartitionStatus>> LocalBroker::status(PartitionKey key) {
  auto& shard = owner(key);
  return on<Result<PartitionStatus>>(shard, [&shard, key]() -> kj::Promise<Result<PartitionStatus>> {
    KJ_IF_MAYBE(partition, shard.find(key)) return Result<PartitionStatus>((*partition)->status());
    return Result<PartitionStatus>(noPartition(key));
  });
}

// --- Idempotent producers
// ----------------------------------------------------------------------------------------------------

kj::Promise<Result<int64_t>> LocalBroker::newProducerId() {
  return on<Result<int64_t>>(first(), [&ids = shared_.producerIds] { return ids.next(); });
}

kj::Promise<Result<kj::Vector<ProducerDescription>>> LocalBroker::producers(PartitionKey key) {
  using Found = Result<kj::Vector<ProducerDescription>>;
  auto& shard = owner(key);
  return on<Found>(shard, [&shard, key]() -> kj::Promise<Found> {
    KJ_IF_MAYBE(partition, shard.find(key)) return (*partition)->producers();
    return Found(noPartition(key));
  });
}

// --- Committed offsets
// -------------------------------------------------------------------------------------------------------

kj::Promise<Result<void>> LocalBroker::commitOffsets(kj::Vector<OffsetChange> changes) {
  return on<Result<void>>(first(), [&shard = first(), &o = shared_.offsets, changes = kj::mv(changes)]() mutable {
    for (auto& change : changes) {
      if (change.offset == nullptr) continue;
      auto checked = checkPartition(shard.image(), change.key.topic.c_str(), change.key.partition);
      if (!checked.ok()) return kj::Promise<Result<void>>(kj::mv(checked));
    }
    return o.commit(kj::mv(changes));
  });
}

kj::Promise<kj::Vector<CommittedOffset>> LocalBroker::fetchOffsets(kj::Vector<OffsetKey> keys) {
  using Found = kj::Vector<CommittedOffset>;
  return on<Found>(first(), [&o = shared_.offsets, keys = kj::mv(keys)]() -> kj::Promise<Found> {
    Found found(keys.size());
    for (auto& key : keys)
      found.add(o.fetch(key));
    return kj::mv(found);
  });
}

kj::Promise<kj::Vector<OffsetChange>> LocalBroker::fetchGroup(kj::String group) {
  return on<kj::Vector<OffsetChange>>(
      first(), [&o = shared_.offsets, group = kj::mv(group)]() -> kj::Promise<kj::Vector<OffsetChange>> {
        return o.fetchGroup(group.cStr());
      });
}

kj::Promise<kj::Vector<kj::String>> LocalBroker::groups() {
  return on<kj::Vector<kj::String>>(
      first(), [&o = shared_.offsets]() -> kj::Promise<kj::Vector<kj::String>> { return o.groups(); });
}

kj::Promise<kj::Vector<ShardReport>> LocalBroker::reports() {
  kj::Vector<ShardReport> reports;
  for (auto* shard : shared_.shards) {
    reports.add(co_await on<ShardReport>(*shard, [shard]() -> kj::Promise<ShardReport> { return shard->report(); }));
  }
  co_return kj::mv(reports);
}

}  // namespace cambium
