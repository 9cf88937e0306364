#include "tests/support/rpc_client.h"

#include <kj/debug.h>

#include "engine/base/buffered_stream.h"
#include "engine/base/coroutine.h"

namespace cambium {

namespace {

rpc::Broker::Client enter(rpc::Gate::Client gate) {
  return gate.anonymousRequest().send().getBroker();
}

template <class List>
void fill(List list, const RpcClient::Settings& settings) {
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setName(settings[i].first.c_str());
    if (settings[i].second == "reset") {
      list[i].setReset(true);
    } else {
      list[i].setValue(settings[i].second.c_str());
    }
  }
}

}  // namespace

RpcClient::RpcClient(kj::WaitScope& scope, kj::Own<kj::AsyncIoStream> stream)
    : scope_(scope),
      stream_(newBufferedStream(kj::mv(stream))),
      network_(*stream_, capnp::rpc::twoparty::Side::CLIENT),
      rpc_(capnp::makeRpcClient(network_)),
      broker_(nullptr),
      admin_(nullptr) {
  capnp::MallocMessageBuilder message;
  auto vatId = message.initRoot<capnp::rpc::twoparty::VatId>();
  vatId.setSide(capnp::rpc::twoparty::Side::SERVER);
  broker_ = enter(rpc_.bootstrap(vatId).castAs<rpc::Gate>());
  admin_ = broker_.adminRequest().send().getAdmin();
}

rpc::Group::Client RpcClient::group(kj::StringPtr name) {
  auto request = broker_.groupRequest();
  request.setName(name);
  return request.send().getGroup();
}

std::string RpcClient::createTopic(kj::StringPtr name, int partitions, const Settings& configs, bool validateOnly) {
  auto request = admin_.createTopicRequest();
  request.setName(name);
  request.setPartitions(partitions);
  request.setValidateOnly(validateOnly);
  fill(request.initConfigs(static_cast<unsigned>(configs.size())), configs);
  return errorOf(request.send().wait(scope_));
}

std::string RpcClient::deleteTopic(kj::StringPtr name) {
  auto request = admin_.deleteTopicRequest();
  request.setName(name);
  return errorOf(request.send().wait(scope_));
}

std::string RpcClient::addPartitions(kj::StringPtr name, int total) {
  auto request = admin_.addPartitionsRequest();
  request.setName(name);
  request.setTotal(total);
  return errorOf(request.send().wait(scope_));
}

std::string RpcClient::alterTopic(kj::StringPtr name, const Settings& changes) {
  auto request = admin_.alterTopicRequest();
  request.setName(name);
  fill(request.initChanges(static_cast<unsigned>(changes.size())), changes);
  return errorOf(request.send().wait(scope_));
}

std::string RpcClient::moveTopic(kj::StringPtr name, kj::StringPtr engine) {
  auto request = admin_.moveTopicRequest();
  request.setName(name);
  request.setEngine(engine);
  return errorOf(request.send().wait(scope_));
}

std::string RpcClient::cancelMove(kj::StringPtr name) {
  auto request = admin_.cancelMoveRequest();
  request.setName(name);
  return errorOf(request.send().wait(scope_));
}

std::string RpcClient::whereIs(kj::StringPtr name) {
  auto response = topic(name).describeRequest().send().wait(scope_);
  if (response.hasError()) return describe(response.getError());
  std::string text;
  constexpr const char* kPhases[] = {"waiting", "copying", "switching", "cleaning", "failed"};
  for (auto partition : response.getTopic().getPartitions()) {
    if (!text.empty()) text += ", ";
    text += partition.getEngine().cStr();
    if (!partition.hasMove()) continue;
    auto move = partition.getMove();
    text += kj::str(">", move.getTo(), " ", kPhases[static_cast<size_t>(move.getPhase())]).cStr();
    if (move.getFailure().size() > 0) text += kj::str(": ", move.getFailure()).cStr();
  }
  return text;
}

std::string RpcClient::listTopics() {
  auto response = broker_.listTopicsRequest().send().wait(scope_);
  kj::Vector<kj::String> all;
  for (auto topic : response.getTopics())
    all.add(kj::str(topic.getName(), '/', topic.getPartitions()));
  return kj::strArray(all, " ").cStr();
}

rpc::Topic::Client RpcClient::topic(kj::StringPtr name) {
  auto request = broker_.topicRequest();
  request.setName(name);
  auto response = request.send().wait(scope_);
  KJ_REQUIRE(!response.hasError(), errorOf(response).c_str());
  return response.getTopic();
}

rpc::Partition::Client RpcClient::partition(kj::StringPtr name, int index) {
  auto request = topic(name).partitionRequest();
  request.setIndex(index);
  auto response = request.send().wait(scope_);
  KJ_REQUIRE(!response.hasError(), errorOf(response).c_str());
  return response.getPartition();
}

std::string RpcClient::errorOfTopic(kj::StringPtr name) {
  auto request = broker_.topicRequest();
  request.setName(name);
  return errorOf(request.send().wait(scope_));
}

std::string RpcClient::errorOfPartition(kj::StringPtr name, int index) {
  auto request = topic(name).partitionRequest();
  request.setIndex(index);
  return errorOf(request.send().wait(scope_));
}

std::string describe(rpc::Error::Reader error) {
  return kj::str(error.getCode(), ": ", error.getMessage()).cStr();
}

kj::Promise<int64_t> appendLater(rpc::Partition::Client partition, const std::vector<std::string>& values,
                                 rpc::Acks acks) {
  auto request = partition.appendRequest();
  auto records = request.initRecords(static_cast<unsigned>(values.size()));
  for (unsigned i = 0; i < records.size(); ++i) {
    auto bytes = kj::StringPtr(values[i].c_str()).asBytes();
    records[i].setKey(bytes);
    records[i].setHasKey(true);
    records[i].setValue(bytes);
  }
  request.setAcks(acks);
  return request.send().then([](capnp::Response<rpc::Partition::AppendResults>&& response) {
    KJ_REQUIRE(!response.hasError(), errorOf(response).c_str());
    return response.getAppended().getBaseOffset();
  });
}

int64_t append(kj::WaitScope& scope, rpc::Partition::Client partition, const std::vector<std::string>& values,
               rpc::Acks acks) {
  return appendLater(kj::mv(partition), values, acks).wait(scope);
}

kj::Promise<ReadResult> readLater(rpc::Partition::Client partition, int64_t from, ReadOptions options) {
  auto request = partition.readRecordsRequest();
  auto wish = request.initRequest();
  wish.setFrom(from);
  wish.setBytesMax(options.bytesMax);
  wish.setBytesMin(options.bytesMin);
  wish.setWaitMsMax(options.waitMsMax);
  return request.send().then([](capnp::Response<rpc::Partition::ReadRecordsResults>&& response) {
    ReadResult result;
    result.error = errorOf(response);
    auto chunk = response.getChunk();
    for (auto record : chunk.getRecords()) {
      if (result.firstOffset < 0) result.firstOffset = record.getOffset();
      auto value = record.getValue();
      result.values.emplace_back(reinterpret_cast<const char*>(value.begin()), value.size());
    }
    result.nextOffset = chunk.getNextOffset();
    result.highWatermark = chunk.getHighWatermark();
    result.logStart = chunk.getLogStart();
    return result;
  });
}

ReadResult read(kj::WaitScope& scope, rpc::Partition::Client partition, int64_t from, ReadOptions options) {
  return readLater(kj::mv(partition), from, options).wait(scope);
}

}  // namespace cambium
