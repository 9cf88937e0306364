#pragma once

#include <kj/compat/http.h>

#include "engine/base/log_limiter.h"

namespace cambium {

// A short answer in plain text, with its length, not to be cached. `body` is copied.
kj::Promise<void> replyText(kj::HttpService::Response& response, const kj::HttpHeaderTable& table, unsigned status,
                            kj::StringPtr body, kj::Maybe<kj::StringPtr> allow = nullptr);

// As replyText(), with the caller's content type. `body` lives until the promise is done.
kj::Promise<void> replyBody(kj::HttpService::Response& response, const kj::HttpHeaderTable& table, unsigned status,
                            kj::StringPtr contentType, kj::ArrayPtr<const char> body,
                            kj::Maybe<kj::StringPtr> allow = nullptr);

// A whole answer, head and all, that ends its connection: for requests that kj's HTTP server is not shown.
kj::String closingAnswer(unsigned status, kj::StringPtr body, bool withBody);

// Answers what goes wrong outside the routes. A client gets a sentence; what happened, with file and line, goes to the
// log.
class HttpErrors final : public kj::HttpServerErrorHandler {
 public:
  HttpErrors(const kj::HttpHeaderTable& table, LogLimiter& log) : table_(table), log_(log) {}

  kj::Promise<void> handleClientProtocolError(kj::HttpHeaders::ProtocolError error,
                                              kj::HttpService::Response& response) override;
  kj::Promise<void> handleApplicationError(kj::Exception exception,
                                           kj::Maybe<kj::HttpService::Response&> response) override;
  kj::Promise<void> handleNoResponse(kj::HttpService::Response& response) override;

 private:
  const kj::HttpHeaderTable& table_;
  LogLimiter& log_;
};

}  // namespace cambium
