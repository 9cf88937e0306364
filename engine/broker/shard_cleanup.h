#pragma once

#include <unordered_map>

#include "engine/base/position_waiters.h"
#include "engine/broker/broker_config.h"
#include "engine/broker/disk_reserve.h"
#include "engine/broker/partition_key.h"
#include "engine/broker/world.h"
#include "engine/retention/partition_cleanup.h"

namespace cambium {

// Retention and compaction of one loop's partitions: looks at them every now and then, one after the other, and lets
// the loop turn in between. Retention has a timer of its own, so that a long compaction does not hold it up. One
// partition at a time is compacted; the broker's memory and bandwidth for it are divided among the loops.
class ShardCleanup {
 public:
  // `state`: the state engine, open. All of it outlives this.
  ShardCleanup(LoopContext& loop, World& world, StorageEngine& state, DiskReserve& disk, const BrokerConfig& config);
  KJ_DISALLOW_COPY(ShardCleanup);

  // Begins to look. Not before the groups are loaded: they read tombstones that compaction may remove.
  void start();
  // Takes over what has changed in the config. Whoever waits for the next look waits as it says now.
  void reconfigure();
  // Looks at nothing more. What is under way ends when its partition closes.
  void stop() { stopped_ = true; }

  void add(const PartitionKey& key, kj::Own<Partition> partition, LogId log, CleanupConfig config);
  void configure(const PartitionKey& key, CleanupConfig config);
  void remove(const PartitionKey& key) { all_.erase(key); }

 private:
  struct Due {
    kj::Own<PartitionCleanup> cleanup;
    double dirtyRatio;
  };
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };

  kj::Promise<void> retain();
  kj::Promise<void> retainAll();
  kj::Promise<void> compact();
  kj::Promise<void> compactDue();
  // Those due, the dirtiest first.
  kj::Promise<kj::Vector<Due>> findDue();
  kj::Vector<kj::Own<PartitionCleanup>> some(bool (PartitionCleanup::*wanted)() const);
  // Compaction takes room on the device before it gives some back.
  bool hasRoomToCompact() const;
  // Done when `ms` have passed since now, however it changes meanwhile.
  kj::Promise<void> waitFor(const Live<int64_t>& ms);
  // Lets the loop see to everything else.
  kj::Promise<void> pause();

  kj::Timer& timer_;
  DiskReserve& disk_;
  const BrokerConfig& config_;
  Throttle throttle_;
  CleanupContext context_;
  std::unordered_map<PartitionKey, kj::Own<PartitionCleanup>, PartitionKeyHash> all_;
  uint64_t changes_ = 0;  // of the config
  PositionWaiters<uint64_t> waitingForChange_;
  bool stopped_ = false;
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
