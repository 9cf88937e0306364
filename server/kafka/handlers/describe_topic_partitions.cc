#include <set>

#include "engine/base/coroutine.h"
#include "server/kafka/authorized_operations.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

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
kj::Promise<std::set<std::string>> namesWanted(RequestContext& context, WorkShare& share,
                                               const DescribeTopicPartitionsRequest& request) {
  std::set<std::string> names;
  for (auto& topic : request.topics) {
    if (share.use()) co_await share.turn();
    names.insert(topic.name.str());
  }
  if (!names.empty()) co_return kj::mv(names);
  auto image = context.broker().image();
  for (auto& topic : image->topics()) {
    if (share.use()) co_await share.turn();
    names.insert(topic->name().cStr());
  }
  co_return kj::mv(names);
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
  constexpr size_t kBytesPerPartition = 768;
  WorkShare share(context.turns());
  auto names = co_await namesWanted(context, share, request);
  for (auto at = names.lower_bound(firstName); at != names.end(); ++at) {
    int32_t from = *at == firstName ? firstPartition : 0;
    if (room == 0) {
      auto& next = response.nextCursor.emplace();
      next.topicName = Text(*at);
      next.partitionIndex = from;
      break;
    }
    if (share.use(2)) co_await share.turn();
    auto& answer = response.topics.add();
    answer.name = Text(*at);
    answer.topicAuthorizedOperations = kTopicOperations;
    auto topic = describedTopic(context.broker(), at->c_str());
    if (!topic.ok()) {
      answer.errorCode = wireCode(topic.error().code);
      continue;
    }
    answer.topicId = topic.value()->id();
    answer.isInternal = topic.value()->isInternal();
    auto most = static_cast<size_t>(kj::min(topic.value()->partitionCount(), room));
    co_await context.room.grow(Bytes((most + 1) * kBytesPerPartition));
    share.use(most);
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
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
