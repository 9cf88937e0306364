#pragma once

#include "engine/broker/broker.h"
#include "server/http/http_door.h"
#include "server/kafka/kafka_door.h"
#include "server/rpc/rpc_door.h"

namespace cambium {

// Connections of all loops.
struct ConnectionCounts {
  ConnectionCounts(size_t kafkaPerAddressMax, size_t rpcPerAddressMax)
      : kafka(kafkaPerAddressMax), rpc(rpcPerAddressMax) {}

  DoorCounts kafka;
  RpcCounts rpc;
};

// The HTTP door over the real broker and process. Opens before the broker is ready; drained before the broker stops.
class HttpWiring {
 public:
  HttpWiring(Broker& broker, LoopContext& loop, WorkPool& pool, HttpDoorOptions options,
             const ConnectionCounts& counts);
  KJ_DISALLOW_COPY(HttpWiring);

  void listen(kj::Array<kj::Own<kj::ConnectionReceiver>> receivers);
  kj::Promise<void> drain() { return door_.drain(); }

 private:
  class State final : public BrokerState {
   public:
    explicit State(Broker& broker) : broker_(broker) {}
    BrokerIdentity identity() override { return {broker_.version(), broker_.clusterId()}; }
    kj::Maybe<kj::String> startingUp() override { return broker_.startingUp(); }
    kj::Maybe<kj::String> whyRefusing() override { return broker_.whyRefusing(); }
    kj::Promise<kj::Vector<ShardReport>> reports() override { return broker_.local().reports(); }
    kj::Vector<StorageEngine*> engines() override { return broker_.local().engines(); }

   private:
    Broker& broker_;
  };
  class Process final : public ProcessInfo {
   public:
    ProcessFacts facts() override;
  };
  class Counters final : public ConnectionCounters {
   public:
    explicit Counters(const ConnectionCounts& counts) : counts_(counts) {}
    kj::Vector<DoorConnections> connections() override;
    RpcHoldings rpcHoldings() override;

   private:
    const ConnectionCounts& counts_;
  };
  State state_;
  Process process_;
  Counters counters_;
  HttpDoor door_;
};

}  // namespace cambium
