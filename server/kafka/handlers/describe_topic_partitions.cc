#include <set>

#include "server/kafka/authorized_operations.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

// As Kafka's max.request.partition.size.limit.
constexpr int32_t kPartitionsMax = 2000;

using TopicAnswer = DescribeTopicPartitionsResponse::Topic;

// Partitions from `from` on, at most `room`.
void addPartitions(TopicAnswer& answer, const Topic& topic, int32_t from, int32_t room, int32_t brokerId) {
  for (int32_t i = from; i < topic.partitionCount() && room > 0; ++i, --room) {
    auto& partition = answer.partitions.add();
    partition.partitionIndex = i;
    partition.leaderId = brokerId;
    partition.leaderEpoch = topic.partition(i).leaderEpoch.value();
    partition.replicaNodes.add(brokerId);
    partition.isrNodes.add(brokerId);
    partition.eligibleLeaderReplicas.emplace();
    partition.lastKnownElr.emplace();
  }
}

// The topics to describe, sorted: those named, or all.
std::set<std::string> namesWanted(RequestContext& context, const DescribeTopicPartitionsRequest& request) {
  std::set<std::string> names;
  for (auto& topic : request.topics)
    names.insert(topic.name.str());
  if (!names.empty()) return names;
  auto image = context.broker().image();
  for (auto& topic : image->topics())
    names.insert(topic->name().cStr());
  return names;
}

}  // namespace

kj::Promise<DescribeTopicPartitionsResponse> handle(RequestContext& context, DescribeTopicPartitionsRequest& request) {
  DescribeTopicPartitionsResponse response;
  int32_t room = kj::max(1, kj::min(request.responsePartitionLimit, kPartitionsMax));
  std::string firstName;
  int32_t firstPartition = 0;
  KJ_IF_MAYBE(cursor, request.cursor) {
    firstName = cursor->topicName.str();
    firstPartition = kj::max(0, cursor->partitionIndex);
  }
  auto names = namesWanted(context, request);
  for (auto at = names.lower_bound(firstName); at != names.end(); ++at) {
    int32_t from = *at == firstName ? firstPartition : 0;
    if (room == 0) {
      auto& next = response.nextCursor.emplace();
      next.topicName = Text(*at);
      next.partitionIndex = from;
      break;
    }
    auto& answer = response.topics.add();
    answer.name = Text(*at);
    answer.topicAuthorizedOperations = kTopicOperations;
    auto topic = context.broker().topic(kj::StringPtr(at->c_str()));
    if (!topic.ok()) {
      answer.errorCode = wireCode(topic.error().code);
      continue;
    }
    answer.topicId = topic.value()->id();
    answer.isInternal = topic.value()->isInternal();
    addPartitions(answer, *topic.value(), from, room, context.brokerId());
    auto listed = static_cast<int32_t>(answer.partitions.size());
    room -= listed;
    if (from + listed < topic.value()->partitionCount()) {
      auto& next = response.nextCursor.emplace();
      next.topicName = Text(*at);
      next.partitionIndex = from + listed;
      break;
    }
  }
  return kj::mv(response);
}

}  // namespace cambium::kafka
