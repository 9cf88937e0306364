#include <gtest/gtest.h>

#include <kj/thread.h>

#include "engine/base/coroutine.h"
#include "server/main/system_world.h"

namespace cambium {
namespace {

constexpr uint64_t kTurnsMax = 50'000'000;

// As long as nothing else happens there is always something to do. Returns the turns that took.
kj::Promise<uint64_t> keepBusyUntil(const bool& happened) {
  uint64_t turns = 0;
  for (; !happened && turns < kTurnsMax; ++turns)
    co_await kj::evalLater([] {});
  co_return turns;
}

TEST(SetupLoop, ALoopThatIsNeverIdleServesItsTimers) {
  auto io = setupLoop();
  bool happened = false;
  auto timer =
      io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).then([&] { happened = true; }).eagerlyEvaluate(nullptr);
  EXPECT_LT(keepBusyUntil(happened).wait(io.waitScope), kTurnsMax);
}

TEST(SetupLoop, ALoopThatIsNeverIdleServesItsSockets) {
  auto io = setupLoop();
  bool happened = false;
  auto pipe = io.provider->newTwoWayPipe();
  kj::byte byte;
  auto reading = pipe.ends[0]->read(&byte, 1).then([&] { happened = true; }).eagerlyEvaluate(nullptr);
  io.waitScope.poll();
  auto writing = pipe.ends[1]->write("x", 1).eagerlyEvaluate(nullptr);
  EXPECT_LT(keepBusyUntil(happened).wait(io.waitScope), kTurnsMax);
}

TEST(SetupLoop, ALoopThatIsNeverIdleServesOtherThreads) {
  auto io = setupLoop();
  bool happened = false;
  const auto& executor = kj::getCurrentThreadExecutor();
  kj::Thread other([&] { executor.executeSync([&] { happened = true; }); });
  EXPECT_LT(keepBusyUntil(happened).wait(io.waitScope), kTurnsMax);
}

}  // namespace
}  // namespace cambium
