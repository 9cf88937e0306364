#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

// What a sink has seen; the sink itself is owned by the connection.
struct Seen {
  std::vector<std::string> values;
  uint64_t batchBytes = 0;
  uint64_t pushes = 0;
  int64_t nextOffset = -1;
  std::optional<std::string> done;
  bool failsOnce = false;  // the next push throws
  bool bearsFailures = false;
  // Held by the sink as long as it is there.
  std::shared_ptr<int> life = std::make_shared<int>();
  // While set, pushes are not answered.
  kj::Maybe<kj::ForkedPromise<void>> gate;
};

class Sink final : public rpc::RecordSink::Server {
 public:
  explicit Sink(Seen& seen) : seen_(seen), life_(seen.life) {}

  // A sink of another library: a push that failed does not make it refuse every later call, as C++'s do.
  DispatchCallResult dispatchCall(uint64_t interfaceId, uint16_t methodId,
                                  capnp::CallContext<capnp::AnyPointer, capnp::AnyPointer> context) override {
    auto result = rpc::RecordSink::Server::dispatchCall(interfaceId, methodId, context);
    if (seen_.bearsFailures) result.isStreaming = false;
    return result;
  }

 protected:
  kj::Promise<void> push(PushContext context) override {
    auto delivery = context.getParams().getDelivery();
    ++seen_.pushes;
    if (seen_.failsOnce) {
      seen_.failsOnce = false;
      KJ_FAIL_REQUIRE("this sink fails");
    }
    seen_.nextOffset = delivery.getNextOffset();
    if (delivery.isBatches()) {
      seen_.batchBytes += delivery.getBatches().size();
    } else {
      for (auto record : delivery.getRecords()) {
        auto value = record.getValue();
        seen_.values.emplace_back(reinterpret_cast<const char*>(value.begin()), value.size());
      }
    }
    KJ_IF_MAYBE(gate, seen_.gate) return gate->addBranch();
    return kj::READY_NOW;
  }
  kj::Promise<void> done(DoneContext context) override {
    seen_.done = errorOf(context.getParams());
    return kj::READY_NOW;
  }

 private:
  Seen& seen_;
  std::shared_ptr<int> life_;
};

class SubscribeTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words", 2), "");
  }
  struct Wish {
    int64_t from = 0;
    int64_t end = -1;
    bool asBatches = false;
    uint32_t bytesPerPush = 1 << 18;
  };
  rpc::Subscription::Client subscribe(rpc::Partition::Client partition, Seen& seen, Wish wish) {
    auto request = partition.subscribeRequest();
    request.setFrom(wish.from);
    request.setSink(kj::heap<Sink>(seen));
    auto options = request.initOptions();
    options.setEndOffset(wish.end);
    options.setBytesPerPush(wish.bytesPerPush);
    if (wish.asBatches) options.setFormat(rpc::SubscribeOptions::Format::BATCHES);
    auto response = request.send().wait(scope());
    KJ_REQUIRE(!response.hasError(), errorOf(response).c_str());
    return response.getSubscription();
  }
  // Lets everything run until `condition` holds, at most ten seconds.
  void runUntil(std::function<bool()> condition) {
    auto& timer = io.provider->getTimer();
    auto deadline = timer.now() + 10 * kj::SECONDS;
    while (!condition()) {
      ASSERT_LT(timer.now() - kj::origin<kj::TimePoint>(), deadline - kj::origin<kj::TimePoint>())
          << "it did not come about";
      timer.afterDelay(1 * kj::MILLISECONDS).wait(scope());
    }
  }
};
CAMBIUM_EVERY_DEPLOYMENT(SubscribeTest);

TEST_P(SubscribeTest, PushesWhatIsThereAndWhatComes) {
  for (int index = 0; index < 2; ++index) {
    Seen seen;
    append(scope(), client().partition("words", index), {"a", "b"});
    auto subscription = subscribe(otherClient().partition("words", index), seen, {.from = 1});
    runUntil([&] { return seen.values.size() == 1; });
    append(scope(), client().partition("words", index), {"c", "d"});
    runUntil([&] { return seen.values.size() == 3; });
    EXPECT_EQ(seen.values, (std::vector<std::string>{"b", "c", "d"}));
    EXPECT_EQ(seen.nextOffset, 4);
    auto position = subscription.positionRequest().send().wait(scope());
    EXPECT_EQ(position.getNextOffset(), 4);
    EXPECT_FALSE(seen.done.has_value());
  }
}

