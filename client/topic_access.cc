#include "client/topic_access.h"

#include "client/error_mapping.h"

namespace cambium::client {

kj::Promise<Result<Access<rpc::Topic::Client>>> openTopic(Connection& connection, kj::String topic) {
  try {
    auto session = co_await connection.session();
    auto request = session.broker.topicRequest();
    request.setName(topic);
    auto response = co_await request.send();
    KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
    co_return Access<rpc::Topic::Client>{response.getTopic(), session.generation};
  } catch (const kj::Exception& e) {
    co_return errorFrom(e);
  }
}

kj::Promise<Result<Access<rpc::Partition::Client>>> openPartition(Connection& connection, kj::String topic,
                                                                  PartitionIndex partition) {
  try {
    auto session = co_await connection.session();
    auto topicRequest = session.broker.topicRequest();
    topicRequest.setName(topic);
    auto topicPromise = topicRequest.send();
    auto partitionRequest = topicPromise.getTopic().partitionRequest();
    partitionRequest.setIndex(partition.value());
    auto partitionPromise = partitionRequest.send();
    // When there is no topic, the second call fails as well, but only the first one says why.
    auto topicResponse = co_await topicPromise;
    KJ_IF_MAYBE(error, errorIn(topicResponse.getError())) co_return kj::mv(*error);
    auto response = co_await partitionPromise;
    KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
    co_return Access<rpc::Partition::Client>{response.getPartition(), session.generation};
  } catch (const kj::Exception& e) {
    co_return errorFrom(e);
  }
}

kj::Promise<Result<int32_t>> countPartitions(Connection& connection, kj::String topic) {
  auto access = co_await openTopic(connection, kj::mv(topic));
  if (!access.ok()) co_return kj::mv(access.error());
  try {
    auto response = co_await access.value().cap.describeRequest().send();
    KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
    co_return static_cast<int32_t>(response.getTopic().getPartitions().size());
  } catch (const kj::Exception& e) {
    co_return errorFrom(e);
  }
}

}  // namespace cambium::client
