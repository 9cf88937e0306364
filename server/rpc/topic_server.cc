#include "server/rpc/topic_server.h"

#include "server/rpc/config_list.h"
#include "server/rpc/error_mapping.h"
#include "server/rpc/partition_server.h"

namespace cambium {

void writeSummary(rpc::TopicSummary::Builder builder, const Topic& topic) {
  builder.setName(topic.name());
  builder.setId(kj::str(topic.id()));
  builder.setPartitions(topic.partitionCount());
  builder.setEngine(topic.engine());
  builder.setInternal(topic.isInternal());
}

TopicServer::TopicServer(kj::Own<Session> session, kj::Own<const Topic> topic)
    : session_(kj::mv(session)), topic_(kj::mv(topic)) {}

Result<kj::Own<const Topic>> TopicServer::current() const {
  auto found = session_->broker.topic(topic_->name());
  if (found.ok() && found.value()->id() != topic_->id()) {
    return makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", topic_->name(),
                     " was deleted and made anew; open it again");
  }
  return found;
}

kj::Promise<void> TopicServer::partition(PartitionContext context) {
  auto index = context.getParams().getIndex();
  auto topic = current();
  if (!topic.ok()) {
    writeError(context.getResults(kSmallResults).initError(), topic.error());
  } else if (index < 0 || index >= topic.value()->partitionCount()) {
    writeError(context.getResults(kSmallResults).initError(),
               makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", topic_->name(), " has partitions 0 to ",
                         topic.value()->partitionCount() - 1, ", not ", index));
  } else {
    context.getResults(kSmallResults)
        .setPartition(kj::heap<PartitionServer>(kj::addRef(*session_), kj::mv(topic.value()), index));
  }
  return kj::READY_NOW;
}

kj::Promise<void> TopicServer::describe(DescribeContext context) {
  auto found = current();
  if (!found.ok()) {
    writeError(context.getResults().initError(), found.error());
    co_return;
  }
  auto topic = kj::mv(found.value());
  auto& broker = session_->broker;
  auto asking =
      kj::heapArrayBuilder<kj::Promise<Result<PartitionStatus>>>(static_cast<size_t>(topic->partitionCount()));
  for (int32_t i = 0; i < topic->partitionCount(); ++i)
    asking.add(broker.status({topic->id(), i}));
  auto statuses = co_await kj::joinPromises(asking.finish());

  auto out = context.getResults().initTopic();
  out.setName(topic->name());
  out.setId(kj::str(topic->id()));
  auto configs = describeConfigs(topic->settings());
  for (auto& config : configs) {
    // Every topic has an engine, whether or not it was asked for.
    if (config.name == "storage.engine") config.value = kj::str(topic->engine());
  }
  writeConfigs(out.initConfigs(static_cast<unsigned>(configs.size())), configs);
  auto partitions = out.initPartitions(static_cast<unsigned>(statuses.size()));
  for (unsigned i = 0; i < partitions.size(); ++i) {
    auto index = static_cast<int32_t>(i);
    writeStatus(partitions[i], index, statuses[i], topic->partition(index).engine,
                broker.ownerOf({topic->id(), index}));
  }
}

}  // namespace cambium
