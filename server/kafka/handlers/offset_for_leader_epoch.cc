#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

using Answer = OffsetForLeaderEpochResponse::Topic::Partition;

// Where the records of a leader epoch end (KIP-320).
kj::Promise<Answer> answerPartition(RequestContext& context, kj::Own<const Topic> topic, int32_t partition,
                                    int32_t clientsEpoch, int32_t wantedEpoch) {
  Answer answer;
  answer.partition = partition;
  answer.endOffset = -1;
  auto checked = checkPartition(*topic, partition);
  if (checked.ok()) checked = checkLeaderEpoch(*topic, partition, clientsEpoch);
  if (!checked.ok()) {
    answer.errorCode = wireCode(checked.error().code);
    co_return answer;
  }
  auto end = co_await context.broker().endOfEpoch({topic->id(), partition}, LeaderEpoch(wantedEpoch));
  if (!end.ok()) {
    answer.errorCode = wireCode(end.error().code);
    co_return answer;
  }
  answer.leaderEpoch = end.value().epoch.value();
  answer.endOffset = end.value().offset.value();
  co_return answer;
}

}  // namespace

kj::Promise<OffsetForLeaderEpochResponse> handle(RequestContext& context, OffsetForLeaderEpochRequest& request) {
  OffsetForLeaderEpochResponse response;
  WorkShare share(context.turns());
  NamedOnce<std::string_view, int32_t> named;
  for (auto& wanted : request.topics) {
    OffsetForLeaderEpochResponse::Topic answers;
    answers.topic = wanted.topic.view();
    auto topic = findTopic(context.broker(), false, wanted.topic, Uuid());
    for (auto& partition : wanted.partitions) {
      if (share.use(2)) co_await share.turn();
      if (!named.first(wanted.topic, partition.partition)) continue;
      if (topic.ok()) {
        answers.partitions.add(co_await answerPartition(context, kj::atomicAddRef(*topic.value()), partition.partition,
                                                        partition.currentLeaderEpoch, partition.leaderEpoch));
      } else {
        auto& answer = answers.partitions.add();
        answer.partition = partition.partition;
        answer.endOffset = -1;
        answer.errorCode = wireCode(topic.error().code);
      }
    }
    response.topics.add(kj::mv(answers));
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
