#include "server/http/http_connection.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

// Bodies are of no use to anything that is served here.
constexpr size_t kBodyBytesMax = 64 << 10;
// For a client to close its side after the last answer.
constexpr kj::Duration kCloseTime = 1 * kj::SECONDS;

constexpr HttpFault kBadBody{400, "the request's body is not what its headers say\n"_kj};
constexpr HttpFault kSlowBody{408, "the request's body does not come\n"_kj};
constexpr HttpFault kLargeBody{413, "the request's body is too large, 64 KiB are allowed\n"_kj};
constexpr kj::StringPtr kTooMany = "too many HTTP connections; ask again soon\n"_kj;

kj::HttpServerSettings serverSettings(const HttpConnection::Limits& limits, HttpErrors& errors,
                                      kj::HttpServerCallbacks& callbacks) {
  kj::HttpServerSettings settings;
  settings.headerTimeout = limits.headerTimeout;
  settings.pipelineTimeout = limits.idleTimeout;
  settings.errorHandler = errors;
  settings.callbacks = callbacks;
  return settings;
}

}  // namespace

HttpConnection::HttpConnection(kj::Own<kj::AsyncIoStream> stream, Surroundings surroundings, Limits limits,
                               kj::StringPtr peer, kj::StringPtr local, bool reserved)
    : timer_(surroundings.timer),
      table_(surroundings.table),
      routes_(surroundings.routes),
      log_(surroundings.log),
      limits_(limits),
      peer_(kj::str(peer)),
      reserved_(reserved),
      gate_(kj::mv(stream), surroundings.hosts, surroundings.log, peer, local),
      server_(surroundings.timer, surroundings.table, static_cast<kj::HttpService&>(*this),
              serverSettings(limits, surroundings.errors, *this)) {}

kj::Promise<void> HttpConnection::serve() {
  co_await server_.listenHttpCleanDrain(gate_);
  gate_.shutdownWrite();
  co_await gate_.discardRest().exclusiveJoin(timer_.afterDelay(kCloseTime));
}

kj::Promise<void> HttpConnection::request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                                          kj::AsyncInputStream& requestBody, Response& response) {
  ++requests_;
  KJ_DEFER(if (shouldClose()) gate_.end());
  if (gate_.hasBody()) {
    auto failed = co_await discardBody(requestBody);
    KJ_IF_MAYBE(fault, failed) {
      log_.warn("an HTTP request is refused", peer_, ", ", fault->sentence);
      co_await replyText(response, table_, fault->status, fault->sentence);
      co_return;
    }
  }
  answering_ = true;
  KJ_DEFER(answering_ = false);
  if (reserved_ && !HttpRoutes::alwaysHasRoom(url)) {
    co_await replyText(response, table_, 503, kTooMany);
  } else {
    co_await routes_.request(method, url, headers, requestBody, response);
  }
}

kj::Promise<kj::Maybe<HttpFault>> HttpConnection::discardBody(kj::AsyncInputStream& body) {
  constexpr size_t kTooLate = SIZE_MAX;
  auto deadline = timer_.now() + limits_.headerTimeout;
  auto discarded = kj::heapArray<kj::byte>(4 << 10);
  try {
    for (size_t total = 0; total <= kBodyBytesMax;) {
      auto late = timer_.atTime(deadline).then([] { return kTooLate; });
      auto got = co_await body.tryRead(discarded.begin(), 1, discarded.size()).exclusiveJoin(kj::mv(late));
      if (got == kTooLate) co_return kj::Maybe<HttpFault>(kSlowBody);
      if (got == 0) co_return kj::Maybe<HttpFault>();
      total += got;
    }
  } catch (const kj::Exception& e) {
    // kj says so of chunks that are none.
    if (e.getType() == kj::Exception::Type::DISCONNECTED) throw;
    co_return kj::Maybe<HttpFault>(kBadBody);
  }
  co_return kj::Maybe<HttpFault>(kLargeBody);
}

}  // namespace cambium
