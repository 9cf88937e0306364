#pragma once

#include <string>
#include <vector>

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include "schema/cambium.capnp.h"

namespace cambium {

// One RPC connection with the schema's own capabilities, and short ways to what tests ask for again and again. Errors
// come back as text, "unknownTopicOrPartition: there is no topic …"; "" is success. Waits on the scope it was made
// with.
class RpcClient {
 public:
  RpcClient(kj::WaitScope& scope, kj::Own<kj::AsyncIoStream> stream);
  KJ_DISALLOW_COPY(RpcClient);

  using Settings = std::vector<std::pair<std::string, std::string>>;

  rpc::Broker::Client broker() { return broker_; }
  rpc::Admin::Client admin() { return admin_; }
  rpc::Group::Client group(kj::StringPtr name);

  std::string createTopic(kj::StringPtr name, int partitions = 1, const Settings& configs = {},
                          bool validateOnly = false);
  std::string deleteTopic(kj::StringPtr name);
  std::string addPartitions(kj::StringPtr name, int total);
  // A value of "reset" takes a config back to its default.
  std::string alterTopic(kj::StringPtr name, const Settings& changes);
  std::string moveTopic(kj::StringPtr name, kj::StringPtr engine);
  std::string cancelMove(kj::StringPtr name);
  // Where each partition's log is, and on its way to: "native", "native>rocksdb copying", separated by ", ".
  std::string whereIs(kj::StringPtr name);
  // "alpha/2 beta/1": names and numbers of partitions.
  std::string listTopics();

  // Throw what the broker answers when there is no such thing.
  rpc::Topic::Client topic(kj::StringPtr name);
  rpc::Partition::Client partition(kj::StringPtr topic, int index = 0);
  std::string errorOfTopic(kj::StringPtr name);
  std::string errorOfPartition(kj::StringPtr topic, int index);

 private:
  kj::WaitScope& scope_;
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
  rpc::Broker::Client broker_;
  rpc::Admin::Client admin_;
};

std::string describe(rpc::Error::Reader error);
// Of any response that has an `error`.
template <class Response>
std::string errorOf(Response&& response) {
  return response.hasError() ? describe(response.getError()) : "";
}

// Appends one batch of records with these values (and the same keys); throws when the broker refuses. Returns the base
// offset.
int64_t append(kj::WaitScope& scope, rpc::Partition::Client partition, const std::vector<std::string>& values,
               rpc::Acks acks = rpc::Acks::ALL);
kj::Promise<int64_t> appendLater(rpc::Partition::Client partition, const std::vector<std::string>& values,
                                 rpc::Acks acks = rpc::Acks::ALL);

struct ReadResult {
  std::string error;
  std::vector<std::string> values;
  int64_t firstOffset = -1;
  int64_t nextOffset = -1;
  int64_t highWatermark = -1;
  int64_t logStart = -1;
};
struct ReadOptions {
  uint32_t bytesMax = 1 << 20;
  uint32_t bytesMin = 1;
  uint32_t waitMsMax = 0;
};
kj::Promise<ReadResult> readLater(rpc::Partition::Client partition, int64_t from, ReadOptions options = {});
ReadResult read(kj::WaitScope& scope, rpc::Partition::Client partition, int64_t from, ReadOptions options = {});

}  // namespace cambium
