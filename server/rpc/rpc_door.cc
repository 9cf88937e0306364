#include "server/rpc/rpc_door.h"

#include <capnp/rpc-twoparty.h>
#include <kj/debug.h>

#include "engine/base/light_promise.h"
#include "server/rpc/gate_server.h"
#include "server/rpc/request_stream.h"

namespace cambium {

namespace {

// For the reason to reach a client whose connection is closed.
constexpr kj::Duration kReasonTime = 5 * kj::SECONDS;

}  // namespace

// Everything of one connection, in the order in which it must go.
struct RpcDoor::Connection final : public Guest {
  Connection(kj::Own<kj::AsyncIoStream> raw, kj::Own<Session> session, kj::Own<RequestBudgets> requests,
             kj::Timer& timer)
      : session(kj::mv(session)),
        stream(kj::mv(raw),
               {this->session->answers, this->session->calls, this->session->log, this->session->broker.here().turns(),
                timer},
               kj::mv(requests), {this->session->limits.requestStepMsMax}, this->session->clientHost),
        network(stream, capnp::rpc::twoparty::Side::SERVER),
        rpc(network, capnp::Capability::Client(kj::heap<GateServer>(kj::addRef(*this->session)))) {}

  bool isIdle() const override { return session->calls.isIdle(); }
  uint64_t requests() const override { return session->calls.requests(); }

  kj::Own<Session> session;
  LightFulfiller tooSlow;
  RequestStream stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
};

RpcDoor::RpcDoor(LocalBroker& broker, LoopContext& loop, RpcLimits limits, RpcCounts& counts, SharedBudget& answers,
                 kj::Array<kj::Own<kj::ConnectionReceiver>> receivers)
    : broker_(broker),
      loop_(loop),
      limits_(limits),
      log_(loop.timer),
      ledgers_(limits.calls, counts.calls),
      answers_(answers),
      requests_(kj::refcounted<RequestBudgets>(limits.requestBytesMax, limits.largeRequestBytes)),
      listener_(
          "RPC"_kj, {.connectionsMax = limits.connectionsMax, .sendBufferBytes = limits.sendBufferBytes},
          counts.connections, log_, loop.timer,
          [this](kj::Own<kj::AsyncIoStream> stream, Listener::Place& place) { return serve(kj::mv(stream), place); }) {
  for (auto& receiver : receivers)
    listener_.listen(kj::mv(receiver));
  watching_ =
      watchPace().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "slow clients are not looked at", e); });
}

kj::Promise<void> RpcDoor::watchPace() {
  for (;;) {
    co_await loop_.timer.afterDelay(limits_.pressedUntakenMsMax * kj::MILLISECONDS);
    for (auto* connection : open_) {
      if (!connection->session->answers.isOverdue()) continue;
      log_.warn("an RPC connection is closed, it takes no answers, and others wait for their room",
                connection->session->clientHost);
      connection->tooSlow.fulfill();
    }
  }
}

kj::Promise<void> RpcDoor::serve(kj::Own<kj::AsyncIoStream> stream, Listener::Place& place) {
  auto session = kj::refcounted<Session>(broker_, limits_, work_, sessions_, answers_, ledgers_, log_,
                                         kj::str("/", place.peer().host));
  auto& calls = session->calls;
  Connection connection(kj::mv(stream), kj::mv(session), kj::addRef(*requests_), loop_.timer);
  connection.rpc.setFlowLimit(limits_.callBytesMax.value() / sizeof(capnp::word));
  auto position = open_.insert(open_.end(), &connection);
  KJ_DEFER(open_.erase(position));
  place.settle(connection);
  auto condemned = calls.whenCondemned().then([this, &connection](kj::String reason) {
    log_.warn("an RPC connection is closed, it holds more than it may", connection.session->clientHost, ", ", reason);
    return loop_.timer.afterDelay(kReasonTime);
  });
  auto tooSlow = newLightPromise();
  connection.tooSlow = kj::mv(tooSlow.fulfiller);
  co_await connection.network.onDisconnect().exclusiveJoin(kj::mv(condemned)).exclusiveJoin(kj::mv(tooSlow.promise));
}

kj::Promise<void> RpcDoor::drain() {
  listener_.stop();
  // What is under way may end, but a stop does not wait for ever.
  co_await work_.whenIdle().exclusiveJoin(loop_.timer.afterDelay(500 * kj::MILLISECONDS));
  // Answers leave at the end of a turn of the loop.
  for (int turn = 0; turn < 4; ++turn)
    co_await kj::evalLast([] {});
}

kj::Promise<void> RpcDoor::cut() {
  listener_.stop();
  watching_ = nullptr;
  listener_.cut();
  return sessions_.whenIdle();
}

}  // namespace cambium
