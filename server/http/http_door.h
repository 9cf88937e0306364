#pragma once

#include <list>

#include "engine/broker/broker.h"
#include "server/http/connection_counts.h"
#include "server/http/http_connection.h"
#include "server/http/metrics_collector.h"

namespace cambium {

struct HttpDoorOptions {
  size_t connectionsMax = 64;
  // Beyond these, for health and readiness while all others are being answered; whoever asks for something else there
  // is told 503.
  size_t reserve = 16;
  size_t topicSeriesMax = 200;
  HttpHosts hosts{};
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
//
// When there are too many connections, one that is not being answered goes: it is idle, or its request comes slowly.
class HttpDoor final : public Door, private ConnectionCounters {
 public:
  // `others` counts the connections of the other doors; this one adds its own.
  HttpDoor(kj::Timer& timer, WorkPool& pool, BrokerState& broker, ProcessInfo& process, ConnectionCounters& others,
           HttpDoorOptions options = {});
  KJ_DISALLOW_COPY(HttpDoor);

  // Lets clients in until the door is drained. May be called once per address.
  void listen(kj::Own<kj::ConnectionReceiver> receiver) { listener_.listen(kj::mv(receiver)); }

  // As Door says; called once. When it is done nothing is asked of the BrokerState any more, so the broker may stop;
  // the same holds when the door is destroyed without it.
  kj::Promise<void> drain() override;
  // drain() has left nobody.
  kj::Promise<void> cut() override { return kj::READY_NOW; }

 private:
  kj::Vector<DoorConnections> connections() override;
  RpcHoldings rpcHoldings() override { return others_.rpcHoldings(); }
  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream, Listener::Place& place);
  kj::Promise<void> whenAllAnswered();

  kj::Timer& timer_;
  ConnectionCounters& others_;
  const HttpDoorOptions options_;
  kj::HttpHeaderTable table_;
  LogLimiter log_;
  HttpErrors errors_;
  MetricsCollector metrics_;
  HttpRoutes routes_;
  DoorCounts counts_{SIZE_MAX};
  std::list<HttpConnection*> open_;
  Listener listener_;
};

}  // namespace cambium
