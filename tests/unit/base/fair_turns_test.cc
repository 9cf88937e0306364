#include "engine/base/fair_turns.h"

#include <gtest/gtest.h>
#include <string>

#include "engine/base/coroutine.h"

namespace cambium {
namespace {

class FairTurnsTest : public ::testing::Test {
 public:
  ~FairTurnsTest() noexcept override = default;

 protected:
  // Some work that writes its letter for each unit.
  kj::Promise<void> work(char letter, int units) {
    WorkShare share(turns, 3);
    for (int i = 0; i < units; ++i) {
      if (share.use()) co_await share.turn();
      done += letter;
    }
  }
  // The loop looks for I/O.
  void look() {
    kj::Promise<void>(kj::NEVER_DONE).poll(scope);
    now += 1 * kj::MILLISECONDS;
    timer.advanceTo(now);
    kj::Promise<void>(kj::NEVER_DONE).poll(scope);
    done += '|';
  }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TimePoint now = kj::origin<kj::TimePoint>() + 1 * kj::SECONDS;
  kj::TimerImpl timer{now};
  FairTurns turns{timer};
  std::string done;
};

TEST_F(FairTurnsTest, ShortWorkNeedsNoTurn) {
  auto one = work('a', 3).eagerlyEvaluate(nullptr);
  EXPECT_EQ(done, "aaa");
  EXPECT_TRUE(one.poll(scope));
  EXPECT_EQ(turns.given(), 0u);
}

TEST_F(FairTurnsTest, OneTurnOfLongWorkForEachLookForIo) {
  auto one = work('a', 8).eagerlyEvaluate(nullptr);
  auto two = work('b', 5).eagerlyEvaluate(nullptr);
  EXPECT_EQ(done, "aaabbb");
  for (int i = 0; i < 4; ++i)
    look();
  EXPECT_EQ(done, "aaabbbaaaa|bb|a||");
  EXPECT_TRUE(one.poll(scope));
  EXPECT_TRUE(two.poll(scope));
  EXPECT_LE(turns.unitsMost(), 4u);
}

TEST_F(FairTurnsTest, WorkThatIsDroppedGivesUpItsTurn) {
  auto one = work('a', 8).eagerlyEvaluate(nullptr);
  auto two = work('b', 5).eagerlyEvaluate(nullptr);
  one = nullptr;
  look();
  EXPECT_EQ(done, "aaabbbbb|");
  EXPECT_TRUE(two.poll(scope));
}

}  // namespace
}  // namespace cambium
