#pragma once

#include <list>

#include <kj/async-io.h>

#include "engine/base/request_budgets.h"
#include "engine/broker/broker.h"
#include "server/door/listener.h"
#include "server/rpc/session.h"

namespace cambium {

// What the RPC doors of all loops count together.
struct RpcCounts {
  explicit RpcCounts(size_t connectionsPerAddressMax) : connections(connectionsPerAddressMax) {}

  DoorCounts connections;
  CallCounts calls;
};

// Serves the Cap'n Proto RPC connections of one loop, each with a Gate.
class RpcDoor final : public Door {
 public:
  // `counts` are those of all loops. `answers` bounds the answers of all loops and doors.
  RpcDoor(LocalBroker& broker, LoopContext& loop, RpcLimits limits, RpcCounts& counts, SharedBudget& answers,
          kj::Array<kj::Own<kj::ConnectionReceiver>> receivers);
  KJ_DISALLOW_COPY(RpcDoor);

  kj::Promise<void> drain() override;
  kj::Promise<void> cut() override;

 private:
  struct Connection;

  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream, Listener::Place& place);
  kj::Promise<void> watchPace();

  LocalBroker& broker_;
  LoopContext& loop_;
  RpcLimits limits_;
  LogLimiter log_;
  CallLedgers ledgers_;
  SharedBudget& answers_;
  kj::Own<RequestBudgets> requests_;
  WorkInFlight work_;
  WorkInFlight sessions_;
  std::list<Connection*> open_;
  Listener listener_;
  kj::Promise<void> watching_ = nullptr;
};

}  // namespace cambium
