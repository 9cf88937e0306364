#pragma once

#include "engine/base/error.h"
#include "engine/base/quantity.h"
#include "engine/base/shared_budget.h"
#include "engine/broker/broker_config.h"
#include "server/kafka/kafka_door.h"
#include "server/rpc/session.h"

namespace cambium {

// The command line of cambiumd, checked.
struct ServerOptions {
  BrokerConfig broker;
  kj::String dataDir;
  kj::String kafkaListen;  // empty: closed
  kj::String rpcListen;
  kj::String httpListen;
  kafka::KafkaSettings kafka;
  RpcLimits rpc;
  SharedBudget::Limits answers;  // of all loops and doors
  unsigned syncThreads = 2;
  size_t openFilesMax = 0;  // of each engine
  size_t httpConnectionsMax = 64;
  kj::Vector<kj::String> httpHosts;  // further names of this broker
  // Connections of one client address, of each door on all loops.
  size_t kafkaPerAddressMax = 0;
  size_t rpcPerAddressMax = 0;
  size_t topicSeriesMax = 0;
  bool verbose = false;
};

// Parses the command line (gflags, also --flagfile=FILE). The error is one readable line that names the flag. Ends the
// process after --help and --version. Call once, before any thread starts.
Result<ServerOptions> parseOptions(int argc, char** argv);

}  // namespace cambium
