#include "server/http/http_reply.h"

#include <kj/debug.h>

namespace cambium {

namespace {

kj::StringPtr reasonOf(unsigned status) {
  switch (status) {
    case 200:
      return "OK"_kj;
    case 400:
      return "Bad Request"_kj;
    case 404:
      return "Not Found"_kj;
    case 405:
      return "Method Not Allowed"_kj;
    case 413:
      return "Content Too Large"_kj;
    case 421:
      return "Misdirected Request"_kj;
    case 431:
      return "Request Header Fields Too Large"_kj;
    case 500:
      return "Internal Server Error"_kj;
    case 501:
      return "Not Implemented"_kj;
    case 503:
      return "Service Unavailable"_kj;
    case 505:
      return "HTTP Version Not Supported"_kj;
    default:
      return "Error"_kj;
  }
}

}  // namespace

kj::Promise<void> replyBody(kj::HttpService::Response& response, const kj::HttpHeaderTable& table, unsigned status,
                            kj::StringPtr contentType, kj::ArrayPtr<const char> body, kj::Maybe<kj::StringPtr> allow) {
  kj::HttpHeaders headers(table);
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, contentType);
  headers.add("Cache-Control"_kj, "no-store"_kj);
  headers.add("X-Content-Type-Options"_kj, "nosniff"_kj);
  KJ_IF_MAYBE(methods, allow) headers.add("Allow"_kj, *methods);
  auto out = response.send(status, reasonOf(status), headers, body.size());
  auto written = out->write(body.begin(), body.size());
  return written.attach(kj::mv(out));
}

kj::Promise<void> replyText(kj::HttpService::Response& response, const kj::HttpHeaderTable& table, unsigned status,
                            kj::StringPtr body, kj::Maybe<kj::StringPtr> allow) {
  auto copy = kj::str(body);
  auto written = replyBody(response, table, status, "text/plain; charset=utf-8"_kj, copy, allow);
  return written.attach(kj::mv(copy));
}

kj::String closingAnswer(unsigned status, kj::StringPtr body, bool withBody) {
  return kj::str("HTTP/1.1 ", status, " ", reasonOf(status),
                 "\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
                 "X-Content-Type-Options: nosniff\r\nContent-Length: ",
                 body.size(), "\r\n\r\n", withBody ? body : nullptr);
}

kj::Promise<void> HttpErrors::handleClientProtocolError(kj::HttpHeaders::ProtocolError error,
                                                        kj::HttpService::Response& response) {
  // The client wrote it, so it is no news for the log.
  if (error.statusCode == 501) return replyText(response, table_, 501, "this HTTP method is not known here\n"_kj);
  return replyText(response, table_, error.statusCode, "the request is not valid HTTP/1.1\n"_kj);
}

kj::Promise<void> HttpErrors::handleApplicationError(kj::Exception exception,
                                                     kj::Maybe<kj::HttpService::Response&> response) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return kj::READY_NOW;
  // Overloads and the like come as often as somebody asks.
  log_.warn("an HTTP request failed", exception.getFile(), ":", exception.getLine(), ": ", exception.getDescription());
  KJ_IF_MAYBE(r, response) {
    if (exception.getType() == kj::Exception::Type::OVERLOADED) {
      return replyText(*r, table_, 503, "the broker is too busy to answer; ask again later\n"_kj);
    }
    return replyText(*r, table_, 500, "the broker could not answer; its log says why\n"_kj);
  }
  return kj::READY_NOW;
}

kj::Promise<void> HttpErrors::handleNoResponse(kj::HttpService::Response& response) {
  log_.warn("an HTTP request was left without an answer");
  return replyText(response, table_, 500, "the broker could not answer; its log says why\n"_kj);
}

}  // namespace cambium
