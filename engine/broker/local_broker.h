#pragma once

#include "engine/broker/broker_config.h"
#include "engine/broker/config_controller.h"
#include "engine/broker/fetch_room.h"
#include "engine/broker/producer_ids.h"
#include "engine/broker/shard.h"
#include "engine/broker/topic_controller.h"
#include "engine/group/group_messages.h"

namespace cambium {

class GroupCoordinator;

enum class Acks : uint8_t {
  kNone,    // answered before anything is checked
  kLeader,  // answered when written
  kAll,     // answered when as safe as the topic's durability promises
};

struct ReadWish {
  Offset from;
  Bytes bytesMax = mebibytes(1);
  Bytes bytesMin = Bytes(1);  // wait for so much …
  int64_t waitMsMax = 0;      // … so long
};

// A read of several partitions at once.
struct FetchWish {
  struct Part {
    PartitionKey key;
    Offset from;
    Bytes bytesMax;
    LeaderEpoch lastEpoch = kNoLeaderEpoch;  // of what the reader has before `from`; see ReadOutcome::diverging
  };
  kj::Vector<Part> parts{};
  Bytes bytesMax;                // of all parts together
  Bytes bytesMin;                // wait until so many bytes are there in all …
  int64_t waitMsMax = 0;         // … but no longer than this
  kj::Maybe<FetchRoom&> room{};  // for what is read; null: there is plenty
};

// Where a group is kept: its partition of the internal topic.
struct CoordinatorPlace {
  kj::Own<const Topic> topic;
  PartitionKey key;
};

// Batches for one partition.
struct AppendPart {
  PartitionKey key;
  kj::ArrayPtr<kj::byte> batches;
};

struct BrokerFacts {
  kj::StringPtr version;
  kj::StringPtr clusterId;
  const BrokerConfig& config;
};

// The broker as one loop sees it: what the front doors call. Finds the shard that owns what is asked for and sends the
// call there. Dropping a promise cancels a read; an append or a change that was begun goes on. One instance per loop,
// used on that loop.
class LocalBroker {
 public:
  // What all loops share. The controllers and the producer ids live on the first shard's loop.
  struct Shared {
    kj::ArrayPtr<Shard* const> shards;
    TopicController& controller;
    ConfigController& configController;
    const OwnerConfigs& ownerConfigs;
    LogLevelSwitch& logLevel;
    ProducerIds& producerIds;
    EngineSet& engines;
    BrokerFacts facts;
  };

  LocalBroker(Shard& here, Shared& shared) : here_(here), shared_(shared) {}
  KJ_DISALLOW_COPY(LocalBroker);

  const BrokerFacts& facts() const { return shared_.facts; }
  TimestampMs now() const { return here_.now(); }
  LoopContext& loop() { return here_.loop(); }
  Shard& here() { return here_; }
  DiskStatus disk() { return here_.disk().status(); }
  // Null while topics can be changed; else why not, and what to do.
  kj::Promise<kj::Maybe<kj::String>> whyRefusing();
  MemoryUse memoryUse() { return here_.memoryUse(); }

  // --- Topics: answered from the image that this loop has caught up with.
  // A reference of one's own; kUnknownTopicOrPartition when there is none.
  Result<kj::Own<const Topic>> topic(kj::StringPtr name) const;
  // By id; kUnknownTopicId when there is none.
  Result<kj::Own<const Topic>> topic(const Uuid& id) const;
  // kUnknownTopicOrPartition, naming what there is, when there is no such partition.
  Result<void> checkPartition(kj::StringPtr topic, int32_t partition) const;
  kj::Own<const MetadataImage> image() const { return kj::atomicAddRef(here_.image()); }

  // Internal topics may be read and nothing else: kInvalidTopic for every change of one, here and below. While the
  // device is full (see DiskReserve), nothing is made or appended: kStorageError.
  kj::Promise<Result<kj::Own<const Topic>>> createTopic(NewTopic wish);
  kj::Promise<Result<void>> deleteTopic(kj::String name);
  kj::Promise<Result<void>> addPartitions(kj::String name, int32_t total);
  kj::Promise<Result<void>> alterTopic(kj::String name, kj::Vector<ConfigChange> changes);
  // See TopicController::cancelMove. A move is begun by altering storage.engine.
  kj::Promise<Result<void>> cancelMove(kj::String name);

  // --- Configs of others than topics. A broker that is named is this one.
  kj::Vector<ConfigSetting> settingsOf(const ConfigOwner& owner) const {
    return shared_.ownerConfigs.settingsOf(owner);
  }
  // The names of those that have settings, sorted.
  kj::Vector<kj::String> ownersWithSettings(ConfigOwner::Kind kind) const { return shared_.ownerConfigs.namesOf(kind); }
  // All configs as they stand; of all brokers: those that are set.
  kj::Vector<ConfigDescription> describeConfigs(const ConfigOwner& owner) const;
  // See ConfigController::alter. While the device is full as well.
  kj::Promise<Result<void>> alterConfigs(ConfigOwner owner, kj::Vector<ConfigChange> changes, bool validateOnly);
  // How much the process logs, which is forgotten when it ends.
  LogLevelSwitch& logLevel() { return shared_.logLevel; }

