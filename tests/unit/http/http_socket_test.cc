#include <gtest/gtest.h>

#include "tests/unit/http/http_fixture.h"

namespace cambium {
namespace {

// The door over real sockets, with threads in the pool.
class HttpSocketTest : public ::testing::Test {
 public:
  ~HttpSocketTest() noexcept override = default;

 protected:
  HttpSocketTest() {
    auto any = io.provider->getNetwork().parseAddress("127.0.0.1").wait(io.waitScope);
    auto receiver = any->listen();
    auto port = receiver->getPort();
    address = io.provider->getNetwork().parseAddress("127.0.0.1", port).wait(io.waitScope);
    door.listen(kj::mv(receiver));
  }

  // Sends a request and reads until the door closes the connection.
  kj::Promise<kj::String> ask(kj::StringPtr path) {
    return address->connect().then([path](kj::Own<kj::AsyncIoStream> stream) {
      auto request = kj::str("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n");
      auto sent = stream->write(request.begin(), request.size());
      auto text = sent.attach(kj::mv(request)).then([&stream = *stream] {
        stream.shutdownWrite();
        return stream.readAllText();
      });
      return text.attach(kj::mv(stream));
    });
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  FakeBroker broker;
  FakeProcess process;
  FakeCounters counters;
  ThreadWorkPool pool{2};
  HttpDoor door{io.provider->getTimer(), pool, broker, process, counters, {.connectionsMax = 8, .hosts = testHosts()}};
  kj::Own<kj::NetworkAddress> address;
};

bool contains(kj::StringPtr text, const char* part) {
  return strstr(text.cStr(), part) != nullptr;
}

TEST_F(HttpSocketTest, ServesMetricsWithEnginesAskedOnThePool) {
  auto page = ask("/metrics"_kj).wait(io.waitScope);
  EXPECT_TRUE(contains(page, "HTTP/1.1 200 OK\r\n")) << page.cStr();
  EXPECT_TRUE(contains(page, "cambium_storage_open_files{engine=\"memory\"} 0\n")) << page.cStr();
  door.drain().wait(io.waitScope);
}

TEST_F(HttpSocketTest, WhoSendsNothingGoesFirst) {
  kj::Vector<kj::Own<kj::AsyncIoStream>> idle;
  for (int i = 0; i < 8; ++i)
    idle.add(address->connect().wait(io.waitScope));
  for (int i = 0; i < 3; ++i) {
    auto answer = ask("/readyz"_kj).wait(io.waitScope);
    EXPECT_TRUE(contains(answer, "HTTP/1.1 200 OK\r\n")) << answer.cStr();
  }
  EXPECT_EQ(idle[0]->readAllText().wait(io.waitScope), ""_kj);
  door.drain().wait(io.waitScope);
  for (size_t i = 1; i < idle.size(); ++i)
    EXPECT_EQ(idle[i]->readAllText().wait(io.waitScope), ""_kj);
}

// A connection that is closed with something unread is reset, and the answer may be lost.
TEST_F(HttpSocketTest, TheLastAnswerArrivesWhateverTheClientSendsBehind) {
  auto stream = address->connect().wait(io.waitScope);
  auto request = kj::str("GET /healthz HTTP/1.0\r\n\r\n", kj::repeat('x', 30'000));
  stream->write(request.begin(), request.size()).wait(io.waitScope);
  auto answer = stream->readAllText().wait(io.waitScope);
  EXPECT_TRUE(contains(answer, "HTTP/1.1 200 OK\r\n")) << answer.cStr();
  EXPECT_TRUE(contains(answer, "Connection: close\r\n")) << answer.cStr();
}

TEST_F(HttpSocketTest, TheAddressThatAClientConnectedToIsAName) {
  auto answerTo = [&](kj::StringPtr host) {
    auto stream = address->connect().wait(io.waitScope);
    auto request = kj::str("GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: ", host, "\r\n\r\n");
    stream->write(request.begin(), request.size()).wait(io.waitScope);
    return stream->readAllText().wait(io.waitScope);
  };
  for (auto host : {"127.0.0.1"_kj, "127.0.0.1:9280"_kj, "localhost:1"_kj, "LOCALHOST"_kj, "localhost."_kj, "x:80"_kj})
    EXPECT_TRUE(contains(answerTo(host), "HTTP/1.1 200 OK\r\n")) << host.cStr();
  for (auto host : {"127.0.0.2"_kj, "evil.example"_kj, "localhost.evil.example"_kj, "xx"_kj, "[::1]:9280"_kj})
    EXPECT_TRUE(contains(answerTo(host), "HTTP/1.1 421 Misdirected Request\r\n")) << host.cStr();
}

TEST_F(HttpSocketTest, MayBeDestroyedInTheMiddleOfAPage) {
  auto stream = address->connect().wait(io.waitScope);
  auto request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"_kj;
  stream->write(request.begin(), request.size()).wait(io.waitScope);
  while (broker.asked == 0)
    io.waitScope.poll();
}

}  // namespace
}  // namespace cambium