TEST_P(SubscribeTest, EndsAtItsEnd) {
  append(scope(), client().partition("words"), {"a", "b", "c"});
  Seen seen;
  auto subscription = subscribe(otherClient().partition("words"), seen, {.end = 2});
  runUntil([&] { return seen.done.has_value(); });
  EXPECT_EQ(*seen.done, "");
  EXPECT_EQ(seen.values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(seen.nextOffset, 2);
}

TEST_P(SubscribeTest, SaysWhyItEnds) {
  Seen beyond, deleted;
  auto first = subscribe(client().partition("words"), beyond, {.from = 5});
  runUntil([&] { return beyond.done.has_value(); });
  EXPECT_PRED2(startsWith, *beyond.done, "offsetOutOfRange: ");
  auto second = subscribe(client().partition("words", 1), deleted, {});
  broker->awaitWaiting(1);
  ASSERT_EQ(otherClient().deleteTopic("words"), "");
  runUntil([&] { return deleted.done.has_value(); });
  EXPECT_PRED2(startsWith, *deleted.done, "unknownTopicOrPartition: ");
}

TEST_P(SubscribeTest, EndsWhenItIsDropped) {
  Seen seen;
  {
    auto subscription = subscribe(client().partition("words", 1), seen, {});
    broker->awaitWaiting(1);
  }
  broker->awaitWaiting(0);
  append(scope(), client().partition("words", 1), {"a"});
  EXPECT_EQ(seen.pushes, 0u);
}

// A sink that does not return holds up its own subscription alone, with a bounded number of bytes on the way.
TEST_P(SubscribeTest, ASlowSinkKeepsLittleOnTheWay) {
  constexpr size_t kBatch = 64 << 10;
  constexpr size_t kBatches = 256;  // 16 MiB
  for (size_t i = 0; i < kBatches; ++i)
    append(scope(), client().partition("words"), {std::string(kBatch, 'x')}, rpc::Acks::LEADER);
  append(scope(), client().partition("words"), {"last"});
  auto paf = kj::newPromiseAndFulfiller<void>();
  Seen slow;
  slow.gate = paf.promise.fork();
  auto other = broker->connect();
  auto subscription = subscribe(other->partition("words"), slow, {.asBatches = true, .bytesPerPush = kBatch});
  runUntil([&] { return slow.pushes > 0; });
  // Others are served meanwhile; each answer gives the subscription time to run ahead.
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(read(scope(), client().partition("words"), kBatches).values.size(), 1u);
  auto sent = subscription.positionRequest().send();
  EXPECT_LE(slow.pushes, 1u) << "a streaming call at a time";
  auto report = broker->total();
  // What was read for the subscription: at most the window, with room for the reads above (a small batch each).
  EXPECT_LT(report.gone.readBytes, (6u << 20) + 200 * 2 * kBatch);
  slow.gate = nullptr;
  paf.fulfiller->fulfill();
  runUntil([&] { return slow.nextOffset == static_cast<int64_t>(kBatches) + 1; });
  EXPECT_GT(slow.batchBytes, kBatches * kBatch);
}

// After the end nothing of the client is held, even while the client holds the subscription.
TEST_P(SubscribeTest, ItsSinkIsReleasedAtTheEnd) {
  append(scope(), client().partition("words"), {"a"});
  Seen seen;
  auto subscription = subscribe(otherClient().partition("words"), seen, {.end = 1});
  runUntil([&] { return seen.done.has_value(); });
  runUntil([&] { return seen.life.use_count() == 1; });
  EXPECT_EQ(subscription.positionRequest().send().wait(scope()).getNextOffset(), 1);
}

// Whatever makes the subscription fail, its sink hears of it.
TEST_P(SubscribeTest, AFailedPushIsToldToTheSink) {
  append(scope(), client().partition("words"), {"a"});
  Seen seen;
  seen.failsOnce = seen.bearsFailures = true;
  auto subscription = subscribe(otherClient().partition("words"), seen, {});
  runUntil([&] { return seen.pushes > 0; });
  append(scope(), client().partition("words"), {"b"});
  append(scope(), client().partition("words"), {"c"});
  runUntil([&] { return seen.done.has_value(); });
  ASSERT_TRUE(seen.done.has_value());
  EXPECT_PRED2(startsWith, *seen.done, "unknownServerError: the subscription failed at offset ");
}

TEST_P(SubscribeTest, NegativeOffsetsAreRefused) {
  Seen seen;
  auto request = client().partition("words").subscribeRequest();
  request.setFrom(-1);
  request.setSink(kj::heap<Sink>(seen));
  EXPECT_PRED2(startsWith, errorOf(request.send().wait(scope())), "offsetOutOfRange: ");
}

}  // namespace
}  // namespace cambium
