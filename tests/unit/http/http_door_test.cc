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

TEST_F(HttpDoorTest, WhoIsNotBeingAnsweredGoesFirst) {
  open({.connectionsMax = 2});
  auto slow = connect();
  auto alive = connect();
  auto client = kj::newHttpClient(table, *alive);
  EXPECT_EQ(request(*client, kj::HttpMethod::GET, "/healthz"_kj).wait(waitScope).status, 200u);
  // A byte of its headers now and then does not help.
  auto begun = slow->write("GET /he", 7).eagerlyEvaluate(nullptr);
  waitScope.poll();
  EXPECT_EQ(get("/healthz"_kj).status, 200u);
  EXPECT_EQ(slow->readAllText().wait(waitScope), ""_kj);
  EXPECT_EQ(request(*client, kj::HttpMethod::GET, "/healthz"_kj).wait(waitScope).status, 200u);
  auto page = get("/metrics"_kj).body;
  EXPECT_TRUE(contains(page, "cambium_connections_closed_idle_total{door=\"http\"} 1\n")) << page;
  EXPECT_TRUE(contains(page, "cambium_connections_refused_total{door=\"http\"} 0\n")) << page;
}

TEST_F(HttpDoorTest, HealthHasRoomOfItsOwn) {
  open({.connectionsMax = 2, .reserve = 1});
  auto paf = kj::newPromiseAndFulfiller<void>();
  broker.reportGate = paf.promise.fork();
  auto one = connect(), two = connect();
  auto first = one->write(kGetMetrics.begin(), kGetMetrics.size()).eagerlyEvaluate(nullptr);
  auto second = two->write(kGetMetrics.begin(), kGetMetrics.size()).eagerlyEvaluate(nullptr);
  waitScope.poll();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(contains(say(kGetHealth), "HTTP/1.1 200 "));
    EXPECT_TRUE(contains(say("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"_kj), "\r\n\r\nready\n"));
    auto other = say(kGetMetrics);
    EXPECT_TRUE(contains(other, "HTTP/1.1 503 ")) << other;
    EXPECT_TRUE(contains(other, "Connection: close\r\n")) << other;
    EXPECT_TRUE(contains(other, "too many HTTP connections")) << other;
  }
  // Also while somebody dawdles there.
  auto slow = connect();
  auto begun = slow->write("GET /he", 7).eagerlyEvaluate(nullptr);
  waitScope.poll();
  EXPECT_TRUE(contains(say(kGetHealth), "HTTP/1.1 200 "));
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
  EXPECT_TRUE(contains(say(kGetMetrics), "HTTP/1.1 503 "));
  advance(1 * kj::SECONDS);
  EXPECT_EQ(get("/metrics"_kj).status, 200u);
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
  openOver(held);
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
  openOver(held);
  auto stream = connect();
  stream->write(kGetMetrics.begin(), kGetMetrics.size()).wait(waitScope);
  waitScope.poll();
  ASSERT_EQ(held.held.size(), 1u);
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
  advance(100 * kj::MILLISECONDS);
  EXPECT_FALSE(answer.poll(waitScope));
  advance(100 * kj::MILLISECONDS);
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
