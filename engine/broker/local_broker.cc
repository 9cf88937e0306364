#include "engine/broker/local_broker.h"

#include "engine/base/coroutine.h"
#include "engine/broker/broker_settings.h"
#include "engine/broker/shard_calls.h"
#include "engine/metadata/owner_config_definitions.h"

namespace cambium {

namespace {

kj::Promise<Result<ReadOutcome>> readHere(Shard& shard, PartitionKey key, ReadWish wish) {
  kj::Own<Partition> partition;
  KJ_IF_MAYBE(found, shard.find(key)) {
    partition = kj::mv(*found);
  } else {
    co_return Result<ReadOutcome>(noPartition(key));
  }
  auto& timer = shard.loop().timer;
  auto deadline = timer.now() + wish.waitMsMax * kj::MILLISECONDS;
  for (bool awaited = false;;) {
    Offset seen;
    {
      // What was read goes before the wait: many long polls that each hold batches would be much memory.
      auto outcome = partition->read(wish.from, wish.bytesMax);
      if (outcome.ok() && outcome.value().batches.size() == 0 && outcome.value().acknowledged > wish.from && !awaited) {
        // The client of these records shall find them, however short it waits.
        awaited = true;
        co_await partition->whenAcknowledgedReadable();
        continue;
      }
      if (!outcome.ok() || wish.waitMsMax <= 0 || timer.now() >= deadline) co_return kj::mv(outcome);
      auto enough = kj::min(wish.bytesMin, wish.bytesMax).value();
      auto& read = outcome.value();
      // Cut off by the limit: there is more than may be sent at once.
      bool cut = read.batches.size() > 0 && read.nextOffset < read.highWatermark;
      if (cut || read.batches.size() >= kj::max(enough, uint64_t{1})) co_return kj::mv(outcome);
      // Not enough yet: the next try is worth it when something came behind what is there.
      seen = kj::max(outcome.value().highWatermark, wish.from);
    }
    co_await partition->whenReadable(seen).exclusiveJoin(timer.atTime(deadline));
  }
}

// What new partitions take on the device before anything is in them: a folder and some small files each.
uint64_t bytesOfPartitions(int32_t count) {
  return static_cast<uint64_t>(kj::max(count, 0)) * 16384;
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

Result<void> LocalBroker::checkPartition(kj::StringPtr topic, int32_t partition) const {
  return cambium::checkPartition(here_.image(), topic, partition);
}

Result<void> LocalBroker::checkClientMayChange(kj::StringPtr topic) {
  if (!isInternalTopic(topic)) return Result<void>();
  return makeError(ErrorCode::kInvalidTopic, "topic ", topic, " is the broker's own: clients may read it");
}

Result<void> LocalBroker::checkClientMayChange(PartitionKey key) const {
  KJ_IF_MAYBE(topic, here_.image().find(key.topic)) return checkClientMayChange(topic->name());
  return Result<void>();
}

namespace {

// A change that fails is an answer to whoever asked for it: it may have been made all the same when the failure came
// late.
template <class T>
kj::Promise<Result<T>> answered(kj::Promise<Result<T>> change) {
  return change.catch_([](kj::Exception&& exception) -> Result<T> {
    return makeError(ErrorCode::kStorageError, exception.getDescription());
  });
}

}  // namespace

template <class T, class Call>
kj::Promise<Result<T>> LocalBroker::change(kj::StringPtr topic, Call call) {
  auto allowed = checkClientMayChange(topic);
  if (!allowed.ok()) return Result<T>(kj::mv(allowed.error()));
  auto writable = here_.disk().requireWritable();
  if (!writable.ok()) return Result<T>(kj::mv(writable.error()));
  return answered<T>(on<Result<T>>(first(), kj::mv(call)));
}

kj::Promise<Result<kj::Own<const Topic>>> LocalBroker::createTopic(NewTopic wish) {
  auto admitted = here_.disk().admit(bytesOfPartitions(wish.partitions));
  if (!admitted.ok()) return Result<kj::Own<const Topic>>(kj::mv(admitted.error()));
  auto name = kj::str(wish.name);
  return change<kj::Own<const Topic>>(
      name, [&c = shared_.controller, wish = kj::mv(wish)]() mutable { return c.createTopic(kj::mv(wish)); });
}

kj::Promise<Result<void>> LocalBroker::deleteTopic(kj::String name) {
  here_.disk().makeRoom();
  auto topic = kj::str(name);
  return change<void>(topic,
                      [&c = shared_.controller, name = kj::mv(name)]() mutable { return c.deleteTopic(kj::mv(name)); });
}

kj::Promise<Result<void>> LocalBroker::addPartitions(kj::String name, int32_t total) {
  auto admitted = here_.disk().admit(bytesOfPartitions(1));
  if (!admitted.ok()) return kj::mv(admitted);
  auto topic = kj::str(name);
  return change<void>(topic, [&c = shared_.controller, name = kj::mv(name), total]() mutable {
    return c.addPartitions(kj::mv(name), total);
  });
}

kj::Promise<Result<void>> LocalBroker::alterTopic(kj::String name, kj::Vector<ConfigChange> changes) {
  // It may be a shorter retention.
  here_.disk().makeRoom();
  auto topic = kj::str(name);
  return change<void>(topic, [&c = shared_.controller, name = kj::mv(name), changes = kj::mv(changes)]() mutable {
    return c.alterTopic(kj::mv(name), kj::mv(changes));
  });
}

kj::Promise<Result<void>> LocalBroker::cancelMove(kj::String name) {
  auto topic = kj::str(name);
  return change<void>(topic,
                      [&c = shared_.controller, name = kj::mv(name)]() mutable { return c.cancelMove(kj::mv(name)); });
}

kj::Promise<kj::Maybe<kj::String>> LocalBroker::whyRefusing() {
  return on<kj::Maybe<kj::String>>(
      first(), [&c = shared_.controller]() -> kj::Promise<kj::Maybe<kj::String>> { return c.whyRefusing(); });
}

// --- Configs of others than topics
// --------------------------------------------------------------------------------------------------

kj::Vector<ConfigDescription> LocalBroker::describeConfigs(const ConfigOwner& owner) const {
  auto settings = settingsOf(owner);
  if (owner.kind != ConfigOwner::Kind::kBroker) return describeOwner(owner.kind, settings);
  if (owner.name.size() == 0) return describeEveryBroker(settings);
  return describeBroker(shared_.configController.commandLine(), settings, settingsOf({owner.kind, kj::str()}));
}

kj::Promise<Result<void>> LocalBroker::alterConfigs(ConfigOwner owner, kj::Vector<ConfigChange> changes,
                                                    bool validateOnly) {
  here_.disk().makeRoom();
  auto writable = here_.disk().requireWritable();
  if (!writable.ok()) return kj::mv(writable);
  return answered<void>(on<Result<void>>(
      first(), [&c = shared_.configController, owner = kj::mv(owner), changes = kj::mv(changes),
                validateOnly]() mutable { return c.alter(kj::mv(owner), kj::mv(changes), validateOnly); }));
}

// --- Partitions
// --------------------------------------------------------------------------------------------------------------

kj::Promise<Result<AppendOutcome>> LocalBroker::append(PartitionKey key, kj::ArrayPtr<kj::byte> batches, Acks acks) {
  auto allowed = checkClientMayChange(key);
  if (!allowed.ok()) return Result<AppendOutcome>(kj::mv(allowed.error()));
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
  return on<Result<OffsetFound>>(shard, [&shard, key, query] { return findOffsetHere(shard, key, query); });
}

kj::Promise<Result<LeaderEpochs::End>> LocalBroker::endOfEpoch(PartitionKey key, LeaderEpoch epoch) {
  auto& shard = owner(key);
  return on<Result<LeaderEpochs::End>>(shard, [&shard, key, epoch]() -> kj::Promise<Result<LeaderEpochs::End>> {
    KJ_IF_MAYBE(partition, shard.find(key)) return (*partition)->endOfEpoch(epoch);
    return Result<LeaderEpochs::End>(noPartition(key));
  });
}

kj::Promise<Result<Offset>> LocalBroker::deleteRecords(PartitionKey key, Offset before) {
  auto allowed = checkClientMayChange(key);
  if (!allowed.ok()) return Result<Offset>(kj::mv(allowed.error()));
  here_.disk().makeRoom();
  auto writable = here_.disk().requireWritable();
  if (!writable.ok()) return Result<Offset>(kj::mv(writable.error()));
  auto& shard = owner(key);
  return on<Result<Offset>>(shard, [&shard, key, before] { return deleteRecordsHere(shard, key, before); });
}

kj::Promise<Result<PartitionStatus>> LocalBroker::status(PartitionKey key) {
  auto& shard = owner(key);
  return on<Result<PartitionStatus>>(
      shard, [&shard, key]() -> kj::Promise<Result<PartitionStatus>> { return statusHere(shard, key); });
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

// --- For metrics and listings
// -------------------------------------------------------------------------------------------------------

kj::Promise<kj::Vector<ShardReport>> LocalBroker::reports() {
  kj::Vector<ShardReport> reports;
  for (auto* shard : shared_.shards) {
    reports.add(co_await on<ShardReport>(*shard, [shard]() -> kj::Promise<ShardReport> { return shard->report(); }));
  }
  co_return kj::mv(reports);
}

}  // namespace cambium