  // --- Partitions
  // Uses the bytes, and changes them, during the call only: a partition of this loop stamps and writes them where they
  // lie, for one of another loop they are copied.
  kj::Promise<Result<AppendOutcome>> append(PartitionKey key, kj::ArrayPtr<kj::byte> batches, Acks acks);
  // The same for several partitions, each with an outcome of its own, in the order given. Everything is appended before
  // the promise is returned, but on other loops, and where the log is just being exchanged for that of another engine:
  // there the batches wait, and those of a later call behind them.
  kj::Promise<kj::Vector<Result<AppendOutcome>>> appendAll(kj::ArrayPtr<const AppendPart> parts, Acks acks);
  // Done when everything below `offset` is as safe as the topic's durability promises.
  kj::Promise<Result<void>> whenCommitted(PartitionKey key, Offset offset);
  // Waits as the wish says.
  kj::Promise<Result<ReadOutcome>> read(PartitionKey key, ReadWish wish);
  // Reads parts in their order until the limits are reached; the first batch of all is returned however large it is.
  // Answers at once when a part fails or diverges. An outcome for each part.
  kj::Promise<kj::Vector<Result<ReadOutcome>>> fetch(FetchWish wish);
  kj::Promise<Result<OffsetFound>> findOffset(PartitionKey key, OffsetQuery query);
  // See Partition::endOfEpoch.
  kj::Promise<Result<LeaderEpochs::End>> endOfEpoch(PartitionKey key, LeaderEpoch epoch);
  kj::Promise<Result<Offset>> deleteRecords(PartitionKey key, Offset before);
  kj::Promise<Result<PartitionStatus>> status(PartitionKey key);

  // --- Idempotent producers
  // An id that no producer ever had: see ProducerIds::next.
  kj::Promise<Result<int64_t>> newProducerId();
  // Those that a partition knows, sorted by id.
  kj::Promise<Result<kj::Vector<ProducerDescription>>> producers(PartitionKey key);

  // --- Groups: engine/group/group_coordinator.h says what each answers, engine/group/group_messages.h in which words.
  // kCoordinatorNotAvailable when the group's partition of the internal topic cannot be used. The internal topic is
  // made when the first group needs it. A change that was begun goes on when its promise is dropped; a join or a sync
  // is forgotten.
  kj::Promise<JoinGroupAnswer> joinGroup(JoinGroupRequest request);
  kj::Promise<SyncGroupAnswer> syncGroup(SyncGroupRequest request);
  kj::Promise<Result<void>> heartbeat(MemberIdentity who);
  kj::Promise<Result<void>> awaitRebalance(MemberIdentity who, int64_t waitMsMax);
  kj::Promise<LeaveGroupAnswer> leaveGroup(LeaveGroupRequest request);
  kj::Promise<CommitOffsetsAnswer> commitOffsets(CommitOffsetsRequest request);
  kj::Promise<Result<kj::Vector<OffsetOfKey>>> fetchOffsets(FetchOffsetsRequest request);
  // kDead for a group that is not there.
  kj::Promise<Result<GroupDescription>> describeGroup(std::string group);
  // All groups, with members or offsets, sorted by name.
  kj::Promise<kj::Vector<GroupListing>> listGroups();
  kj::Promise<Result<void>> deleteGroup(std::string group);
  kj::Promise<DeleteOffsetsAnswer> deleteOffsets(DeleteOffsetsRequest request);
  kj::Promise<Result<CoordinatorPlace>> coordinatorOf(std::string group);

  // --- For metrics and listings
  kj::Promise<kj::Vector<ShardReport>> reports();
  DeviceSpace deviceSpace() const { return here_.deviceSpace(); }
  // Engines that are open, by name; may touch the disk a little.
  kj::Vector<StorageEngine*> engines() const { return shared_.engines.opened(); }
  unsigned ownerOf(PartitionKey key) const { return shardOf(key, static_cast<unsigned>(shared_.shards.size())); }

 private:
  // Runs a change of a client's topic on the first loop; how it fails is the answer.
  template <class T, class Call>
  kj::Promise<Result<T>> change(kj::StringPtr topic, Call call);
  template <class T>
  kj::Promise<T> on(Shard& shard, kj::Function<kj::Promise<T>()> work) {
    return callLoop<T>(here_.port(), shard.port(), kj::mv(work));
  }
  Shard& first() { return *shared_.shards[0]; }
  static Result<void> checkClientMayChange(kj::StringPtr topic);
  Result<void> checkClientMayChange(PartitionKey key) const;
  // Null while no group was ever made.
  kj::Maybe<CoordinatorPlace> knownCoordinatorOf(const std::string& group);
  // An error when there is no coordinator to ask.
  template <class T>
  kj::Promise<Result<T>> askCoordinator(CoordinatorPlace place, kj::Function<kj::Promise<T>(GroupCoordinator&)> ask);
  kj::Promise<kj::Vector<Result<ReadOutcome>>> readWithinRoom(const FetchWish& wish);
  kj::Promise<kj::Vector<Result<ReadOutcome>>> readParts(kj::ArrayPtr<const FetchWish::Part> parts, Bytes bytesMax);
  kj::Promise<void> whenAnyReadable(kj::Vector<FetchWish::Part> parts);
  Shard& owner(PartitionKey key) { return *shared_.shards[ownerOf(key)]; }

  Shard& here_;
  Shared& shared_;
};

}  // namespace cambium
