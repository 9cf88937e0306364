#include "engine/base/coroutine.h"
#include "server/kafka/authorized_operations.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

using TopicAnswer = MetadataResponse::Topic;

kj::Promise<TopicAnswer> describeTopic(RequestContext& context, WorkShare& share, kj::Own<const Topic> topic) {
  constexpr size_t kBytesPerPartition = 512;  // with its lists of replicas
  auto brokerId = context.brokerId();
  TopicAnswer answer;
  answer.name = Text(kj::str(topic->name()));
  answer.topicId = topic->id();
  answer.isInternal = topic->isInternal();
  co_await context.room.grow(Bytes(static_cast<size_t>(topic->partitionCount()) * kBytesPerPartition));
  for (int32_t i = 0; i < topic->partitionCount(); ++i) {
    if (share.use()) co_await share.turn();
    auto& partition = answer.partitions.add();
    partition.partitionIndex = i;
    partition.leaderId = brokerId;
    partition.leaderEpoch = topic->partition(i).leaderEpoch.value();
    partition.replicaNodes.add(brokerId);
    partition.isrNodes.add(brokerId);
  }
  co_return kj::mv(answer);
}

kj::Promise<Result<kj::Own<const Topic>>> createMissing(RequestContext& context, kj::String name) {
  auto created =
      co_await context.broker().createTopic(NewTopic{.name = kj::str(name),
                                                     .partitions = context.broker().facts().config.numPartitions,
                                                     .namedBy = kj::str(context.connection.clientHost)});
  // Somebody else was quicker.
  if (!created.ok() && created.error().code == ErrorCode::kTopicAlreadyExists) {
    co_return context.broker().topic(name);
  }
  co_return kj::mv(created);
}

// By id where there is one: the Java client leaves an empty name beside it, not null.
kj::Promise<TopicAnswer> answerTopic(RequestContext& context, WorkShare& share, const MetadataRequest::Topic& wanted,
                                     bool mayCreate) {
  auto& broker = context.broker();
  kj::Maybe<const Text&> byName = wanted.name;
  if (!wanted.topicId.isZero()) byName = nullptr;
  KJ_IF_MAYBE(name, byName) {
    auto text = kj::heapString(name->view().data(), name->size());
    auto topic = describedTopic(broker, text);
    // Made before the answer, so that no client has to come again.
    if (!topic.ok() && mayCreate && !isInternalTopic(text)) topic = co_await createMissing(context, kj::str(text));
    if (topic.ok()) co_return co_await describeTopic(context, share, kj::mv(topic.value()));
    TopicAnswer answer;
    answer.errorCode = wireCode(topic.error().code);
    // Every client waits on this one and asks again, by when the topic may be made; many give up on others.
    if (topic.error().code == ErrorCode::kThrottlingQuotaExceeded) answer.errorCode = wire_code::kLeaderNotAvailable;
    answer.name = Text(kj::mv(text));
    co_return answer;
  }
  auto topic = broker.topic(wanted.topicId);
  if (topic.ok()) co_return co_await describeTopic(context, share, kj::mv(topic.value()));
  TopicAnswer answer;
  answer.errorCode = wireCode(topic.error().code);
  answer.topicId = wanted.topicId;
  if (context.version() < 12) answer.name = "";
  co_return answer;
}

}  // namespace

kj::Promise<MetadataResponse> handle(RequestContext& context, MetadataRequest& request) {
  auto& broker = context.broker();
  auto& endpoint = context.advertised();
  MetadataResponse response;
  auto& self = response.brokers.add();
  self.nodeId = context.brokerId();
  self.host = Text(kj::str(endpoint.host));
  self.port = endpoint.port;
  response.clusterId = Text(broker.facts().clusterId);
  response.controllerId = context.brokerId();

  WorkShare share(context.turns());
  bool all = request.topics == nullptr;
  KJ_IF_MAYBE(topics, request.topics) {
    // Version 0 has no other way of asking for all.
    all = context.version() == 0 && topics->size() == 0;
    bool mayCreate = broker.facts().config.autoCreateTopics && request.allowAutoTopicCreation;
    NamedOnce<Uuid, std::string_view> named;
    for (auto& wanted : *topics) {
      if (share.use(2)) co_await share.turn();
      std::string_view name;
      KJ_IF_MAYBE(text, wanted.name) name = text->view();
      if (named.first(wanted.topicId, name)) {
        response.topics.add(co_await answerTopic(context, share, wanted, mayCreate));
      }
    }
  }
  if (all) {
    auto image = broker.image();
    for (auto& topic : image->topics()) {
      if (share.use(2)) co_await share.turn();
      response.topics.add(co_await describeTopic(context, share, kj::atomicAddRef(*topic)));
    }
  }
  if (request.includeTopicAuthorizedOperations) {
    for (auto& topic : response.topics)
      topic.topicAuthorizedOperations = kTopicOperations;
  }
  if (request.includeClusterAuthorizedOperations) response.clusterAuthorizedOperations = kClusterOperations;
  co_return response;
}

}  // namespace cambium::kafka
