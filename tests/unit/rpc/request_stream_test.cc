#include "server/rpc/request_stream.h"

#include <deque>
#include <gtest/gtest.h>

#include <capnp/message.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>

namespace cambium {
namespace {

struct Unobserved final : public StreamObserver {
  void writing() override {}
  void wrote(size_t bytes) override {}
};

// Connections that share a budget of two halves of 2 MiB, on virtual time.
class RequestStreamTest : public ::testing::Test {
 public:
  ~RequestStreamTest() noexcept override = default;

 protected:
  using Reading = kj::Promise<kj::Maybe<kj::Own<capnp::MessageReader>>>;

  struct Peer {
    kj::Own<kj::AsyncIoStream> client;
    kj::Own<CallLedger> calls;
    kj::Own<RequestStream> server;
  };

  Peer connect() {
    auto pipe = kj::newTwoWayPipe();
    auto calls = kj::heap<CallLedger>(ledgers);
    auto server =
        kj::heap<RequestStream>(kj::mv(pipe.ends[1]), RequestStream::Surroundings{observer, *calls, log, turns, timer},
                                kj::addRef(*budgets), RequestStream::Limits{30'000}, "/127.0.0.1");
    return {kj::mv(pipe.ends[0]), kj::mv(calls), kj::mv(server)};
  }
  static kj::Array<capnp::word> message(size_t bytes) {
    capnp::MallocMessageBuilder builder;
    auto params = builder.initRoot<capnp::rpc::Message>().initResolve().initException();
    auto text = params.initReason(static_cast<kj::uint>(bytes));
    memset(text.begin(), 'x', bytes);
    return capnp::messageToFlatArray(builder);
  }
  static size_t sizeOf(capnp::MessageReader& reader) {
    return reader.getRoot<capnp::rpc::Message>().getResolve().getException().getReason().size();
  }
  static kj::Array<capnp::word> callOf(uint32_t id) {
    capnp::MallocMessageBuilder builder;
    builder.initRoot<capnp::rpc::Message>().initCall().setQuestionId(id);
    return capnp::messageToFlatArray(builder);
  }
  void answer(Peer& peer, uint32_t id) {
    capnp::MallocMessageBuilder builder;
    builder.initRoot<capnp::rpc::Message>().initReturn().setAnswerId(id);
    peer.server->writeMessage(nullptr, builder.getSegmentsForOutput()).wait(scope);
  }
  static kj::Promise<void> write(Peer& peer, kj::Array<capnp::word> words, size_t withoutLast = 0) {
    auto bytes = words.asBytes();
    return peer.client->write(bytes.begin(), bytes.size() - withoutLast).attach(kj::mv(words)).eagerlyEvaluate(nullptr);
  }
  static kj::Promise<void> writeTogether(Peer& peer, uint32_t count,
                                         kj::FunctionParam<kj::Array<capnp::word>(uint32_t)> make) {
    kj::Vector<kj::byte> all;
    for (uint32_t i = 0; i < count; ++i) {
      auto words = make(i);
      all.addAll(words.asBytes());
    }
    auto bytes = all.releaseAsArray();
    return peer.client->write(bytes.begin(), bytes.size()).attach(kj::mv(bytes)).eagerlyEvaluate(nullptr);
  }
  Reading read(Peer& peer) { return peer.server->tryReadMessage().eagerlyEvaluate(nullptr); }
  // Also lets rounds and turns of the loop go by.
  void settle() {
    kj::Promise<void>(kj::NEVER_DONE).poll(scope);
    now += 1 * kj::MICROSECONDS;
    timer.advanceTo(now);
    for (int turn = 0; turn < 200; ++turn)
      kj::evalLater([] {}).wait(scope);
  }
  bool arrives(Reading& reading) {
    settle();
    return reading.poll(scope);
  }
  kj::Own<capnp::MessageReader> take(Reading& reading) {
    auto received = reading.wait(scope);
    return kj::mv(KJ_ASSERT_NONNULL(received));
  }
  void advance(int64_t ms) {
    now += ms * kj::MILLISECONDS;
    timer.advanceTo(now);
    settle();
  }
  Bytes held(Bytes request) { return budgets->of(request).held(); }

  Reading leftOver = nullptr;
  static constexpr size_t kLarge = 1'500'000;
  static constexpr size_t kSmall = 100'000;

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TimePoint now = kj::origin<kj::TimePoint>();
  kj::TimerImpl timer{now};
  Unobserved observer;
  LogLimiter log{timer};
  FairTurns turns{timer};
  CallCounts counts;
  CallLedgers ledgers{{.callsMax = 100, .capabilitiesMax = 100, .heldMax = 1000}, counts};
  kj::Own<RequestBudgets> budgets = kj::refcounted<RequestBudgets>(mebibytes(4), mebibytes(1));
};

TEST_F(RequestStreamTest, ALargeMessageKeepsItsRoomUntilItIsDestroyed) {
  auto one = connect(), two = connect(), three = connect();
  auto writing = write(one, message(kLarge));
  auto first = read(one);
  ASSERT_TRUE(arrives(first));
  auto served = take(first);
  EXPECT_EQ(sizeOf(*served), kLarge);
  EXPECT_GE(held(Bytes(kLarge)).value(), kLarge);

  auto writingToo = write(two, message(kLarge));
  auto second = read(two);
  EXPECT_FALSE(arrives(second));
  auto writingSmall = write(three, message(kSmall));
  auto third = read(three);
  EXPECT_TRUE(arrives(third)) << "small ones have a half of their own";

  // The connection may be gone by then.
  one = Peer();
  EXPECT_FALSE(arrives(second));
  served = nullptr;
  ASSERT_TRUE(arrives(second));
  EXPECT_EQ(sizeOf(*take(second)), kLarge);
  settle();
  EXPECT_EQ(held(Bytes(kLarge)), Bytes(0));
}

TEST_F(RequestStreamTest, ManySmallMessagesAreBoundedTogether) {
  for (size_t size : {size_t{1000}, kSmall}) {
    auto peer = connect();
    std::deque<kj::Own<capnp::MessageReader>> served;
    kj::Promise<void> writing = kj::READY_NOW;
    Reading next = nullptr;
    for (;;) {
      writing = write(peer, message(size));
      next = read(peer);
      if (!arrives(next)) break;
      served.push_back(take(next));
      ASSERT_LE(served.size() * size, mebibytes(2).value());
    }
    EXPECT_GE(served.size() * size, mebibytes(2).value() * 9 / 10);
    served.pop_front();
    ASSERT_TRUE(arrives(next)) << "one ends, and the next one is handed on";
    take(next);
    served.clear();
    EXPECT_EQ(held(Bytes(size)), Bytes(0));
  }
}

TEST_F(RequestStreamTest, AClaimAloneTakesNoRoom) {
  kj::Vector<Peer> claimers;
  kj::Vector<Reading> waiting;
  for (int i = 0; i < 10; ++i) {
    claimers.add(connect());
    // A message of one segment, of 60 MiB.
    uint32_t head[2] = {0, (60 << 20) / sizeof(capnp::word)};
    auto claim = kj::heapArray<capnp::word>(1);
    memcpy(claim.begin(), head, sizeof(head));
    waiting.add(read(claimers.back()));
    write(claimers.back(), kj::mv(claim)).wait(scope);
  }
  EXPECT_EQ(held(mebibytes(60)), Bytes(0));
  auto peer = connect();
  auto writing = write(peer, message(kLarge));
  auto reading = read(peer);
  EXPECT_TRUE(arrives(reading));
}

TEST_F(RequestStreamTest, AMessageThatDoesNotGoOnIsCutOff) {
  auto slow = connect(), other = connect();
  auto begun = write(slow, message(kLarge), 1000);
  auto reading = read(slow);
  EXPECT_FALSE(arrives(reading));
  EXPECT_GT(held(Bytes(kLarge)), Bytes(0));
  auto writing = write(other, message(kLarge));
  auto waiting = read(other);
  advance(29'000);
  EXPECT_FALSE(arrives(waiting));
  EXPECT_FALSE(arrives(reading));
  advance(1'000);
  ASSERT_TRUE(arrives(reading));
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { reading.wait(scope); })) {
    EXPECT_EQ(exception->getType(), kj::Exception::Type::DISCONNECTED);
  } else {
    ADD_FAILURE() << "half a message was handed on";
  }
  slow = Peer();
  EXPECT_TRUE(arrives(waiting)) << "its room is there for others";
}

TEST_F(RequestStreamTest, OneThatGoesOnSlowlyIsNot) {
  auto slow = connect();
  auto words = message(3'500'000);
  auto bytes = words.asBytes();
  budgets = kj::refcounted<RequestBudgets>(mebibytes(64), mebibytes(1));
  slow = connect();
  auto reading = read(slow);
  for (size_t at = 0; at < bytes.size();) {
    auto part = kj::min(size_t{600'000}, bytes.size() - at);
    slow.client->write(bytes.begin() + at, part).wait(scope);
    at += part;
    advance(14'000);
  }
  ASSERT_TRUE(arrives(reading));
  EXPECT_EQ(sizeOf(*take(reading)), 3'500'000u);
}

TEST_F(RequestStreamTest, WhoGivesUpLeavesTheQueue) {
  auto one = connect(), two = connect(), three = connect();
  auto writing = write(one, message(kLarge));
  auto first = read(one);
  ASSERT_TRUE(arrives(first));
  auto served = take(first);
  auto writingTwo = write(two, message(kLarge)), writingThree = write(three, message(kLarge));
  auto second = read(two);
  EXPECT_FALSE(arrives(second));
  auto third = read(three);
  EXPECT_FALSE(arrives(third));
  second = nullptr;
  writingTwo = nullptr;
  two = Peer();
  served = nullptr;
  EXPECT_TRUE(arrives(third));
}

TEST_F(RequestStreamTest, AnEndInTheMiddleOfAMessageIsTold) {
  auto peer = connect();
  auto begun = write(peer, message(kLarge), 1000);
  auto reading = read(peer);
  EXPECT_FALSE(arrives(reading));
  peer.client = nullptr;
  ASSERT_TRUE(arrives(reading));
  EXPECT_TRUE(kj::runCatchingExceptions([&] { reading.wait(scope); }) != nullptr);
  peer = Peer();
  EXPECT_EQ(held(Bytes(kLarge)), Bytes(0));
}

// Messages that are handed on until the connection has to wait, without a look at others.
TEST_F(RequestStreamTest, AConnectionHasAShareOfATurn) {
  auto peer = connect();
  auto writing = writeTogether(peer, 200, [](uint32_t) { return message(100); });
  auto handedOn = [&] {
    size_t count = 0;
    for (;; ++count) {
      auto reading = read(peer);
      if (!reading.poll(scope)) {
        leftOver = kj::mv(reading);
        return count;
      }
      take(reading);
    }
  };
  EXPECT_EQ(handedOn(), 32u);
  EXPECT_TRUE(arrives(leftOver)) << "when the loop has looked at others it goes on";
  take(leftOver);
  EXPECT_EQ(handedOn(), 31u);
  leftOver = nullptr;
}

TEST_F(RequestStreamTest, WithTooManyCallsUnansweredItIsReadNoFurther) {
  auto peer = connect();
  auto writing = writeTogether(peer, 60, callOf);
  Reading reading = nullptr;
  uint32_t read = 0;
  for (;; ++read) {
    reading = this->read(peer);
    if (!arrives(reading)) break;
    take(reading);
  }
  EXPECT_EQ(read, 50u) << "half of the limit";
  EXPECT_EQ(counts.calls, 50u);
  auto drain = peer.client->readAllBytes().eagerlyEvaluate(nullptr);
  answer(peer, 17);
  EXPECT_TRUE(arrives(reading)) << "for each answer one more";
}

}  // namespace
}  // namespace cambium
