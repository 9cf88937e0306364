#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

// With one replica the preferred leader always leads.
Error alreadyLed(kj::StringPtr topic, int32_t partition) {
  return makeError(ErrorCode::kElectionNotNeeded, "partition ", topic, "-", partition,
                   " is led by its preferred replica already");
}

// Preferred (0) or unclean (1).
Result<void> checkElectionType(int8_t type) {
  if (type == 0 || type == 1) return Result<void>();
  return makeError(ErrorCode::kInvalidRequest, "there is no election of type ", type,
                   "; known are 0 (preferred) and 1 (unclean)");
}

}  // namespace

kj::Promise<ElectLeadersResponse> handle(RequestContext& context, ElectLeadersRequest& request) {
  ElectLeadersResponse response;
  NamedOnce<std::string_view, int32_t> named;
  WorkShare share(context.turns());
  auto type = checkElectionType(request.electionType);
  if (!type.ok()) response.errorCode = wireCode(type.error().code);
  KJ_IF_MAYBE(topics, request.topicPartitions) {
    for (auto& wanted : *topics) {
      auto& answers = response.replicaElectionResults.add();
      answers.topic = wanted.topic.view();
      auto topic = findTopic(context.broker(), false, wanted.topic, Uuid());
      for (auto index : wanted.partitions) {
        if (share.use(2)) co_await share.turn();
        if (!named.first(wanted.topic, index)) continue;
        auto& answer = answers.partitionResult.add();
        answer.partitionId = index;
        auto found = topic.ok() ? checkPartition(*topic.value(), index) : Result<void>(topic.error().clone());
        if (!type.ok()) found = Result<void>(type.error().clone());
        auto error = found.ok() ? alreadyLed(topic.value()->name(), index) : kj::mv(found.error());
        answer.errorCode = wireCode(error.code);
        answer.errorMessage = wireMessage(error);
      }
    }
  }
  // All partitions: only those that need an election are listed, and none does.
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
