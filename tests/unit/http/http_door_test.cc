#include "server/http/http_door.h"

#include "tests/unit/http/http_fixture.h"

namespace cambium {
namespace {

using HttpDoorTest = HttpFixture;

constexpr kj::StringPtr kGetHealth = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"_kj;
constexpr kj::StringPtr kGetMetrics = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"_kj;

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST_F(HttpDoorTest, TurnsAwayWhoIsTooMany) {
  open({.connectionsMax = 2});
  auto first = connect();
  auto second = connect();
  auto answer = say(kGetHealth);
  EXPECT_TRUE(contains(answer, "HTTP/1.1 503 ")) << answer;
  EXPECT_TRUE(contains(answer, "Connection: close\r\n"));
  EXPECT_TRUE(contains(answer, "too many HTTP connections"));

  // A place that becomes free is given away again, and the page tells of all this.
  first = nullptr;
  waitScope.poll();
  auto page = get("/metrics"_kj).body;
  EXPECT_TRUE(contains(page, "cambium_connections{door=\"http\"} 2\n")) << page;
  EXPECT_TRUE(contains(page, "cambium_connections_accepted_total{door=\"http\"} 3\n"));
  EXPECT_TRUE(contains(page, "cambium_connections_refused_total{door=\"http\"} 1\n"));
}

TEST_F(HttpDoorTest, WhoIsTurnedAwayAndDoesNotReadIsCutAfterASecond) {
  open({.connectionsMax = 0});
  auto stream = connect();
  advance(1 * kj::SECONDS);
  EXPECT_EQ(stream->readAllText().wait(waitScope), ""_kj);
}

TEST_F(HttpDoorTest, ClosesConnectionsThatSendNoRequest) {
  open({.headerTimeout = 10 * kj::SECONDS});
  auto silent = connect();
  auto half = connect();
  auto sent = half->write("GET / HT", 8).eagerlyEvaluate(nullptr);
  auto silentEnds = silent->readAllText();
  auto halfEnds = half->readAllText();
  advance(9 * kj::SECONDS);
  EXPECT_FALSE(silentEnds.poll(waitScope));
  EXPECT_FALSE(halfEnds.poll(waitScope));
  advance(1 * kj::SECONDS);
  EXPECT_TRUE(silentEnds.poll(waitScope));
  EXPECT_TRUE(halfEnds.poll(waitScope));
}

TEST_F(HttpDoorTest, ClosesIdleConnections) {
  open({.idleTimeout = 20 * kj::SECONDS});
  auto stream = connect();
  auto sent = stream->write(kGetHealth.begin(), kGetHealth.size()).eagerlyEvaluate(nullptr);
  auto all = stream->readAllText();
  EXPECT_FALSE(all.poll(waitScope));
  advance(19 * kj::SECONDS);
  EXPECT_FALSE(all.poll(waitScope));
  advance(1 * kj::SECONDS);
  EXPECT_TRUE(all.poll(waitScope));
}

TEST_F(HttpDoorTest, CutsOffWhoDoesNotReadTheAnswer) {
  open({.connectionsMax = 1, .writeTimeout = 10 * kj::SECONDS});
  auto stuck = connect();
  stuck->write(kGetMetrics.begin(), kGetMetrics.size()).wait(waitScope);
  kj::byte start[8];
  stuck->read(start, sizeof(start)).wait(waitScope);
  advance(9 * kj::SECONDS);
  EXPECT_TRUE(contains(say(kGetHealth), "HTTP/1.1 503 "));
  advance(1 * kj::SECONDS);
  EXPECT_EQ(get("/healthz"_kj).status, 200u);
}

TEST_F(HttpDoorTest, AMetricsPageThatDoesNotComeTogetherIsAnsweredWith503) {
  open({.answerTimeout = 10 * kj::SECONDS});
  auto paf = kj::newPromiseAndFulfiller<void>();
  broker.reportGate = paf.promise.fork();
  auto stream = connect();
  auto client = kj::newHttpClient(table, *stream);
  auto answer = request(*client, kj::HttpMethod::GET, "/metrics"_kj);
  EXPECT_FALSE(answer.poll(waitScope));
  advance(9 * kj::SECONDS);
  EXPECT_FALSE(answer.poll(waitScope));
  advance(1 * kj::SECONDS);
  auto late = answer.wait(waitScope);
  EXPECT_EQ(late.status, 503u);
  EXPECT_EQ(late.body, "the broker is too busy to answer; ask again later\n");
}

TEST_F(HttpDoorTest, OnePageIsMadeForAllWhoAskAtATime) {
  open();
  auto paf = kj::newPromiseAndFulfiller<void>();
  broker.reportGate = paf.promise.fork();
  auto one = connect(), two = connect();
  auto first = kj::newHttpClient(table, *one), second = kj::newHttpClient(table, *two);
  auto a = request(*first, kj::HttpMethod::GET, "/metrics"_kj);
  auto b = request(*second, kj::HttpMethod::GET, "/metrics"_kj);
  EXPECT_FALSE(a.poll(waitScope));
  EXPECT_FALSE(b.poll(waitScope));
  EXPECT_EQ(broker.asked, 1);
  paf.fulfiller->fulfill();
  auto page = a.wait(waitScope);
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(page.body, b.wait(waitScope).body);
  EXPECT_EQ(get("/metrics"_kj).status, 200u);
  EXPECT_EQ(broker.asked, 2);
}

// A pool whose jobs wait for the test.
class HeldPool final : public WorkPool {
 public:
  kj::Promise<void> run(kj::Function<void()> job) override {
    auto paf = kj::newPromiseAndFulfiller<void>();
    held.add(kj::mv(job));
    done.add(kj::mv(paf.fulfiller));
    return kj::mv(paf.promise);
  }
  kj::Vector<kj::Function<void()>> held;
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> done;
};

TEST_F(HttpDoorTest, APageDoesWithoutEnginesThatTakeLong) {
  HeldPool held;
  door = kj::heap<HttpDoor>(timer, held, broker, process, counters);
  listening = door->listen(kj::heap<FakeReceiver>(incoming)).eagerlyEvaluate(nullptr);
  auto stream = connect();
  auto client = kj::newHttpClient(table, *stream);
  auto answer = request(*client, kj::HttpMethod::GET, "/metrics"_kj);
  EXPECT_FALSE(answer.poll(waitScope));
  advance(1 * kj::SECONDS);
  auto page = answer.wait(waitScope).body;
  EXPECT_TRUE(contains(page, "cambium_partitions 7\n"));
  EXPECT_FALSE(contains(page, "cambium_storage"));

  // The job is still there: no second one is started, and the door is not drained before it is over.
  auto again = request(*client, kj::HttpMethod::GET, "/metrics"_kj);
  EXPECT_FALSE(again.poll(waitScope));
  EXPECT_EQ(held.held.size(), 1u);
  advance(1 * kj::SECONDS);
  EXPECT_EQ(again.wait(waitScope).status, 200u);
  auto drained = door->drain();
  advance(3 * kj::SECONDS);
  EXPECT_FALSE(drained.poll(waitScope));
  held.held[0]();
  EXPECT_EQ(broker.enginesAsked, 1);
  held.done[0]->fulfill();
  drained.wait(waitScope);
  door = nullptr;
}

TEST_F(HttpDoorTest, AJobThatOutlivesTheDoorLeavesTheBrokerAlone) {
  HeldPool held;
  door = kj::heap<HttpDoor>(timer, held, broker, process, counters);
  listening = door->listen(kj::heap<FakeReceiver>(incoming)).eagerlyEvaluate(nullptr);
  auto stream = connect();
  stream->write(kGetMetrics.begin(), kGetMetrics.size()).wait(waitScope);
  waitScope.poll();
  ASSERT_EQ(held.held.size(), 1u);
  listening = nullptr;
  door = nullptr;
  held.held[0]();
  EXPECT_EQ(broker.enginesAsked, 0);
}

TEST_F(HttpDoorTest, DrainingFinishesWhatIsUnderWayAndClosesTheRest) {
  open();
  auto paf = kj::newPromiseAndFulfiller<void>();
  broker.reportGate = paf.promise.fork();
  auto idle = connect();
  auto busy = connect();
  auto client = kj::newHttpClient(table, *busy);
  auto answer = request(*client, kj::HttpMethod::GET, "/metrics"_kj);
  EXPECT_FALSE(answer.poll(waitScope));

  auto drained = door->drain();
  listening.wait(waitScope);
  EXPECT_EQ(idle->readAllText().wait(waitScope), ""_kj);
  EXPECT_FALSE(drained.poll(waitScope));
  paf.fulfiller->fulfill();
  EXPECT_EQ(answer.wait(waitScope).status, 200u);
  drained.wait(waitScope);
}

TEST_F(HttpDoorTest, DrainingCutsOffWhoTakesTooLong) {
  open({.drainTimeout = 3 * kj::SECONDS});
  auto stuck = connect();
  stuck->write(kGetMetrics.begin(), kGetMetrics.size()).wait(waitScope);
  waitScope.poll();
  auto drained = door->drain();
  advance(2 * kj::SECONDS);
  EXPECT_FALSE(drained.poll(waitScope));
  advance(1 * kj::SECONDS);
  drained.wait(waitScope);
  EXPECT_EQ(stuck->readAllText().wait(waitScope), ""_kj);
}

TEST_F(HttpDoorTest, AcceptingGoesOnAfterFailures) {
  open();
  incoming.push(nullptr);
  incoming.push(nullptr);
  waitScope.poll();
  auto stream = connect();
  auto client = kj::newHttpClient(table, *stream);
  auto answer = request(*client, kj::HttpMethod::GET, "/healthz"_kj);
  EXPECT_FALSE(answer.poll(waitScope));
  advance(10 * kj::MILLISECONDS);
  EXPECT_FALSE(answer.poll(waitScope));
  advance(20 * kj::MILLISECONDS);
  EXPECT_EQ(answer.wait(waitScope).status, 200u);
}

TEST_F(HttpDoorTest, ClientsMayLeaveAtAnyTime) {
  open();
  auto paf = kj::newPromiseAndFulfiller<void>();
  broker.reportGate = paf.promise.fork();
  {
    auto stream = connect();
    stream->write(kGetMetrics.begin(), kGetMetrics.size()).wait(waitScope);
    waitScope.poll();
  }
  waitScope.poll();
  paf.fulfiller->fulfill();
  waitScope.poll();
  auto page = get("/metrics"_kj).body;
  EXPECT_TRUE(contains(page, "cambium_connections{door=\"http\"} 1\n")) << page;
}

}  // namespace
}  // namespace cambium
