#include "engine/base/position_waiters.h"

#include <gtest/gtest.h>

#include "engine/base/quantity.h"

namespace cambium {
namespace {

class PositionWaitersTest : public ::testing::Test {
 public:
  ~PositionWaitersTest() noexcept override = default;

 protected:
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::Own<PositionWaiters<Offset>> waiters = kj::heap<PositionWaiters<Offset>>();
};

TEST_F(PositionWaitersTest, ReachedMarksAreReleasedOthersWait) {
  auto one = waiters->wait(Offset(1));
  auto three = waiters->wait(Offset(3));
  auto threeToo = waiters->wait(Offset(3));
  waiters->reach(Offset(0));
  EXPECT_EQ(waiters->size(), 3u);
  waiters->reach(Offset(2));
  EXPECT_TRUE(one.poll(scope));
  EXPECT_FALSE(three.poll(scope));
  waiters->reach(Offset(3));
  EXPECT_TRUE(three.poll(scope));
  EXPECT_TRUE(threeToo.poll(scope));
  EXPECT_EQ(waiters->size(), 0u);
}

TEST_F(PositionWaitersTest, ADroppedPromiseIsForgotten) {
  auto kept = waiters->wait(Offset(1));
  {
    auto dropped = waiters->wait(Offset(1));
  }
  EXPECT_EQ(waiters->size(), 1u);
  waiters->reach(Offset(5));
  EXPECT_TRUE(kept.poll(scope));
}

TEST_F(PositionWaitersTest, AReleasedPromiseMayBeDroppedUnread) {
  auto released = waiters->wait(Offset(1));
  waiters->reach(Offset(1));
  released = nullptr;
  EXPECT_EQ(waiters->size(), 0u);
}

TEST_F(PositionWaitersTest, EverybodyGoesOnWhenItEnds) {
  auto one = waiters->wait(Offset(1));
  auto far = waiters->wait(Offset(INT64_MAX));
  waiters->releaseAll();
  EXPECT_TRUE(one.poll(scope));
  auto last = waiters->wait(Offset(7));
  waiters = nullptr;
  EXPECT_TRUE(far.poll(scope));
  EXPECT_TRUE(last.poll(scope));
}

}  // namespace
}  // namespace cambium
