#pragma once

#include <map>
#include <unordered_map>

#include "engine/base/fair_turns.h"
#include "engine/broker/broker_config.h"
#include "engine/broker/disk_reserve.h"
#include "engine/broker/engine_set.h"
#include "engine/broker/loop_call.h"
#include "engine/broker/partition_key.h"
#include "engine/broker/world.h"
#include "engine/group/coordinator_report.h"
#include "engine/metadata/metadata_image.h"
#include "engine/partition/partition.h"

namespace cambium {

// The device that holds the data directory.
struct DeviceSpace {
  kj::String folder;
  Bytes total, available;
};

// Counters of one topic on one shard.
class TopicMetrics final : public kj::Refcounted {
 public:
  PartitionMetrics metrics;
};

// What one loop has to say about itself; plain data that may cross.
struct ShardReport {
  struct PerTopic {
    kj::String topic;
    PartitionMetrics metrics;
  };
  kj::Vector<PerTopic> topics;  // sorted by name
  PartitionMetrics gone;        // what topics that were deleted since had counted, so that sums never shrink
  size_t partitions = 0;
  size_t partitionsOffline = 0;
  // The first of them: why, and what to do.
  struct Offline {
    kj::String partition;
    Error error;
  };
  static constexpr size_t kOfflineMax = 100;
  kj::Vector<Offline> offline;
  size_t waiting = 0;      // long polls and appends that wait for durability
  Bytes unsyncedBytes;     // of all partitions
  int64_t unsyncedMs = 0;  // how long the oldest of them have waited
  DiskStatus disk;         // the same for all shards
  LatencyHistogram loopLag;
  double loopLagSeconds = 0;  // the last one measured
  kj::Vector<CoordinatorReport> coordinators;
};

class LogPlacements;
class ShardCleanup;
class ShardGroups;
class ShardMoves;

// One event loop's share of the broker: the partitions it owns, with all their state. Everything here runs on that
// loop.
class Shard {
 public:
  Shard(unsigned index, unsigned count, LoopContext& loop, World& world, EngineSet& engines, const BrokerConfig& config,
        DiskReserve& disk);
  ~Shard() noexcept(false);
  KJ_DISALLOW_COPY(Shard);

  unsigned index() const { return index_; }
  LoopPort& port() { return port_; }
  LoopContext& loop() { return loop_; }
  // Of everybody's long work on this loop.
  FairTurns& turns() { return turns_; }
  TimestampMs now() const { return world_.clock.now(); }
  DeviceSpace deviceSpace() const;
  MemoryUse memoryUse() const { return world_.memoryUse == nullptr ? MemoryUse() : world_.memoryUse(); }
  DiskReserve& disk() { return disk_; }

  // Brings the partitions to where `image` has them: opens new ones (several at a time on the pool), closes those that
  // are gone, passes on changed configs. Looks at the topics in `changed` only, which are at least those that differ
  // from image(). Done when it holds; calls must not overlap. A log that cannot be opened makes its partition offline
  // and is logged; it fails nothing else. `progress` hears how many are open so far, on this loop.
  kj::Promise<void> apply(
      kj::Own<const MetadataImage> image, TopicNames changed, kj::Function<void(size_t)> progress = [](size_t) {});
  // What the last finished apply() brought.
  const MetadataImage& image() const { return *image_; }

  bool owns(const PartitionKey& key) const { return shardOf(key, count_) == index_; }
  // The partition, kept alive while the caller works with it; null when this shard does not have it.
  kj::Maybe<kj::Own<Partition>> find(const PartitionKey& key);
  ShardReport report();

  // Once, when the engines are open.
  void openGroups();
  // Only after openGroups().
  ShardGroups& groups() { return *groups_; }
  // Once, when the groups are loaded: retention and compaction begin.
  void startCleanup();

  // Once, when the topics are loaded: from then on logs are moved to where they belong. `placements` lives on the loop
  // of `home`.
  void startMoves(LogPlacements& placements, LoopPort& home);
  // Null when the log of the partition is where it belongs.
  kj::Maybe<MoveStatus> moveStatus(const PartitionKey& key);

  // Takes over what has changed in the broker's config.
  void reconfigure();

  // Ends what groups and moves have under way, syncs and closes all partitions, and opens none from then on.
  kj::Promise<void> close();

 private:
  struct Slot {
    kj::Own<TopicMetrics> metrics;  // outlives the partition that counts in it
    kj::Own<Partition> partition;
  };
  struct Opening;
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override { KJ_LOG(ERROR, "shard", exception); }
  };

  kj::Vector<Opening> missing(const MetadataImage& image, const TopicNames& changed);
  kj::Promise<void> openSome(kj::Vector<Opening> openings);
  // Runs on the pool.
  static void openOnPool(kj::ArrayPtr<Opening> openings, EngineSet& engines, const BrokerConfig& config,
                         TimestampMs now);
  void adopt(Opening opening);
  ShardCleanup& cleanup();
  kj::Promise<void> closeGone(const MetadataImage& image, const TopicNames& changed);
  void closeTopic(const Topic& topic, kj::Vector<kj::Promise<void>>& closing);
  void configureChanged(const MetadataImage& image, const TopicNames& changed);
  kj::Promise<void> measureLag();
  // The first shard does it for all.
  kj::Promise<void> watchDisk();
  kj::Promise<void> expireProducers();
  kj::Promise<void> closeAll(kj::Vector<Slot> slots);

  unsigned index_, count_;
  LoopContext& loop_;
  FairTurns turns_;
  World& world_;
  EngineSet& engines_;
  const BrokerConfig& config_;
  DiskReserve& disk_;
  kj::Own<const MetadataImage> image_;
  std::map<kj::String, kj::Own<TopicMetrics>> topicMetrics_;
  PartitionMetrics gone_;
  std::unordered_map<PartitionKey, Slot, PartitionKeyHash> partitions_;
  LatencyHistogram loopLag_;
  double loopLagSeconds_ = 0;
  bool closed_ = false;
  kj::Own<ShardCleanup> cleanup_;  // made when the first partition is
  kj::Own<ShardGroups> groups_;
  kj::Own<ShardMoves> moves_;
  LoopPort port_;
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
