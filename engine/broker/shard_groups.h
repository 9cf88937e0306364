#pragma once

#include <map>

#include "engine/broker/broker_config.h"
#include "engine/broker/world.h"
#include "engine/group/group_coordinator.h"
#include "engine/metadata/metadata_image.h"

namespace cambium {

class Shard;

// The group coordinators of one loop: one for each partition of the internal topic that its shard owns. Lives on that
// loop.
class ShardGroups {
 public:
  // `tables`: the state engine.
  ShardGroups(Shard& shard, World& world, StorageEngine& tables, const BrokerConfig& config);
  KJ_DISALLOW_COPY(ShardGroups);

  // At the start of the broker: loads the coordinators of this loop, `rows` being those of all partitions, by index. A
  // coordinator that cannot be loaded is logged and answers with the reason; it fails nothing else.
  kj::Promise<void> load(const Topic& offsetsTopic, kj::Vector<GroupRows> rows);
  // The coordinator of one partition, which this loop owns; made when the internal topic was made since the start.
  // kCoordinatorNotAvailable when it could not be loaded, and once the groups are closed. Lives as long as this object.
  kj::Promise<Result<GroupCoordinator*>> coordinator(const Topic& offsetsTopic, int32_t index);

  // Those that are loaded, by partition.
  kj::Vector<GroupCoordinator*> all();
  // Forgets what all groups of this loop committed for a topic.
  kj::Promise<Result<void>> forgetTopic(std::string topic);

  // Other settings from now on, for all groups.
  void reconfigure(const BrokerConfig& config);

  // See GroupCoordinator::close(). Once.
  kj::Promise<void> close();

 private:
  struct Hosted {
    kj::Own<GroupCoordinator> coordinator;
    kj::ForkedPromise<void> loading = nullptr;
    bool loaded = false;
    kj::Maybe<Error> failure;
  };

  Hosted& host(const Topic& offsetsTopic, int32_t index, GroupRows rows);
  kj::Promise<void> load(Hosted& hosted, GroupRows rows);

  Shard& shard_;
  GroupSettings settings_;
  kj::ConstFunction<Result<void>(const std::string& topic, int32_t partition)> checkPartition_;
  GroupSurroundings surroundings_;
  std::map<int32_t, Hosted> hosted_;
  bool closed_ = false;
};

}  // namespace cambium
