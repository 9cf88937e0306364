#include "server/http/http_routes.h"

#include "engine/base/coroutine.h"
#include "engine/base/text.h"
#include "server/http/http_reply.h"

namespace cambium {

namespace {

constexpr size_t kReasonBytesMax = 300;

// The path of a request's target: without the query, and without scheme and host, which a proxy's form has in front.
kj::ArrayPtr<const char> pathOf(kj::StringPtr url) {
  kj::ArrayPtr<const char> path = url;
  if (url.startsWith("http://")) {
    path = path.slice(7, path.size());
    size_t host = 0;
    while (host < path.size() && path[host] != '/' && path[host] != '?')
      ++host;
    path = path.slice(host, path.size());
    if (path.size() == 0 || path[0] == '?') return "/"_kj.asArray();
  }
  size_t end = 0;
  while (end < path.size() && path[end] != '?' && path[end] != '#')
    ++end;
  return path.slice(0, end);
}

}  // namespace

struct HttpRoutes::Route {
  kj::StringPtr path;
  Handler handler;
  kj::StringPtr about;  // null for a route that the page does not name
  bool alwaysHasRoom = false;
};

const HttpRoutes::Route HttpRoutes::kRoutes[] = {
    {"/"_kj, &HttpRoutes::index, nullptr},
    {"/healthz"_kj, &HttpRoutes::health, "200 while the process lives"_kj, true},
    {"/readyz"_kj, &HttpRoutes::readiness, "200 while the broker serves, else 503 and what it is doing"_kj, true},
    {"/metrics"_kj, &HttpRoutes::metrics, "metrics in Prometheus' text format"_kj},
};

HttpRoutes::HttpRoutes(const kj::HttpHeaderTable& table, BrokerState& broker, ConnectionCounters& connections,
                       MetricsCollector& metrics, kj::Timer& timer, kj::Duration answerTimeout)
    : table_(table),
      broker_(broker),
      connections_(connections),
      metrics_(metrics),
      timer_(timer),
      answerTimeout_(answerTimeout) {}

bool HttpRoutes::alwaysHasRoom(kj::StringPtr url) {
  auto path = pathOf(url);
  for (auto& route : kRoutes) {
    if (path == route.path.asArray()) return route.alwaysHasRoom;
  }
  return false;
}

kj::Promise<void> HttpRoutes::request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                                      kj::AsyncInputStream& requestBody, Response& response) {
  auto path = pathOf(url);
  for (auto& route : kRoutes) {
    if (path != route.path.asArray()) continue;
    if (method != kj::HttpMethod::GET && method != kj::HttpMethod::HEAD) {
      return replyText(response, table_, 405, "only GET and HEAD are served here\n"_kj, "GET, HEAD"_kj);
    }
    return (this->*route.handler)(response);
  }
  return replyText(response, table_, 404, "there is no such page; / names those there are\n"_kj);
}

kj::Promise<void> HttpRoutes::index(Response& response) {
  auto text = kj::str("Cambium ", broker_.identity().version, "\n\n");
  for (auto& route : kRoutes) {
    if (route.about != nullptr) text = kj::str(text, route.path, "  ", route.about, "\n");
  }
  return replyText(response, table_, 200, text);
}

kj::Promise<void> HttpRoutes::health(Response& response) {
  return replyText(response, table_, 200, "ok\n"_kj);
}

kj::Promise<void> HttpRoutes::readiness(Response& response) {
  KJ_IF_MAYBE(activity, broker_.startingUp()) {
    return replyText(response, table_, 503, kj::str("not ready: ", oneLine(*activity, kReasonBytesMax), "\n"));
  }
  // Reads go on, so the broker is ready; the answer says all the same what is refused.
  auto answer = kj::str("ready");
  KJ_IF_MAYBE(reason, broker_.whyRefusing()) {
    answer = kj::str(answer, "; ", oneLine(*reason, kReasonBytesMax));
  }
  for (auto& door : connections_.connections()) {
    if (door.fullLoops == 0) continue;
    answer = kj::str(answer, "; the ", door.door, " door is full with ", door.open,
                     " connections, further clients wait for one to leave");
  }
  return replyText(response, table_, 200, kj::str(answer, "\n"));
}

kj::Promise<void> HttpRoutes::metrics(Response& response) {
  auto page = co_await timer_.timeoutAfter(answerTimeout_, metrics_.collect());
  // The version of the format belongs to the type; scrapers choose their parser by it.
  co_await replyBody(response, table_, 200, "text/plain; version=0.0.4; charset=utf-8"_kj,
                     kj::arrayPtr(page->text.data(), page->text.size()));
}

}  // namespace cambium
