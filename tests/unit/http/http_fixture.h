#pragma once

#include <atomic>
#include <gtest/gtest.h>
#include <map>

#include <kj/async-queue.h>
#include <kj/compat/http.h>

#include "engine/base/thread_work_pool.h"
#include "engine/storage/memory_engine.h"
#include "server/http/http_door.h"

namespace cambium {

class FakeBroker final : public BrokerState {
 public:
  BrokerIdentity identity() override { return {"1.2.3"_kj, "cluster"_kj}; }
  kj::Maybe<kj::String> startingUp() override {
    return activity.map([](kj::StringPtr text) { return kj::str(text); });
  }
  kj::Maybe<kj::String> whyRefusing() override {
    return refusing.map([](kj::StringPtr text) { return kj::str(text); });
  }
  kj::Promise<kj::Vector<ShardReport>> reports() override {
    ++asked;
    kj::Vector<ShardReport> all;
    all.add().partitions = 7;
    auto answer = [all = kj::mv(all)]() mutable { return kj::mv(all); };
    KJ_IF_MAYBE(gate, reportGate) return gate->addBranch().then(kj::mv(answer));
    return kj::evalLater(kj::mv(answer));
  }
  kj::Vector<StorageEngine*> engines() override {
    ++enginesAsked;
    KJ_REQUIRE(!enginesBroken, "secret of engine.cc");
    kj::Vector<StorageEngine*> all;
    all.add(engine.get());
    return all;
  }

  kj::Maybe<kj::StringPtr> activity;
  kj::Maybe<kj::StringPtr> refusing;
  int asked = 0;
  kj::Maybe<kj::ForkedPromise<void>> reportGate;
  bool enginesBroken = false;
  std::atomic<int> enginesAsked = 0;
  MemoryStore store;
  kj::Own<StorageEngine> engine = openMemoryEngine(store, {});
};

class FakeProcess final : public ProcessInfo {
 public:
  ProcessFacts facts() override {
    return {.residentBytes = 4096, .cpuSeconds = 1.5, .openFiles = 12, .openFilesMax = 99};
  }
};

class FakeCounters final : public ConnectionCounters {
 public:
  kj::Vector<DoorConnections> connections() override {
    kj::Vector<DoorConnections> all;
    all.add(DoorConnections{.door = "rpc"_kj, .open = 3, .accepted = 10, .refused = 1, .fullLoops = fullLoops});
    return all;
  }
  RpcHoldings rpcHoldings() override { return {.calls = 21, .capabilities = 22, .connectionsClosed = 23}; }

  uint64_t fullLoops = 0;
};

// The names that tests ask for.
inline HttpHosts testHosts() {
  kj::String names[] = {kj::str("x"), kj::str("test"), kj::str("broker")};
  return HttpHosts(names);
}

// A listening socket in memory.
class FakeReceiver final : public kj::ConnectionReceiver {
 public:
  using Accepted = kj::Maybe<kj::Own<kj::AsyncIoStream>>;
  explicit FakeReceiver(kj::ProducerConsumerQueue<Accepted>& queue) : queue_(queue) {}

  // An empty one is a failing accept.
  kj::Promise<kj::Own<kj::AsyncIoStream>> accept() override {
    return queue_.pop().then(
        [](Accepted accepted) { return kj::mv(KJ_REQUIRE_NONNULL(accepted, "no file descriptors left")); });
  }
  unsigned getPort() override { return 0; }

 private:
  kj::ProducerConsumerQueue<Accepted>& queue_;
};

struct HttpAnswer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
};

// A door over connections in memory and a clock that stands still until it is told.
class HttpFixture : public ::testing::Test {
 public:
  ~HttpFixture() noexcept override = default;

 protected:
  void open(HttpDoorOptions options = {}) { openOver(pool, kj::mv(options)); }
  void openOver(WorkPool& engines, HttpDoorOptions options = {}) {
    options.hosts = testHosts();
    door = kj::heap<HttpDoor>(timer, engines, broker, process, counters, kj::mv(options));
    door->listen(kj::heap<FakeReceiver>(incoming));
  }

  // A client's end of a new connection.
  kj::Own<kj::AsyncIoStream> connect() {
    auto pipe = kj::newTwoWayPipe();
    incoming.push(kj::mv(pipe.ends[0]));
    waitScope.poll();
    return kj::mv(pipe.ends[1]);
  }

  kj::Promise<HttpAnswer> request(kj::HttpClient& client, kj::HttpMethod method, kj::StringPtr url) {
    kj::HttpHeaders headers(table);
    headers.set(kj::HttpHeaderId::HOST, "test"_kj);
    return client.request(method, url, headers, uint64_t{0}).response.then([](kj::HttpClient::Response response) {
      HttpAnswer answer;
      answer.status = response.statusCode;
      response.headers->forEach(
          [&](kj::StringPtr name, kj::StringPtr value) { answer.headers[name.cStr()] = value.cStr(); });
      auto text = response.body->readAllText();
      return text.attach(kj::mv(response.body)).then([answer = kj::mv(answer)](kj::String body) mutable {
        answer.body = body.cStr();
        return kj::mv(answer);
      });
    });
  }
  // On a connection of its own.
  HttpAnswer ask(kj::HttpMethod method, kj::StringPtr url) {
    auto stream = connect();
    auto client = kj::newHttpClient(table, *stream);
    return request(*client, method, url).wait(waitScope);
  }
  HttpAnswer get(kj::StringPtr url) { return ask(kj::HttpMethod::GET, url); }

  // What the door says to these bytes until it closes the connection.
  std::string say(kj::StringPtr bytes) {
    auto stream = connect();
    auto sent = stream->write(bytes.begin(), bytes.size());
    auto text = stream->readAllText().wait(waitScope);
    return text.cStr();
  }

  void advance(kj::Duration by) {
    timer.advanceTo(timer.now() + by);
    waitScope.poll();
  }

  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  InlineWorkPool pool;
  FakeBroker broker;
  FakeProcess process;
  FakeCounters counters;
  kj::HttpHeaderTable table;
  kj::ProducerConsumerQueue<FakeReceiver::Accepted> incoming;
  kj::Own<HttpDoor> door;
};

}  // namespace cambium
