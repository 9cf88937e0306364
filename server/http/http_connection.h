#pragma once

#include "server/door/listener.h"
#include "server/http/http_reply.h"
#include "server/http/http_routes.h"
#include "server/http/request_gate.h"

namespace cambium {

// One client of the HTTP door, over kj's HTTP server.
class HttpConnection final : public Guest, private kj::HttpService, private kj::HttpServerCallbacks {
 public:
  struct Limits {
    kj::Duration headerTimeout;  // for a request's line and headers, and for its body
    kj::Duration idleTimeout;    // between requests
  };
  // What outlives the connection.
  struct Surroundings {
    kj::Timer& timer;
    const kj::HttpHeaderTable& table;
    HttpRoutes& routes;
    HttpErrors& errors;
    const HttpHosts& hosts;
    LogLimiter& log;
  };

  // With `reserved` it answers one request, of those that always have room.
  HttpConnection(kj::Own<kj::AsyncIoStream> stream, Surroundings surroundings, Limits limits, kj::StringPtr peer,
                 kj::StringPtr local, bool reserved);
  KJ_DISALLOW_COPY(HttpConnection);

  // Done when the connection is to be closed. Once.
  kj::Promise<void> serve();
  // Takes no further request; done when the one under way is answered.
  kj::Promise<void> drain() { return server_.drain(); }

  bool isIdle() const override { return !answering_; }
  uint64_t requests() const override { return requests_; }

 private:
  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                            kj::AsyncInputStream& requestBody, Response& response) override;
  // The answer that is being begun is the last one.
  bool shouldClose() override { return gate_.isLast() || reserved_; }
  kj::Promise<kj::Maybe<HttpFault>> discardBody(kj::AsyncInputStream& body);

  kj::Timer& timer_;
  const kj::HttpHeaderTable& table_;
  HttpRoutes& routes_;
  LogLimiter& log_;
  const Limits limits_;
  const kj::String peer_;
  const bool reserved_;
  bool answering_ = false;
  uint64_t requests_ = 0;
  RequestGate gate_;
  kj::HttpServer server_;
};

}  // namespace cambium
