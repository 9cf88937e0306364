#pragma once

#include <kj/async-io.h>

#include "engine/broker/broker.h"
#include "server/rpc/session.h"

namespace cambium {

// Connections, for metrics. Of one loop.
struct ConnectionCounts {
  uint64_t accepted = 0;
  uint64_t open = 0;
};

// Accepts Cap'n Proto RPC connections on one loop and serves each with a Gate. Beyond the limit of connections it stops accepting
// until one leaves: the rest wait in the system's queue.
class RpcDoor final : public Door {
 public:
  RpcDoor(LocalBroker& broker, LoopContext& loop, RpcLimits limits, kj::Own<kj::ConnectionReceiver> receiver);
  KJ_DISALLOW_COPY(RpcDoor);

  kj::Promise<void> drain() override;
  const ConnectionCounts& counts() const { return counts_; }

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };

  kj::Promise<void> accept();
  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream);

  LocalBroker& broker_;
  LoopContext& loop_;
  RpcLimits limits_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  WorkInFlight work_;
  ConnectionCounts counts_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> room_;  // set while the limit is reached
  TaskErrors taskErrors_;
  kj::TaskSet connections_{taskErrors_};
  kj::Promise<void> accepting_;
};

}  // namespace cambium
