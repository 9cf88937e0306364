#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

Result<void> checkPartition(const Topic& topic, int32_t partition) {
  if (partition >= 0 && partition < topic.partitionCount()) return Result<void>();
  return makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", topic.name(), " has partitions 0 to ",
                   topic.partitionCount() - 1, ", not ", partition);
}

Result<void> checkLeaderEpoch(const Topic& topic, int32_t partition, int32_t clientsEpoch) {
  auto epoch = topic.partition(partition).leaderEpoch.value();
  if (clientsEpoch < 0 || clientsEpoch == epoch) return Result<void>();
  return makeError(clientsEpoch < epoch ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch, "partition ",
                   topic.name(), "-", partition, " has leader epoch ", epoch, ", the client says ", clientsEpoch);
}

}  // namespace cambium::kafka
