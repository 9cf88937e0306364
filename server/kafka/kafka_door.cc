#include "server/kafka/kafka_door.h"

#include <kj/debug.h>

#include "engine/base/buffered_stream.h"
#include "engine/base/coroutine.h"

namespace cambium::kafka {

KafkaDoor::KafkaDoor(LocalBroker& broker, LoopContext& loop, const Entropy& entropy, const KafkaSettings& settings,
                     DoorCounts& counts, SharedBudget& answers, kj::Array<kj::Own<kj::ConnectionReceiver>> receivers)
    : loop_(loop),
      limits_(settings.limits),
      advertised_(settings.advertised.map([](const Endpoint& endpoint) { return endpoint.clone(); })),
      fetchSessions_(limits_.fetchSessionsMax, entropy),
      context_{broker, limits_, advertised_, fetchSessions_, answers},
      requests_(kj::refcounted<RequestBudgets>(limits_.requestBytesMax, limits_.largeFrameBytes)),
      log_(loop.timer),
      listener_("Kafka"_kj, {.connectionsMax = limits_.connectionsMax, .sendBufferBytes = limits_.sendBufferBytes},
                counts, log_, loop.timer, [this](kj::Own<kj::AsyncIoStream> stream, Listener::Place& place) {
                  return serve(kj::mv(stream), place);
                }) {
  for (auto& receiver : receivers)
    listener_.listen(kj::mv(receiver));
  watching_ =
      watchPace().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "slow clients are not looked at", e); });
}

// Often while somebody waits for room, else as often as it takes to notice who takes nothing at all.
kj::Promise<void> KafkaDoor::watchPace() {
  auto& timer = loop_.timer;
  auto between = limits_.untakenMsMax * kj::MILLISECONDS / 4;
  auto pause = kj::min(kj::min(int64_t{1000}, limits_.pressedUntakenMsMax) * kj::MILLISECONDS, between);
  for (auto next = timer.now() + between;;) {
    co_await timer.afterDelay(pause);
    if (context_.answers.waiting() == 0 && timer.now() < next) continue;
    next = timer.now() + between;
    for (auto* connection : open_)
      connection->checkPace();
  }
}

kj::Promise<void> KafkaDoor::serve(kj::Own<kj::AsyncIoStream> stream, Listener::Place& place) {
  auto local = localEndOf(*stream);
  ConnectionFacts facts{kj::str("/", place.peer().host), {kj::mv(local.host), local.port}};
  Connection connection(newBufferedStream(kj::mv(stream)), kj::mv(facts), context_, *requests_, log_, loop_.timer);
  auto position = open_.insert(open_.end(), &connection);
  KJ_DEFER(open_.erase(position));
  place.settle(connection);
  co_await connection.run();
}

kj::Promise<void> KafkaDoor::whenAllIdle() {
  kj::Vector<kj::Promise<void>> idle;
  for (auto* connection : open_)
    idle.add(connection->whenIdle());
  return kj::joinPromises(idle.releaseAsArray());
}

kj::Promise<void> KafkaDoor::drain() {
  listener_.stop();
  // What is under way may end, but a stop does not wait for ever.
  co_await whenAllIdle().exclusiveJoin(loop_.timer.afterDelay(500 * kj::MILLISECONDS));
}

kj::Promise<void> KafkaDoor::cut() {
  listener_.stop();
  watching_ = nullptr;
  listener_.cut();
  return kj::READY_NOW;
}

}  // namespace cambium::kafka
