#include "engine/broker/loop_call.h"

#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <memory>

#include "engine/base/coroutine.h"
#include "server/main/system_world.h"

namespace cambium {
namespace {

// Two loops: the test's own and one on a thread. `there` is the port of the other loop.
class LoopCallTest : public ::testing::Test {
 public:
  ~LoopCallTest() noexcept override = default;

 protected:
  struct Other {
    LoopPort port;
    kj::Own<kj::PromiseFulfiller<void>> end;
  };

  void SetUp() override {
    receiving = here.mailbox().receive().eagerlyEvaluate(nullptr);
    auto started = kj::newPromiseAndFulfiller<void>();
    loop = loops.start(1, [this, &fulfiller = *started.fulfiller](LoopContext&) { return runOther(*this, fulfiller); });
    started.promise.wait(io.waitScope);
  }
  void TearDown() override {
    if (loop.get() == nullptr) return;
    other->port.mailbox().post([o = other] { o->end->fulfill(); });
    loop = nullptr;
  }
  static kj::Promise<void> runOther(LoopCallTest& test, kj::PromiseFulfiller<void>& started) {
    Other other;
    auto paf = kj::newPromiseAndFulfiller<void>();
    other.end = kj::mv(paf.fulfiller);
    auto receiving = other.port.mailbox().receive().eagerlyEvaluate(nullptr);
    test.here.mailbox().post([&test, &other, &started] {
      test.other = &other;
      started.fulfill();
    });
    co_await paf.promise;
    receiving = nullptr;
  }

  template <class T>
  kj::Promise<T> call(std::function<kj::Promise<T>()> work) {
    return callLoop<T>(here, other->port, [work = std::move(work)]() { return work(); });
  }
  // Everything posted to the other loop before this has run there.
  void roundTrip() {
    call<bool>([]() -> kj::Promise<bool> { return true; }).wait(io.waitScope);
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  LogLevelSwitch logLevel{LogLevel::kWarn};
  ThreadLoops loops{logLevel};
  LoopPort here;
  kj::Promise<void> receiving = nullptr;
  kj::Own<LoopStarter::Loop> loop;
  Other* other = nullptr;
};

TEST_F(LoopCallTest, ResultsComeBack) {
  auto text = call<kj::String>([]() -> kj::Promise<kj::String> { return kj::str("from there"); });
  EXPECT_STREQ(text.wait(io.waitScope).cStr(), "from there");
  auto later = call<int>([]() -> kj::Promise<int> { return kj::evalLater([] { return 7; }); });
  EXPECT_EQ(later.wait(io.waitScope), 7);
}

TEST_F(LoopCallTest, ACallToOnesOwnLoopIsAPlainCall) {
  bool ran = false;
  auto promise = callLoop<int>(here, here, [&ran]() -> kj::Promise<int> {
    ran = true;
    return 3;
  });
  EXPECT_TRUE(ran);
  EXPECT_EQ(promise.wait(io.waitScope), 3);
}

TEST_F(LoopCallTest, ExceptionsComeBack) {
  std::function<kj::Promise<int>()> ways[] = {
      []() -> kj::Promise<int> { return KJ_EXCEPTION(OVERLOADED, "rejected there"); },
      []() -> kj::Promise<int> { kj::throwFatalException(KJ_EXCEPTION(OVERLOADED, "thrown there")); },
      []() -> kj::Promise<int> {
        return kj::evalLater([]() -> int { kj::throwFatalException(KJ_EXCEPTION(OVERLOADED, "later there")); });
      }};
  for (auto& way : ways) {
    for (auto* target : {&other->port, &here}) {
      auto failure = kj::runCatchingExceptions(
          [&] { callLoop<int>(here, *target, [way]() { return way(); }).wait(io.waitScope); });
      EXPECT_EQ(KJ_ASSERT_NONNULL(failure).getType(), kj::Exception::Type::OVERLOADED);
    }
  }
}

// Counts what is alive on the other loop.
struct Alive {
  explicit Alive(std::shared_ptr<std::atomic<int>> count) : count(std::move(count)) { ++*this->count; }
  Alive(Alive&&) = default;
  ~Alive() {
    if (count != nullptr) --*count;
  }
  std::shared_ptr<std::atomic<int>> count;
};

TEST_F(LoopCallTest, ADroppedCallIsCancelledThere) {
  auto alive = std::make_shared<std::atomic<int>>(0);
  auto begun = kj::newPromiseAndFulfiller<void>();
  auto fulfil = [this, &fulfiller = *begun.fulfiller] { here.mailbox().post([&fulfiller] { fulfiller.fulfill(); }); };
  {
    auto dropped = call<int>([alive, fulfil]() -> kj::Promise<int> {
      auto mine = kj::heap<Alive>(alive);
      fulfil();
      return kj::Promise<int>(kj::NEVER_DONE).attach(kj::mv(mine));
    });
    begun.promise.wait(io.waitScope);
    EXPECT_EQ(*alive, 1);
  }
  // The cancellation travels before the next call; its effect may take a turn there.
  while (*alive > 0)
    roundTrip();
}

TEST_F(LoopCallTest, ACallThatIsDroppedAtOnceEndsAsWell) {
  auto alive = std::make_shared<std::atomic<int>>(0);
  auto runs = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 500; ++i) {
    auto dropped = call<int>([alive, runs]() -> kj::Promise<int> {
      ++*runs;
      return kj::Promise<int>(kj::NEVER_DONE).attach(kj::heap<Alive>(alive));
    });
  }
  roundTrip();
  EXPECT_EQ(*runs, 500) << "what was begun is begun, also when nobody waits: an append must not depend on its caller";
  while (*alive > 0)
    roundTrip();
}

TEST_F(LoopCallTest, AnAnswerThatMeetsADroppedPromiseIsThrownAway) {
  auto alive = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 500; ++i) {
    auto dropped = call<kj::Own<Alive>>([alive]() -> kj::Promise<kj::Own<Alive>> { return kj::heap<Alive>(alive); });
    if (i % 3 == 0) kj::evalLater([] {}).wait(io.waitScope);
  }
  while (*alive > 0)
    roundTrip();
}

TEST_F(LoopCallTest, ManyCallsAtOnceEachWithItsAnswer) {
  kj::Vector<kj::Promise<int>> calls;
  for (int i = 0; i < 5000; ++i) {
    calls.add(call<int>([i]() -> kj::Promise<int> {
      if (i % 2 == 0) return i;
      return kj::evalLater([i] { return i; });
    }));
  }
  auto answers = kj::joinPromises(calls.releaseAsArray()).wait(io.waitScope);
  for (size_t i = 0; i < answers.size(); ++i)
    ASSERT_EQ(answers[i], static_cast<int>(i));
}

TEST_F(LoopCallTest, CallsBeginInTheirOrder) {
  auto seen = std::make_shared<std::vector<int>>();
  for (int i = 0; i < 1000; ++i)
    other->port.mailbox().post([seen, i] { seen->push_back(i); });
  roundTrip();
  ASSERT_EQ(seen->size(), 1000u);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ((*seen)[static_cast<size_t>(i)], i);
}

// Both loops call each other at the same time, through several turns of sleeping and waking.
TEST_F(LoopCallTest, CallsGoBothWays) {
  for (int round = 0; round < 100; ++round) {
    auto there = call<int>([this]() -> kj::Promise<int> {
      return callLoop<int>(other->port, here, []() -> kj::Promise<int> { return 20; }).then([](int n) {
        return n + 1;
      });
    });
    EXPECT_EQ(there.wait(io.waitScope), 21);
  }
}

}  // namespace
}  // namespace cambium
