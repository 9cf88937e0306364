#pragma once

#include <atomic>

#include <kj/async-io.h>

#include "engine/base/request_budgets.h"
#include "engine/broker/broker.h"
#include "server/rpc/session.h"

namespace cambium {

// RPC connections of all loops, for metrics.
struct RpcConnectionCounts {
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> open{0};
};

// Accepts Cap'n Proto RPC connections on one loop and serves each with a Gate. Beyond the limit of connections it stops
// accepting until one leaves: the rest wait in the system's queue.
class RpcDoor final : public Door {
 public:
  // `answers` bounds the answers of all loops and doors.
  RpcDoor(LocalBroker& broker, LoopContext& loop, RpcLimits limits, RpcConnectionCounts& counts, SharedBudget& answers,
          kj::Array<kj::Own<kj::ConnectionReceiver>> receivers);
  KJ_DISALLOW_COPY(RpcDoor);

  kj::Promise<void> drain() override;
  kj::Promise<void> cut() override;

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };

  kj::Promise<void> accept(kj::ConnectionReceiver& receiver);
  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream);

  LocalBroker& broker_;
  LoopContext& loop_;
  RpcLimits limits_;
  kj::Own<RequestBudgets> requests_;
  kj::Array<kj::Own<kj::ConnectionReceiver>> receivers_;
  WorkInFlight work_;
  WorkInFlight sessions_;
  RpcConnectionCounts& counts_;
  SharedBudget& answers_;
  unsigned open_ = 0;                                               // of this loop
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> waitingForRoom_;  // while the limit is reached
  TaskErrors taskErrors_;
  kj::Maybe<kj::TaskSet> connections_;
  kj::Vector<kj::Promise<void>> accepting_;
};

}  // namespace cambium
