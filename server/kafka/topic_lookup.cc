#include "server/kafka/topic_lookup.h"

#include "engine/metadata/topic_name.h"

namespace cambium::kafka {

Result<kj::Own<const Topic>> describedTopic(LocalBroker& broker, kj::StringPtr name) {
  auto topic = broker.topic(name);
  if (topic.ok()) return topic;
  auto named = checkTopicName(name);
  if (named.ok()) return topic;
  return kj::mv(named.error());
}

Result<void> checkPartition(const Topic& topic, int32_t partition) {
  if (partition >= 0 && partition < topic.partitionCount()) return Result<void>();
  return makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", topic.name(), " has partitions 0 to ",
                   topic.partitionCount() - 1, ", not ", partition);
}

Result<void> checkLeaderEpoch(const Topic& topic, int32_t partition, int32_t clientsEpoch) {
  auto epoch = topic.partition(partition).leaderEpoch.value();
  constexpr int32_t kUnsaid = -1;
  if (clientsEpoch == kUnsaid || clientsEpoch == epoch) return Result<void>();
  return makeError(clientsEpoch < epoch ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch, "partition ",
                   topic.name(), "-", partition, " has leader epoch ", epoch, ", the client says ", clientsEpoch);
}

}  // namespace cambium::kafka
