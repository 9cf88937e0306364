#include "server/door/listener.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <kj/async-queue.h>

#include "engine/base/coroutine.h"

namespace cambium {
namespace {

// A listening socket in memory. Its connections have no IP address: they count as one client.
class Incoming final : public kj::ConnectionReceiver {
 public:
  using Queue = kj::ProducerConsumerQueue<kj::Maybe<kj::Own<kj::AsyncIoStream>>>;
  explicit Incoming(Queue& queue) : queue_(queue) {}
  kj::Promise<kj::Own<kj::AsyncIoStream>> accept() override {
    return queue_.pop().then([](kj::Maybe<kj::Own<kj::AsyncIoStream>> accepted) {
      return kj::mv(KJ_REQUIRE_NONNULL(accepted, "no file descriptors left"));
    });
  }
  unsigned getPort() override { return 0; }

 private:
  Queue& queue_;
};

// Answers each byte with the same one; a 'w' is not answered and leaves the client waiting.
class Echo final : public Guest {
 public:
  explicit Echo(kj::Own<kj::AsyncIoStream> stream) : stream_(kj::mv(stream)) {}
  kj::Promise<void> serve() {
    char byte = 0;
    while (co_await stream_->tryRead(&byte, 1, 1) > 0) {
      ++requests_;
      if (byte == 'w') {
        waiting_ = true;
        continue;
      }
      co_await stream_->write(&byte, 1);
    }
  }
  bool isIdle() const override { return !waiting_; }
  uint64_t requests() const override { return requests_; }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  bool waiting_ = false;
  uint64_t requests_ = 0;
};

class ListenerTest : public ::testing::Test {
 public:
  ~ListenerTest() noexcept override = default;

 protected:
  void open(ListenerLimits limits, size_t perAddressMax = SIZE_MAX) {
    counts = kj::heap<DoorCounts>(perAddressMax);
    listener = kj::heap<Listener>("test"_kj, limits, *counts, log, timer,
                                  [this](kj::Own<kj::AsyncIoStream> stream, Listener::Place& place) {
                                    if (place.isReserved()) ++reserved;
                                    return serve(kj::mv(stream), place);
                                  });
    listener->listen(kj::heap<Incoming>(incoming));
  }
  static kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream, Listener::Place& place) {
    Echo echo(kj::mv(stream));
    place.settle(echo);
    co_await echo.serve();
  }
  size_t connect(size_t count = 1) {
    for (size_t i = 0; i < count; ++i) {
      auto pipe = kj::newTwoWayPipe();
      incoming.push(kj::mv(pipe.ends[0]));
      clients.push_back(kj::mv(pipe.ends[1]));
    }
    scope.poll();
    return clients.size() - 1;
  }
  void say(size_t client, char byte) {
    auto sent = clients[client]->write(&byte, 1).eagerlyEvaluate(nullptr);
    scope.poll();
    if (byte != 'w') clients[client]->read(&byte, 1).wait(scope);
  }
  // The clients that are still connected: "0 2 3".
  std::string connected() {
    std::string all;
    for (size_t i = 0; i < clients.size(); ++i) {
      if (clients[i].get() == nullptr) continue;
      char byte;
      auto reading = clients[i]->tryRead(&byte, 1, 1);
      if (!reading.poll(scope)) all += (all.empty() ? "" : " ") + std::to_string(i);
    }
    return all;
  }
  void advance(kj::Duration by) {
    timer.advanceTo(timer.now() + by);
    scope.poll();
  }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  LogLimiter log{timer};
  Incoming::Queue incoming;
  std::vector<kj::Own<kj::AsyncIoStream>> clients;
  kj::Own<DoorCounts> counts;
  size_t reserved = 0;
  kj::Own<Listener> listener;
};

TEST_F(ListenerTest, TheLongestIdleGoesForANewOne) {
  open({.connectionsMax = 3});
  connect(3);
  EXPECT_EQ(connected(), "0 1 2");
  say(0, 'x');
  connect();
  EXPECT_EQ(connected(), "0 2 3") << "whoever has made a request lately stays";
  connect();
  EXPECT_EQ(connected(), "0 3 4");
  EXPECT_EQ(counts->open, 3u);
  EXPECT_EQ(counts->accepted, 5u);
  EXPECT_EQ(counts->closedIdle, 2u);
  EXPECT_EQ(counts->refused, 0u);
}

TEST_F(ListenerTest, ACrowdThatAsksForNothingPushesNobodyOut) {
  open({.connectionsMax = 3});
  connect(2);
  say(0, 'x');
  say(1, 'x');
  for (int i = 0; i < 50; ++i)
    connect();
  EXPECT_EQ(connected(), "0 1 51");
}

TEST_F(ListenerTest, AmongThoseWhoAllMadeRequestsOneGoes) {
  open({.connectionsMax = 3});
  connect(3);
  for (size_t i = 0; i < 3; ++i)
    say(i, 'x');
  connect();
  EXPECT_EQ(connected(), "1 2 3");
}

TEST_F(ListenerTest, WhileNobodyIsIdleTheNextOneWaitsAndTheDoorIsFull) {
  open({.connectionsMax = 2});
  connect(2);
  say(0, 'w');
  say(1, 'w');
  EXPECT_EQ(counts->fullLoops, 0u);
  auto late = connect();
  EXPECT_EQ(counts->open, 2u);
  EXPECT_EQ(counts->fullLoops, 1u);
  clients[0] = nullptr;
  scope.poll();
  EXPECT_EQ(counts->fullLoops, 0u);
  say(late, 'x');
}

TEST_F(ListenerTest, AnAddressHasItsShare) {
  open({.connectionsMax = 100}, 3);
  connect(3);
  say(0, 'w');
  connect();
  EXPECT_EQ(connected(), "0 2 3") << "an idle one of the address goes";
  say(2, 'w');
  say(3, 'w');
  connect();
  EXPECT_EQ(connected(), "0 2 3") << "and without an idle one the new one";
  EXPECT_EQ(counts->refused, 1u);
  clients[0] = nullptr;
  scope.poll();
  say(connect(), 'x');
}

TEST_F(ListenerTest, WithoutAnIdleOneFurtherConnectionsOfAnAddressAreRefused) {
  open({.connectionsMax = 1000}, 1000);
  connect(1000);
  for (size_t i = 0; i < 1000; ++i)
    say(i, 'w');
  connect(10);
  EXPECT_EQ(counts->refused, 10u);
  EXPECT_EQ(counts->open, 1000u);
}

TEST_F(ListenerTest, AReserveIsThereWhileNobodyIsIdle) {
  open({.connectionsMax = 2, .reserve = 1});
  connect(2);
  say(0, 'w');
  say(1, 'w');
  connect();
  EXPECT_EQ(reserved, 1u);
  EXPECT_EQ(connected(), "0 1 2");
  connect();
  EXPECT_EQ(connected(), "0 1 3") << "idle ones go in the reserve, too";
  say(3, 'w');
  connect();
  EXPECT_EQ(connected(), "0 1 3");
  EXPECT_EQ(counts->refused, 1u);
}

TEST_F(ListenerTest, AcceptingGoesOnAfterFailuresAndEndsWithStop) {
  open({.connectionsMax = 2});
  incoming.push(nullptr);
  scope.poll();
  auto late = connect();
  EXPECT_EQ(counts->open, 0u);
  advance(100 * kj::MILLISECONDS);
  say(late, 'x');
  listener->stop();
  connect();
  EXPECT_EQ(counts->open, 1u);
  listener->cut();
  EXPECT_EQ(counts->open, 0u);
}

}  // namespace
}  // namespace cambium
