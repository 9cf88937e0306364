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
    advance();
    kj::Promise<void>(kj::NEVER_DONE).poll(scope);
    done += '|';
  }

  // A client that always has a further request. The loop is never without work, and looks for I/O all the same.
  kj::Promise<void> flood(char letter, int requests) {
    WorkShare share(turns, 3);
    for (int i = 0; i < requests; ++i) {
      if (share.useForRequest(1)) co_await share.turn();
      done += letter;
      co_await kj::evalLater([this] { advance(); });
    }
  }
  // Something that is busy for long without counting it.
  kj::Promise<void> keepBusy(int looks) {
    for (int i = 0; i < looks; ++i)
      co_await kj::evalLater([this] { advance(); });
  }
  void advance() {
    now += 1 * kj::MILLISECONDS;
    timer.advanceTo(now);
  }
  // As answers are sent: when nothing else is to be done.
  kj::Promise<void> answer() {
    return kj::evalLast([this] { done += '!'; }).eagerlyEvaluate(nullptr);
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

TEST_F(FairTurnsTest, AnswersOfOthersAreSentBetweenTurns) {
  auto flooding = flood('a', 1000).eagerlyEvaluate(nullptr);
  auto others = answer();
  others.wait(scope);
  EXPECT_EQ(done, "aaa!");
  look();
  others = answer();
  others.wait(scope);
  EXPECT_LE(done.size(), std::string("aaa!aaaa|aaa!").size()) << done;
}

TEST_F(FairTurnsTest, NoTurnIsGivenWhileTheLoopIsBusy) {
  auto one = work('a', 100).eagerlyEvaluate(nullptr);
  auto busy = keepBusy(50).eagerlyEvaluate(nullptr);
  auto others = answer();
  others.wait(scope);
  EXPECT_EQ(done, "aaa!");
  EXPECT_EQ(turns.given(), 0u);
  look();
  EXPECT_EQ(done, "aaa!aaaa|");
}

TEST_F(FairTurnsTest, ACrowdedRoundTakesOneRequestOfEach) {
  WorkShare large(turns, FairTurns::kUnitsPerRound + 10), small(turns, 250), late(turns, 250);
  EXPECT_FALSE(small.useForRequest(1));
  EXPECT_FALSE(large.useForRequest(FairTurns::kUnitsPerRound + 1));
  EXPECT_TRUE(turns.isCrowded());
  EXPECT_FALSE(late.useForRequest(1));
  EXPECT_TRUE(late.useForRequest(1));
  EXPECT_TRUE(small.useForRequest(1));
  look();
  EXPECT_FALSE(turns.isCrowded());
  EXPECT_FALSE(late.useForRequest(1));
  EXPECT_FALSE(late.useForRequest(1));
}

}  // namespace
}  // namespace cambium
