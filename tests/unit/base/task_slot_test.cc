#include "engine/base/task_slot.h"

#include <gtest/gtest.h>

#include "engine/base/coroutine.h"

namespace cambium {
namespace {

struct Flag {
  bool& gone;
  explicit Flag(bool& gone) : gone(gone) {}
  ~Flag() { gone = true; }
};

kj::Promise<void> hold(bool& gone, kj::Promise<void> until) {
  Flag flag(gone);
  co_await until;
}

class TaskSlotTest : public ::testing::Test {
 public:
  ~TaskSlotTest() noexcept override = default;

 protected:
  void turn() {
    kj::evalLast([] {}).wait(waitScope);
  }

  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  int done = 0;
  kj::Maybe<kj::Exception> failed;
  TaskSlot slot{[this](kj::Maybe<kj::Exception> failure) {
    ++done;
    failed = kj::mv(failure);
  }};
};

TEST_F(TaskSlotTest, TellsWhenTheWorkIsDone) {
  auto work = kj::newPromiseAndFulfiller<void>();
  bool gone = false;
  slot.start(hold(gone, kj::mv(work.promise)));
  turn();
  EXPECT_EQ(done, 0);
  work.fulfiller->fulfill();
  turn();
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(gone);
  EXPECT_TRUE(failed == nullptr);
}

TEST_F(TaskSlotTest, TellsWhyTheWorkFailed) {
  slot.start(KJ_EXCEPTION(DISCONNECTED, "gone"));
  turn();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(KJ_ASSERT_NONNULL(failed).getType(), kj::Exception::Type::DISCONNECTED);
}

TEST_F(TaskSlotTest, WorkThatIsDroppedOrReplacedTellsNothing) {
  for (bool ready : {false, true}) {
    bool dropped = false, replaced = false;
    slot.start(hold(dropped, ready ? kj::Promise<void>(kj::READY_NOW) : kj::Promise<void>(kj::NEVER_DONE)));
    slot.drop();
    EXPECT_TRUE(dropped);
    slot.start(hold(replaced, ready ? kj::Promise<void>(kj::READY_NOW) : kj::Promise<void>(kj::NEVER_DONE)));
    slot.start(kj::NEVER_DONE);
    EXPECT_TRUE(replaced);
    turn();
    EXPECT_EQ(done, 0);
  }
}

TEST(TaskSlotWithoutFixtureTest, WorkMayBeFollowedByMoreAndGoesWithTheSlot) {
  kj::EventLoop loop;
  kj::WaitScope waitScope(loop);
  bool gone = false;
  int rounds = 0;
  {
    kj::Maybe<TaskSlot> slot;
    auto& made = slot.emplace([&](kj::Maybe<kj::Exception>) {
      KJ_IF_MAYBE(again, slot)
        again->start(++rounds < 3 ? kj::Promise<void>(kj::READY_NOW) : hold(gone, kj::NEVER_DONE));
    });
    made.start(kj::READY_NOW);
    kj::evalLast([] {}).wait(waitScope);
    EXPECT_EQ(rounds, 3);
    EXPECT_FALSE(gone);
  }
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace cambium
