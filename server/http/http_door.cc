#include "server/http/http_door.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "server/http/deadline_stream.h"

namespace cambium {

namespace {

// Clients that are being turned away at a time; further ones are cut without a word.
constexpr size_t kTurningAwayMax = 16;
constexpr kj::Duration kTurnAwayTime = 1 * kj::SECONDS;
constexpr size_t kTurnAwayBytes = 16 * 1024;

constexpr kj::Duration kAcceptPauseMin = 10 * kj::MILLISECONDS;
constexpr kj::Duration kAcceptPauseMax = 1 * kj::SECONDS;

constexpr kj::StringPtr kTooMany = "too many HTTP connections; ask again soon\n"_kj;

kj::HttpServerSettings serverSettings(const HttpDoorOptions& options, HttpErrors& errors) {
  kj::HttpServerSettings settings;
  settings.headerTimeout = options.headerTimeout;
  settings.pipelineTimeout = options.idleTimeout;
  settings.errorHandler = errors;
  return settings;
}

// Says no, then waits a little for the client to close: closing while its request lies unread would reset the
// connection and might take the answer with it.
kj::Promise<void> sayTooMany(kj::Own<kj::AsyncIoStream> stream) {
  auto answer = kj::str(
      "HTTP/1.1 503 Service Unavailable\r\n"
      "Connection: close\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: ",
      kTooMany.size(), "\r\n\r\n", kTooMany);
  co_await stream->write(answer.begin(), answer.size());
  stream->shutdownWrite();
  kj::byte discarded[1024];
  size_t total = 0;
  while (total < kTurnAwayBytes) {
    auto size = co_await stream->tryRead(discarded, 1, sizeof(discarded));
    if (size == 0) break;
    total += size;
  }
}

}  // namespace

void HttpDoor::TaskErrors::taskFailed(kj::Exception&& exception) {
  if (exception.getType() != kj::Exception::Type::DISCONNECTED) {
    KJ_LOG(INFO, "HTTP connection ended", exception.getDescription());
  }
}

HttpDoor::HttpDoor(kj::Timer& timer, WorkPool& pool, BrokerState& broker, ProcessInfo& process,
                   ConnectionCounters& others, HttpDoorOptions options)
    : timer_(timer),
      others_(others),
      options_(options),
      errors_(table_),
      metrics_(broker, process, *this, pool, timer, options.topicSeriesMax),
      routes_(table_, broker, metrics_, timer, options.answerTimeout),
      server_(timer, table_, routes_, serverSettings(options, errors_)),
      acceptingStopped_(nullptr),
      clients_(kj::heap<kj::TaskSet>(taskErrors_)) {
  auto paf = kj::newPromiseAndFulfiller<void>();
  stopAccepting_ = kj::mv(paf.fulfiller);
  acceptingStopped_ = paf.promise.fork();
}

kj::Promise<void> HttpDoor::listen(kj::Own<kj::ConnectionReceiver> receiver) {
  return acceptAll(kj::mv(receiver)).exclusiveJoin(acceptingStopped_.addBranch());
}

kj::Promise<void> HttpDoor::acceptAll(kj::Own<kj::ConnectionReceiver> receiver) {
  auto pause = 0 * kj::SECONDS;
  for (;;) {
    kj::Own<kj::AsyncIoStream> stream;
    try {
      stream = co_await receiver->accept();
    } catch (const kj::Exception& e) {
      if (pause == 0 * kj::SECONDS) KJ_LOG(ERROR, "HTTP door cannot accept; trying on", e.getDescription());
      pause = kj::min(kj::max(pause * 2, kAcceptPauseMin), kAcceptPauseMax);
    }
    if (stream.get() != nullptr) {
      pause = 0 * kj::SECONDS;
      takeIn(kj::mv(stream));
    } else {
      co_await timer_.afterDelay(pause);
    }
  }
}

void HttpDoor::takeIn(kj::Own<kj::AsyncIoStream> stream) {
  if (counts_.open >= options_.connectionsMax) {
    turnAway(kj::mv(stream));
    return;
  }
  ++counts_.open;
  ++counts_.accepted;
  auto limited = kj::heap<DeadlineStream>(kj::mv(stream), timer_, options_.writeTimeout);
  clients_->add(server_.listenHttp(kj::mv(limited)).attach(kj::defer([this] { --counts_.open; })));
}

void HttpDoor::turnAway(kj::Own<kj::AsyncIoStream> stream) {
  ++counts_.refused;
  if (turningAway_ >= kTurningAwayMax) return;
  ++turningAway_;
  clients_->add(sayTooMany(kj::mv(stream)).exclusiveJoin(timer_.afterDelay(kTurnAwayTime)).attach(kj::defer([this] {
    --turningAway_;
  })));
}

kj::Vector<DoorConnections> HttpDoor::connections() {
  auto all = others_.connections();
  all.add(counts_);
  return all;
}

kj::Promise<void> HttpDoor::drain() {
  stopAccepting_->fulfill();
  co_await server_.drain().exclusiveJoin(timer_.afterDelay(options_.drainTimeout));
  // Whoever is left is cut off.
  clients_ = kj::heap<kj::TaskSet>(taskErrors_);
  co_await metrics_.whenIdle();
}

}  // namespace cambium
