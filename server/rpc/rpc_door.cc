#include "server/rpc/rpc_door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <capnp/rpc-twoparty.h>
#include <kj/debug.h>

#include "server/rpc/gate_server.h"
#include "server/rpc/request_stream.h"

namespace cambium {

namespace {

// The other end's host as "/127.0.0.1"; "/" over a unix socket.
kj::String hostOf(kj::AsyncIoStream& stream) {
  sockaddr_storage address{};
  kj::uint length = sizeof(address);
  stream.getpeername(reinterpret_cast<sockaddr*>(&address), &length);
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in&>(address).sin_addr, text, sizeof(text));
  if (address.ss_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6&>(address).sin6_addr, text, sizeof(text));
  return kj::str("/", text);
}

// Everything of one connection, in the order in which it must go.
struct Connection {
  Connection(kj::Own<kj::AsyncIoStream> raw, kj::Own<Session> session, kj::Own<RequestBudgets> requests,
             kj::Timer& timer)
      : session(kj::mv(session)),
        stream(kj::mv(raw), this->session->answers, kj::mv(requests), timer, {this->session->limits.requestStepMsMax},
               this->session->clientHost),
        network(stream, capnp::rpc::twoparty::Side::SERVER),
        rpc(network, capnp::Capability::Client(kj::heap<GateServer>(kj::addRef(*this->session)))) {}

  kj::Own<Session> session;
  RequestStream stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
};

}  // namespace

RpcDoor::RpcDoor(LocalBroker& broker, LoopContext& loop, RpcLimits limits, RpcConnectionCounts& counts,
                 SharedBudget& answers, kj::Array<kj::Own<kj::ConnectionReceiver>> receivers)
    : broker_(broker),
      loop_(loop),
      limits_(limits),
      requests_(kj::refcounted<RequestBudgets>(limits.requestBytesMax, limits.largeRequestBytes)),
      receivers_(kj::mv(receivers)),
      counts_(counts),
      answers_(answers) {
  connections_.emplace(taskErrors_);
  for (auto& receiver : receivers_) {
    accepting_.add(accept(*receiver).eagerlyEvaluate(
        [](kj::Exception&& e) { KJ_LOG(ERROR, "the RPC door no longer accepts", e); }));
  }
}

void RpcDoor::TaskErrors::taskFailed(kj::Exception&& exception) {
  if (exception.getType() != kj::Exception::Type::DISCONNECTED) KJ_LOG(WARNING, "an RPC connection failed", exception);
}

kj::Promise<void> RpcDoor::accept(kj::ConnectionReceiver& receiver) {
  bool pausing = false;
  for (;;) {
    if (open_ >= limits_.connectionsMax) {
      auto paf = kj::newPromiseAndFulfiller<void>();
      waitingForRoom_.add(kj::mv(paf.fulfiller));
      co_await paf.promise;
      continue;
    }
    kj::Maybe<kj::Own<kj::AsyncIoStream>> stream;
    kj::Maybe<kj::Exception> failure;
    try {
      stream = co_await receiver.accept();
    } catch (...) {
      failure = kj::runCatchingExceptions([] { throw; });
    }
    KJ_IF_MAYBE(accepted, stream) {
      pausing = false;
      KJ_ASSERT_NONNULL(connections_).add(serve(kj::mv(*accepted)));
    } else KJ_IF_MAYBE(e, failure) {
      // Out of descriptors, most likely: wait for some to come back.
      if (!pausing) KJ_LOG(WARNING, "a connection could not be accepted; pausing", *e);
      pausing = true;
      co_await loop_.timer.afterDelay(100 * kj::MILLISECONDS);
    }
  }
}

kj::Promise<void> RpcDoor::serve(kj::Own<kj::AsyncIoStream> stream) {
  ++counts_.accepted;
  ++counts_.open;
  ++open_;
  KJ_DEFER({
    --counts_.open;
    --open_;
    for (auto& waiting : waitingForRoom_)
      waiting->fulfill();
    waitingForRoom_.clear();
  });
  int size = limits_.sendBufferBytes;
  stream->setsockopt(SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  // Finds peers that vanished without a word.
  int on = 1;
  stream->setsockopt(SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  auto host = hostOf(*stream);
  Connection connection(kj::mv(stream),
                        kj::refcounted<Session>(broker_, limits_, work_, sessions_, answers_, kj::mv(host)),
                        kj::addRef(*requests_), loop_.timer);
  connection.rpc.setFlowLimit(limits_.callBytesMax.value() / sizeof(capnp::word));
  auto& session = *connection.session;
  auto tooSlow = session.answers.whenOverdue(loop_.timer, limits_.pressedUntakenMsMax).then([&session] {
    KJ_LOG(WARNING, "an RPC connection is closed: it takes no answers, and others wait for their room",
           session.clientHost);
  });
  co_await connection.network.onDisconnect().exclusiveJoin(kj::mv(tooSlow));
}

kj::Promise<void> RpcDoor::drain() {
  accepting_.clear();
  // What is under way may end, but a stop does not wait for ever.
  co_await work_.whenIdle().exclusiveJoin(loop_.timer.afterDelay(500 * kj::MILLISECONDS));
  // Answers leave at the end of a turn of the loop.
  for (int turn = 0; turn < 4; ++turn)
    co_await kj::evalLast([] {});
}

kj::Promise<void> RpcDoor::cut() {
  accepting_.clear();
  connections_ = nullptr;
  return sessions_.whenIdle();
}

}  // namespace cambium
