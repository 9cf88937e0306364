#include "server/kafka/kafka_door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <kj/debug.h>

#include "engine/base/buffered_stream.h"
#include "engine/base/coroutine.h"

namespace cambium::kafka {

namespace {

Endpoint endpointOf(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET6) {
    auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return {kj::str(text), ntohs(v6.sin6_port)};
  }
  auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  return {kj::str(text), ntohs(v4.sin_port)};
}

ConnectionFacts factsOf(kj::AsyncIoStream& stream) {
  sockaddr_storage address{};
  kj::uint length = sizeof(address);
  stream.getpeername(reinterpret_cast<sockaddr*>(&address), &length);
  auto host = kj::str("/", endpointOf(address).host);
  length = sizeof(address);
  stream.getsockname(reinterpret_cast<sockaddr*>(&address), &length);
  return {kj::mv(host), endpointOf(address)};
}

}  // namespace

KafkaDoor::KafkaDoor(LocalBroker& broker, LoopContext& loop, const Entropy& entropy, const KafkaSettings& settings,
                     KafkaConnectionCounts& counts, SharedBudget& answers,
                     kj::Array<kj::Own<kj::ConnectionReceiver>> receivers)
    : loop_(loop),
      limits_(settings.limits),
      advertised_(settings.advertised.map([](const Endpoint& endpoint) { return endpoint.clone(); })),
      fetchSessions_(limits_.fetchSessionsMax, entropy),
      context_{broker, limits_, advertised_, fetchSessions_, answers},
      requests_(kj::refcounted<RequestBudgets>(limits_.requestBytesMax, limits_.largeFrameBytes)),
      receivers_(kj::mv(receivers)),
      counts_(counts) {
  connections_.emplace(taskErrors_);
  for (auto& receiver : receivers_) {
    accepting_.add(accept(*receiver).eagerlyEvaluate(
        [](kj::Exception&& e) { KJ_LOG(ERROR, "the Kafka door no longer accepts", e); }));
  }
  watching_ =
      watchPace().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "slow clients are not looked at", e); });
}

kj::Promise<void> KafkaDoor::watchPace() {
  auto pause = kj::min(int64_t{1000}, limits_.pressedUntakenMsMax) * kj::MILLISECONDS;
  for (;;) {
    co_await loop_.timer.afterDelay(pause);
    if (context_.answers.waiting() == 0) continue;
    for (auto* connection : open_)
      connection->checkPace();
  }
}

void KafkaDoor::TaskErrors::taskFailed(kj::Exception&& exception) {
  if (exception.getType() != kj::Exception::Type::DISCONNECTED) {
    KJ_LOG(WARNING, "a Kafka connection is closed", exception.getDescription());
  }
}

kj::Promise<void> KafkaDoor::accept(kj::ConnectionReceiver& receiver) {
  bool pausing = false;
  for (;;) {
    if (open_.size() >= limits_.connectionsMax) {
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

kj::Promise<void> KafkaDoor::serve(kj::Own<kj::AsyncIoStream> stream) {
  int size = limits_.sendBufferBytes;
  stream->setsockopt(SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  // Finds peers that vanished without a word.
  int on = 1;
  stream->setsockopt(SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  auto facts = factsOf(*stream);
  Connection connection(newBufferedStream(kj::mv(stream)), kj::mv(facts), context_, *requests_, loop_.timer);
  ++counts_.accepted;
  ++counts_.open;
  auto place = open_.insert(open_.end(), &connection);
  KJ_DEFER({
    open_.erase(place);
    --counts_.open;
    for (auto& waiting : waitingForRoom_)
      waiting->fulfill();
    waitingForRoom_.clear();
  });
  co_await connection.run();
}

kj::Promise<void> KafkaDoor::whenAllIdle() {
  kj::Vector<kj::Promise<void>> idle;
  for (auto* connection : open_)
    idle.add(connection->whenIdle());
  return kj::joinPromises(idle.releaseAsArray());
}

kj::Promise<void> KafkaDoor::drain() {
  accepting_.clear();
  // What is under way may end, but a stop does not wait for ever.
  co_await whenAllIdle().exclusiveJoin(loop_.timer.afterDelay(500 * kj::MILLISECONDS));
}

kj::Promise<void> KafkaDoor::cut() {
  accepting_.clear();
  watching_ = nullptr;
  connections_ = nullptr;
  return kj::READY_NOW;
}

}  // namespace cambium::kafka
