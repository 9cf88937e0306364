#pragma once

#include <kj/compat/http.h>

#include "engine/broker/broker.h"
#include "server/http/connection_counts.h"
#include "server/http/http_reply.h"
#include "server/http/http_routes.h"
#include "server/http/metrics_collector.h"

namespace cambium {

struct HttpDoorOptions {
  size_t connectionsMax = 64;  // beyond: 503, and the connection is closed
  size_t topicSeriesMax = 200;
  kj::Duration headerTimeout = 10 * kj::SECONDS;  // for a request's line and headers
  kj::Duration idleTimeout = 20 * kj::SECONDS;    // between requests of a connection
  kj::Duration answerTimeout = 10 * kj::SECONDS;  // for an answer to come together
  kj::Duration writeTimeout = 10 * kj::SECONDS;   // for the client to take an answer
  kj::Duration drainTimeout = 3 * kj::SECONDS;    // for requests under way when the broker stops
};

// The HTTP door: health, readiness and metrics. On the first loop only, and open from before the broker recovers until
// after it has stopped taking clients, so that readiness can be asked all the while. Answers are bounded: the largest,
// a metrics page, grows with the number of loops and of topics that have series, and is made once for all who ask at a
// time.
class HttpDoor final : public Door, private ConnectionCounters {
 public:
  // `others` counts the connections of the other doors; this one adds its own.
  HttpDoor(kj::Timer& timer, WorkPool& pool, BrokerState& broker, ProcessInfo& process, ConnectionCounters& others,
           HttpDoorOptions options = {});
  KJ_DISALLOW_COPY(HttpDoor);

  // Lets clients in; done when the door is drained. Accepting goes on after failures (for example while there are no
  // file descriptors left). Dropping the promise stops it, and leaves those alone who are in. May be called once per
  // address.
  kj::Promise<void> listen(kj::Own<kj::ConnectionReceiver> receiver);

  // As Door says; called once. When it is done nothing is asked of the BrokerState any more, so the broker may stop;
  // the same holds when the door is destroyed without it.
  kj::Promise<void> drain() override;
  // drain() has left nobody.
  kj::Promise<void> cut() override { return kj::READY_NOW; }

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };

  kj::Vector<DoorConnections> connections() override;
  kj::Promise<void> acceptAll(kj::Own<kj::ConnectionReceiver> receiver);
  void takeIn(kj::Own<kj::AsyncIoStream> stream);
  void turnAway(kj::Own<kj::AsyncIoStream> stream);

  kj::Timer& timer_;
  ConnectionCounters& others_;
  HttpDoorOptions options_;
  kj::HttpHeaderTable table_;
  HttpErrors errors_;
  MetricsCollector metrics_;
  HttpRoutes routes_;
  kj::HttpServer server_;
  DoorConnections counts_{.door = "http"_kj};
  size_t turningAway_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> stopAccepting_;
  kj::ForkedPromise<void> acceptingStopped_;
  TaskErrors taskErrors_;
  kj::Own<kj::TaskSet> clients_;
};

}  // namespace cambium
