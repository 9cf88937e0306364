#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

// Null when the partition is where it shall be.
kj::Maybe<Error> reassign(RequestContext& context, const Result<kj::Own<const Topic>>& topic,
                          const AlterPartitionReassignmentsRequest::Topic::Partition& wanted) {
  if (!topic.ok()) return topic.error().clone();
  auto checked = checkPartition(*topic.value(), wanted.partitionIndex);
  if (!checked.ok()) return kj::mv(checked.error());
  KJ_IF_MAYBE(replicas, wanted.replicas) {
    if (replicas->size() == 1 && (*replicas)[0] == context.brokerId()) return nullptr;
    return makeError(ErrorCode::kInvalidReplicaAssignment, "partition ", topic.value()->name(), "-",
                     wanted.partitionIndex, " can only be on broker ", context.brokerId(), ", the only one there is");
  }
  return makeError(ErrorCode::kNoReassignmentInProgress, "partition ", topic.value()->name(), "-",
                   wanted.partitionIndex, " is not being reassigned");
}

}  // namespace

kj::Promise<AlterPartitionReassignmentsResponse> handle(RequestContext& context,
                                                        AlterPartitionReassignmentsRequest& request) {
  AlterPartitionReassignmentsResponse response;
  response.allowReplicationFactorChange = request.allowReplicationFactorChange;
  NamedOnce<std::string_view, int32_t> named;
  WorkShare share(context.turns());
  for (auto& wanted : request.topics) {
    auto& answers = response.responses.add();
    answers.name = wanted.name.view();
    auto topic = findTopic(context.broker(), false, wanted.name, Uuid());
    for (auto& partition : wanted.partitions) {
      if (share.use(2)) co_await share.turn();
      if (!named.first(wanted.name, partition.partitionIndex)) continue;
      auto error = reassign(context, topic, partition);
      auto& answer = answers.partitions.add();
      answer.partitionIndex = partition.partitionIndex;
      answer.errorCode = wireCode(error);
      answer.errorMessage = wireMessage(error);
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
