#include "bench/rpc_client.h"

#include <sys/socket.h>

#include <kj/debug.h>

#include "engine/base/buffered_stream.h"

namespace cambium::bench {

namespace {

kj::Own<kj::AsyncIoStream> connect(kj::AsyncIoContext& io, kj::StringPtr address, bool buffered) {
  auto parsed = io.provider->getNetwork().parseAddress(address).wait(io.waitScope);
  auto stream = parsed->connect().wait(io.waitScope);
  stream->setsockopt(SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof(kSendBufferBytes));
  return buffered ? newBufferedStream(kj::mv(stream)) : kj::mv(stream);
}

class PairSubject final : public RpcSubject {
 public:
  PairSubject(kj::AsyncIoContext& io, bool buffered, Bytes batch, uint64_t count)
      : server_(startPair(buffered, batch, count)), link_(io, server_->address(), buffered) {}

  rpc::Partition::Client freshPartition() override { return link_.bootstrap().castAs<rpc::Partition>(); }
  void dropPartition() override {}

 private:
  kj::Own<RpcServer> server_;
  RpcLink link_;
};

class BrokerSubject final : public RpcSubject {
 public:
  BrokerSubject(kj::AsyncIoContext& io, kj::StringPtr logEngine, kj::StringPtr durability, kj::String folder)
      : io_(io),
        durability_(kj::str(durability)),
        server_(startBroker(logEngine, kj::mv(folder))),
        link_(io, server_->address(), true) {}

  rpc::Partition::Client freshPartition() override {
    name_ = kj::str("bench-", ++count_);
    auto create = admin().createTopicRequest();
    create.setName(name_);
    create.setPartitions(1);
    auto config = create.initConfigs(1)[0];
    config.setName("durability");
    config.setValue(durability_);
    requireNone(create.send().wait(io_.waitScope).getError(), "createTopic");
    auto topic = broker().topicRequest();
    topic.setName(name_);
    auto opened = topic.send().wait(io_.waitScope);
    requireNone(opened.getError(), "topic");
    auto partition = opened.getTopic().partitionRequest().send().wait(io_.waitScope);
    requireNone(partition.getError(), "partition");
    return partition.getPartition();
  }
  void dropPartition() override {
    auto drop = admin().deleteTopicRequest();
    drop.setName(name_);
    requireNone(drop.send().wait(io_.waitScope).getError(), "deleteTopic");
  }

 private:
  rpc::Broker::Client broker() { return link_.bootstrap().castAs<rpc::Gate>().anonymousRequest().send().getBroker(); }
  rpc::Admin::Client admin() { return broker().adminRequest().send().getAdmin(); }

  kj::AsyncIoContext& io_;
  kj::String durability_;
  kj::String name_;
  unsigned count_ = 0;
  kj::Own<RpcServer> server_;
  RpcLink link_;
};

}  // namespace

RpcLink::RpcLink(kj::AsyncIoContext& io, kj::StringPtr address, bool buffered)
    : stream_(connect(io, address, buffered)),
      network_(*stream_, capnp::rpc::twoparty::Side::CLIENT),
      rpc_(capnp::makeRpcClient(network_)) {}

capnp::Capability::Client RpcLink::bootstrap() {
  capnp::MallocMessageBuilder message(4);
  auto vat = message.getRoot<capnp::rpc::twoparty::VatId>();
  vat.setSide(capnp::rpc::twoparty::Side::SERVER);
  return rpc_.bootstrap(vat);
}

kj::Maybe<kj::Own<RpcSubject>> openRpcSubject(kj::AsyncIoContext& io, kj::StringPtr subject, kj::String folder,
                                              Bytes batch, uint64_t count) {
  kj::Own<RpcSubject> made;
  if (subject == "pair" || subject == "pair-buffered") {
    made = kj::heap<PairSubject>(io, subject == "pair-buffered", batch, count);
  } else if (subject == "broker") {
    made = kj::heap<BrokerSubject>(io, "native", "os", kj::mv(folder));
  } else if (subject == "broker-fsync") {
    made = kj::heap<BrokerSubject>(io, "native", "fsync", kj::mv(folder));
  } else if (subject == "broker-rocksdb") {
    made = kj::heap<BrokerSubject>(io, "rocksdb", "os", kj::mv(folder));
  } else {
    return nullptr;
  }
  return kj::mv(made);
}

void requireNone(rpc::Error::Reader error, kj::StringPtr doing) {
  KJ_REQUIRE(error.getCode() == rpc::ErrorCode::NONE, "the server answered an error", doing, error.getMessage());
}

}  // namespace cambium::bench
