#include "client/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <capnp/message.h>
#include <capnp/rpc-twoparty.h>
#include <kj/debug.h>

#include "client/error_mapping.h"
#include "engine/base/buffered_stream.h"

namespace cambium::client {
namespace {

constexpr kj::uint kDefaultPort = 9290;
// A message may have 64 MiB, and each time its data is looked at counts.
constexpr uint64_t kTraversalLimitWords = (uint64_t{3} * 64 << 20) / sizeof(capnp::word);

// So that a broker whose machine vanished is noticed within half a minute or so. Not every stream is a TCP socket.
void keepAlive(kj::AsyncIoStream& stream) {
  if (stream.getFd() == nullptr) return;
  kj::runCatchingExceptions([&] {
    const int on = 1;
    const int idleSeconds = 10;
    const int intervalSeconds = 5;
    const int probes = 3;
    stream.setsockopt(SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    stream.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, &idleSeconds, sizeof(idleSeconds));
    stream.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, &intervalSeconds, sizeof(intervalSeconds));
    stream.setsockopt(IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
  });
}

capnp::ReaderOptions readerOptions() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = kTraversalLimitWords;
  return options;
}

capnp::Capability::Client bootstrapOf(capnp::RpcSystem<capnp::rpc::twoparty::VatId>& system) {
  capnp::word scratch[4]{};
  capnp::MallocMessageBuilder message(scratch);
  auto vatId = message.initRoot<capnp::rpc::twoparty::VatId>();
  vatId.setSide(capnp::rpc::twoparty::Side::SERVER);
  return system.bootstrap(vatId);
}

}  // namespace

// One connection with everything on top of it.
class Connection::Link {
 public:
  explicit Link(kj::Own<kj::AsyncIoStream> stream)
      : stream_(newBufferedStream(kj::mv(stream))),
        network_(*stream_, capnp::rpc::twoparty::Side::CLIENT, readerOptions()),
        system_(capnp::makeRpcClient(network_)),
        gate(bootstrapOf(system_).castAs<rpc::Gate>()),
        broker(nullptr) {}

  kj::Promise<void> whenLost() { return network_.onDisconnect(); }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system_;

 public:
  rpc::Gate::Client gate;
  rpc::Broker::Client broker;  // null until the gate has opened
};

Connection::Connection(kj::Network& network, kj::Timer& timer, ConnectionOptions options)
    : network_(network), timer_(timer), options_(kj::mv(options)) {}

Connection::~Connection() noexcept(false) = default;

bool Connection::isConnected() const {
  return link_ != nullptr;
}

kj::Promise<Connection::Session> Connection::session() {
  if (link_ == nullptr) {
    if (!connecting_) {
      connecting_ = true;
      attempt_ = connect().fork();
    }
    co_await KJ_ASSERT_NONNULL(attempt_).addBranch();
  }
  KJ_IF_MAYBE(link, link_) co_return Session{(*link)->broker, generation_};
  kj::throwFatalException(explain(KJ_EXCEPTION(DISCONNECTED, "the connection was lost at once")));
}

kj::Promise<void> Connection::connect() {
  KJ_DEFER(connecting_ = false);
  if (failures_ > 0) {
    uint64_t delay = uint64_t{options_.backoffMs} << kj::min(failures_ - 1, 20u);
    co_await timer_.afterDelay(kj::min(delay, uint64_t{options_.backoffMsMax}) * kj::MILLISECONDS);
  }
  try {
    auto link = co_await timer_.timeoutAfter(options_.connectTimeoutMs * kj::MILLISECONDS, open());
    failures_ = 0;
    ++generation_;
    watching_ = watch(link->whenLost(), generation_);
    link_ = kj::mv(link);
  } catch (const kj::Exception& e) {
    ++failures_;
    kj::throwFatalException(explain(e));
  }
}

kj::Promise<kj::Own<Connection::Link>> Connection::open() {
  auto address = co_await network_.parseAddress(options_.address, kDefaultPort);
  auto stream = co_await address->connect();
  keepAlive(*stream);
  auto link = kj::heap<Link>(kj::mv(stream));
  auto request = link->gate.anonymousRequest();
  auto info = request.initClient();
  info.setName(options_.clientName);
  info.setSoftware("cambium-client/" CAMBIUM_VERSION);
  auto response = co_await request.send();
  KJ_IF_MAYBE(error, errorIn(response.getError())) {
    kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                          kj::str("the broker refuses this client: ", error->message)));
  }
  link->broker = response.getBroker();
  co_return kj::mv(link);
}

kj::Promise<void> Connection::watch(kj::Promise<void> lost, uint64_t generation) {
  try {
    co_await lost;
  } catch (const kj::Exception&) {
    // Lost as well: whoever destroyed the link need not be told.
  }
  if (generation == generation_) link_ = nullptr;
}

kj::Promise<void> Connection::onDisconnect() {
  KJ_IF_MAYBE(link, link_) return (*link)->whenLost().catch_([](kj::Exception&&) {});
  return kj::READY_NOW;
}

void Connection::disconnect(uint64_t generation) {
  if (generation == generation_) link_ = nullptr;
}

kj::Exception Connection::explain(const kj::Exception& e) const {
  using Type = kj::Exception::Type;
  auto exception = [&](Type type, kj::String text) { return kj::Exception(type, __FILE__, __LINE__, kj::mv(text)); };
  kj::StringPtr why = e.getDescription();
  for (auto prefix : {"connect(): "_kj, "remote exception: "_kj}) {
    if (why.startsWith(prefix)) why = why.slice(prefix.size());
  }
  switch (e.getType()) {
    case Type::OVERLOADED:
      return exception(Type::DISCONNECTED,
                       kj::str("cannot connect to ", options_.address, ": no answer within ", options_.connectTimeoutMs,
                               " ms; is that a Cambium broker's RPC address?"));
    case Type::DISCONNECTED:
      return exception(Type::DISCONNECTED,
                       kj::str("cannot connect to ", options_.address, ": ", why, "; is the broker running?"));
    case Type::FAILED:
    case Type::UNIMPLEMENTED:
      break;
  }
  return exception(Type::FAILED, kj::str("cannot connect to ", options_.address, ": ", why));
}

}  // namespace cambium::client
