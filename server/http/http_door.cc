#include "server/http/http_door.h"

#include "engine/base/coroutine.h"
#include "server/http/deadline_stream.h"

namespace cambium {

HttpDoor::HttpDoor(kj::Timer& timer, WorkPool& pool, BrokerState& broker, ProcessInfo& process,
                   ConnectionCounters& others, HttpDoorOptions options)
    : timer_(timer),
      others_(others),
      options_(kj::mv(options)),
      log_(timer),
      errors_(table_, log_),
      metrics_(broker, process, *this, pool, timer, options_.topicSeriesMax),
      routes_(table_, broker, *this, metrics_, timer, options_.answerTimeout),
      listener_(
          "HTTP"_kj, {.connectionsMax = options_.connectionsMax, .reserve = options_.reserve}, counts_, log_, timer,
          [this](kj::Own<kj::AsyncIoStream> stream, Listener::Place& place) { return serve(kj::mv(stream), place); }) {}

kj::Promise<void> HttpDoor::serve(kj::Own<kj::AsyncIoStream> stream, Listener::Place& place) {
  auto local = localEndOf(*stream).host;
  HttpConnection connection(kj::heap<DeadlineStream>(kj::mv(stream), timer_, options_.writeTimeout),
                            {timer_, table_, routes_, errors_, options_.hosts, log_},
                            {options_.headerTimeout, options_.idleTimeout}, place.peer().host, local,
                            place.isReserved());
  auto position = open_.insert(open_.end(), &connection);
  KJ_DEFER(open_.erase(position));
  place.settle(connection);
  co_await connection.serve();
}

kj::Vector<DoorConnections> HttpDoor::connections() {
  auto all = others_.connections();
  all.add(describeConnections("http"_kj, counts_));
  return all;
}

kj::Promise<void> HttpDoor::whenAllAnswered() {
  kj::Vector<kj::Promise<void>> answered;
  for (auto* connection : open_)
    answered.add(connection->drain());
  return kj::joinPromises(answered.releaseAsArray());
}

kj::Promise<void> HttpDoor::drain() {
  listener_.stop();
  co_await whenAllAnswered().exclusiveJoin(timer_.afterDelay(options_.drainTimeout));
  // Whoever is left is cut off.
  listener_.cut();
  co_await metrics_.whenIdle();
}

}  // namespace cambium
