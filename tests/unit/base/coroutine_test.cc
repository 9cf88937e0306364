#include "engine/base/coroutine.h"

#include <gtest/gtest.h>
#include <stdexcept>

#include <kj/debug.h>
#include <kj/string.h>

#include "tests/support/allocated_bytes.h"

namespace cambium {
namespace {

class CoroutineTest : public ::testing::Test {
 public:
  ~CoroutineTest() noexcept override = default;

 protected:
  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
};

kj::Promise<int> twice(kj::Promise<int> input) {
  co_return co_await input * 2;
}

kj::Promise<void> failing(bool late) {
  if (late) co_await kj::evalLater([] {});
  throw KJ_EXCEPTION(DISCONNECTED, "gone");
}

struct Flag {
  bool& destroyed;
  explicit Flag(bool& d) : destroyed(d) {}
  ~Flag() { destroyed = true; }
};

kj::Promise<void> holdFlag(bool& destroyed, kj::Promise<void> until) {
  Flag flag(destroyed);
  co_await until;
}

TEST_F(CoroutineTest, PassesValuesThroughSuspensions) {
  EXPECT_EQ(twice(kj::evalLater([] { return 21; })).wait(waitScope), 42);
  EXPECT_EQ(twice(twice(kj::Promise<int>(5))).wait(waitScope), 20);
}

TEST_F(CoroutineTest, ExceptionsArriveInThePromiseEarlyAndLate) {
  for (bool late : {false, true}) {
    auto promise = failing(late);
    auto exception = kj::runCatchingExceptions([&] { promise.wait(waitScope); });
    EXPECT_EQ(KJ_ASSERT_NONNULL(exception).getType(), kj::Exception::Type::DISCONNECTED);
  }
}

TEST_F(CoroutineTest, CatchesWhatItAwaits) {
  auto catches = [](kj::Promise<void> inner) -> kj::Promise<kj::String> {
    try {
      co_await inner;
    } catch (const kj::Exception& e) {
      co_return kj::str(e.getDescription());
    }
    co_return kj::str("nothing");
  };
  EXPECT_EQ(catches(failing(true)).wait(waitScope), "gone"_kj);
}

TEST_F(CoroutineTest, DroppingThePromiseDestroysTheFrame) {
  bool destroyed = false;
  {
    auto promise = holdFlag(destroyed, kj::Promise<void>(kj::NEVER_DONE));
    EXPECT_FALSE(promise.poll(waitScope));
    EXPECT_FALSE(destroyed);
  }
  EXPECT_TRUE(destroyed);
}

TEST_F(CoroutineTest, AwaitsAChainThatReplacesItsNode) {
  // A promise for a promise becomes a chain node, which swaps itself for the inner node while somebody waits on it.
  auto promise = kj::evalLater([] { return kj::evalLater([] { return kj::evalLater([] { return 3; }); }); });
  EXPECT_EQ(twice(kj::mv(promise)).wait(waitScope), 6);
}

kj::Promise<size_t> awaitMany(kj::Promise<void> a, kj::Promise<kj::String> b, kj::Promise<int> c, kj::Promise<void> d) {
  co_await a;
  auto text = co_await b;
  auto number = co_await c;
  co_await d;
  co_return text.size() + static_cast<size_t>(number);
}

// Thousands of connections wait in some of them. A place for a result that may be an exception takes 400 bytes in kj,
// and there are five here.
TEST_F(CoroutineTest, AFrameThatWaitsIsSmall) {
  kj::Promise<kj::String> text = kj::str("text");
  kj::Promise<int> number = 1;
  kj::Promise<void> ready = kj::READY_NOW;
  auto before = allocatedBytes();
  auto promise = awaitMany(kj::NEVER_DONE, kj::mv(text), kj::mv(number), kj::mv(ready));
  auto frame = allocatedBytes() - before;
  EXPECT_GT(frame, 64);
  EXPECT_LT(frame, 512);
}

}  // namespace
}  // namespace cambium
