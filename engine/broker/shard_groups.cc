#include "engine/broker/shard_groups.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_calls.h"

namespace cambium {

namespace {

GroupSettings settingsOf(const BrokerConfig& config) {
  GroupSettings settings;
  settings.group.initialRebalanceDelayMs = static_cast<int32_t>(config.groupInitialRebalanceDelayMs);
  settings.group.minSessionTimeoutMs = static_cast<int32_t>(config.groupMinSessionTimeoutMs);
  settings.group.maxSessionTimeoutMs = static_cast<int32_t>(config.groupMaxSessionTimeoutMs);
  settings.group.maxSize = config.groupMaxSize;
  settings.group.memberBytesMax = config.groupMemberBytesMax.value();
  settings.groupMetadataBytesMax = config.groupMetadataBytesMax.value();
  settings.offsetsRetentionMs = config.offsetsRetentionMinutes * 60 * 1000;
  return settings;
}

}  // namespace

ShardGroups::ShardGroups(Shard& shard, World& world, StorageEngine& tables, const BrokerConfig& config)
    : shard_(shard),
      settings_(settingsOf(config)),
      checkPartition_([&shard](const std::string& topic, int32_t partition) {
        return checkPartition(shard.image(), kj::StringPtr(topic.c_str(), topic.size()), partition);
      }),
      surroundings_{tables, world.pool, shard.loop().timer, world.clock, world.entropy, settings_, checkPartition_} {}

void ShardGroups::reconfigure(const BrokerConfig& config) {
  settings_ = settingsOf(config);
}

kj::Promise<void> ShardGroups::load(const Topic& offsetsTopic, kj::Vector<GroupRows> rows) {
  kj::Vector<kj::Promise<void>> loading;
  for (int32_t i = 0; i < offsetsTopic.partitionCount(); ++i) {
    if (shard_.find({offsetsTopic.id(), i}) == nullptr) continue;
    loading.add(host(offsetsTopic, i, kj::mv(rows[static_cast<size_t>(i)])).loading.addBranch());
  }
  return kj::joinPromises(loading.releaseAsArray());
}

ShardGroups::Hosted& ShardGroups::host(const Topic& offsetsTopic, int32_t index, GroupRows rows) {
  auto& hosted = hosted_[index];
  auto partition = KJ_REQUIRE_NONNULL(shard_.find({offsetsTopic.id(), index}), "a partition of another loop", index);
  hosted.coordinator = kj::heap<GroupCoordinator>(offsetsTopic.id(), index, kj::mv(partition), surroundings_);
  hosted.loading = load(hosted, kj::mv(rows)).fork();
  return hosted;
}

kj::Promise<void> ShardGroups::load(Hosted& hosted, GroupRows rows) {
  auto loaded = co_await hosted.coordinator->load(kj::mv(rows));
  if (loaded.ok()) {
    hosted.loaded = true;
  } else {
    KJ_LOG(ERROR, "groups are not served", hosted.coordinator->report().partition, loaded.error());
    hosted.failure = kj::mv(loaded.error());
  }
}

kj::Promise<Result<GroupCoordinator*>> ShardGroups::coordinator(const Topic& offsetsTopic, int32_t index) {
  using Answer = Result<GroupCoordinator*>;
  if (closed_) co_return Answer(makeError(ErrorCode::kCoordinatorNotAvailable, "the broker is stopping"));
  auto known = hosted_.find(index);
  if (known == hosted_.end()) {
    if (shard_.find({offsetsTopic.id(), index}) == nullptr) {
      co_return Answer(makeError(ErrorCode::kCoordinatorNotAvailable, "partition ", index, " of ", offsetsTopic.name(),
                                 " is not there"));
    }
    host(offsetsTopic, index, {});
    known = hosted_.find(index);
  }
  auto& hosted = known->second;
  if (!hosted.loaded && hosted.failure == nullptr) co_await hosted.loading.addBranch();
  KJ_IF_MAYBE(failure, hosted.failure) co_return Answer(failure->clone());
  co_return Answer(hosted.coordinator.get());
}

kj::Vector<GroupCoordinator*> ShardGroups::all() {
  kj::Vector<GroupCoordinator*> all;
  for (auto& [index, hosted] : hosted_)
    if (hosted.loaded) all.add(hosted.coordinator.get());
  return all;
}

kj::Promise<Result<void>> ShardGroups::forgetTopic(std::string topic) {
  Result<void> all;
  for (auto& [index, hosted] : hosted_) {
    if (!hosted.loaded && hosted.failure == nullptr) co_await hosted.loading.addBranch();
    KJ_IF_MAYBE(failure, hosted.failure) {
      all = failure->clone();
      continue;
    }
    auto forgotten = co_await hosted.coordinator->forgetTopic(topic);
    if (!forgotten.ok()) all = kj::mv(forgotten);
  }
  co_return kj::mv(all);
}

kj::Promise<void> ShardGroups::close() {
  closed_ = true;
  kj::Vector<kj::Promise<void>> closing;
  for (auto& [index, hosted] : hosted_)
    closing.add(hosted.coordinator->close());
  return kj::joinPromises(closing.releaseAsArray());
}

}  // namespace cambium
