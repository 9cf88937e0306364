#include <set>

#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/config_answers.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

using Answer = CreateTopicsResponse::Topic;

kj::Maybe<Error> checkAssignments(const CreateTopicsRequest::Topic& wanted, int32_t brokerId) {
  if (wanted.numPartitions != -1 || wanted.replicationFactor != -1) {
    return makeError(ErrorCode::kInvalidRequest,
                     "numPartitions and replicationFactor are -1 when replicas are assigned by hand");
  }
  std::set<int32_t> partitions;
  for (auto& assignment : wanted.assignments) {
    if (assignment.brokerIds.size() != 1 || assignment.brokerIds[0] != brokerId) {
      return makeError(ErrorCode::kInvalidReplicaAssignment, "partition ", assignment.partitionIndex,
                       " can only be on broker ", brokerId, ", the only one there is");
    }
    partitions.insert(assignment.partitionIndex);
  }
  auto count = static_cast<int32_t>(wanted.assignments.size());
  if (partitions.size() != wanted.assignments.size() || *partitions.begin() != 0 || *partitions.rbegin() != count - 1) {
    return makeError(ErrorCode::kInvalidReplicaAssignment, "partitions are assigned from 0 on, each once");
  }
  return nullptr;
}

// -1 stands for the broker's default, in every version: clients that speak an old one count on it (KIP-464).
kj::Maybe<Error> checkReplication(int16_t factor) {
  if (factor == 1 || factor == -1) return nullptr;
  return makeError(ErrorCode::kInvalidReplicationFactor, "replication factor ", factor,
                   "; this cluster has one broker, so it is 1");
}

// How many partitions are meant, or what is wrong with the wish.
Result<int32_t> partitionsOf(RequestContext& context, const CreateTopicsRequest::Topic& wanted) {
  if (wanted.assignments.size() > 0) {
    KJ_IF_MAYBE(error, checkAssignments(wanted, context.brokerId())) return kj::mv(*error);
    return static_cast<int32_t>(wanted.assignments.size());
  }
  KJ_IF_MAYBE(error, checkReplication(wanted.replicationFactor)) return kj::mv(*error);
  if (wanted.numPartitions == -1) return context.broker().facts().config.numPartitions.get();
  return wanted.numPartitions;
}

void refuse(Answer& answer, const Error& error) {
  answer.errorCode = wireCode(error.code);
  answer.errorMessage = wireMessage(error);
  answer.numPartitions = -1;
  answer.replicationFactor = -1;
}

kj::Promise<Answer> createOne(RequestContext& context, const CreateTopicsRequest::Topic& wanted, bool validateOnly) {
  Answer answer;
  answer.name = wanted.name.view();
  auto partitions = partitionsOf(context, wanted);
  if (!partitions.ok()) {
    refuse(answer, partitions.error());
    co_return kj::mv(answer);
  }
  NewTopic wish{.name = kj::str(wanted.name), .partitions = partitions.value(), .validateOnly = validateOnly};
  for (auto& config : wanted.configs) {
    KJ_IF_MAYBE(value, config.value) {
      wish.settings.add(ConfigSetting{kj::str(config.name), kj::str(*value)});
    } else {
      refuse(answer, makeError(ErrorCode::kInvalidConfig, "config ", config.name, " has no value"));
      co_return kj::mv(answer);
    }
  }
  auto created = co_await context.broker().createTopic(kj::mv(wish));
  if (!created.ok()) {
    refuse(answer, created.error());
    co_return kj::mv(answer);
  }
  auto& topic = *created.value();
  answer.topicId = topic.id();
  answer.numPartitions = topic.partitionCount();
  answer.replicationFactor = 1;
  auto& configs = answer.configs.emplace();
  for (auto& config : describeConfigs(topic.settings())) {
    auto& entry = configs.add();
    entry.name = config.name;
    entry.value = Text(kj::mv(config.value));
    entry.configSource = wireSource(config.source);
  }
  co_return kj::mv(answer);
}

}  // namespace

kj::Promise<CreateTopicsResponse> handle(RequestContext& context, CreateTopicsRequest& request) {
  // The configs of a topic that was made, with their names and values.
  constexpr size_t kBytesPerTopic = 16 << 10;
  CreateTopicsResponse response;
  using Named = NamedTwice<std::string_view>;
  Named named;
  for (auto& wanted : request.topics)
    named.name(wanted.name);
  WorkShare share(context.turns());
  for (auto& wanted : request.topics) {
    if (share.use(20)) co_await share.turn();
    auto what = named.answer(wanted.name);
    if (what == Named::Answer::kServe) {
      co_await context.room.grow(Bytes(kBytesPerTopic));
      response.topics.add(co_await createOne(context, wanted, request.validateOnly));
    } else if (what == Named::Answer::kRefuse) {
      auto& answer = response.topics.add();
      answer.name = wanted.name.view();
      refuse(answer, namedTwice("topic"_kj, wanted.name));
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
