#pragma once

#include <kj/compat/http.h>

#include "server/http/metrics_collector.h"

namespace cambium {

// What is served: /healthz, /readyz, /metrics, and a page at / that names them. GET and HEAD; always with a known
// length.
class HttpRoutes final : public kj::HttpService {
 public:
  // A metrics page that takes longer than `answerTimeout` is answered with 503.
  HttpRoutes(const kj::HttpHeaderTable& table, BrokerState& broker, ConnectionCounters& connections,
             MetricsCollector& metrics, kj::Timer& timer, kj::Duration answerTimeout);

  // Health and readiness: they are answered also when the door is full.
  static bool alwaysHasRoom(kj::StringPtr url);

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                            kj::AsyncInputStream& requestBody, Response& response) override;

 private:
  using Handler = kj::Promise<void> (HttpRoutes::*)(Response& response);
  struct Route;
  static const Route kRoutes[];

  kj::Promise<void> index(Response& response);
  kj::Promise<void> health(Response& response);
  kj::Promise<void> readiness(Response& response);
  kj::Promise<void> metrics(Response& response);

  const kj::HttpHeaderTable& table_;
  BrokerState& broker_;
  ConnectionCounters& connections_;
  MetricsCollector& metrics_;
  kj::Timer& timer_;
  kj::Duration answerTimeout_;
};

}  // namespace cambium
