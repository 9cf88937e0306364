#include "engine/base/wait_list.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

TEST(WaitListTest, WakesEveryWaiterOnceAndKeepsNone) {
  kj::EventLoop loop;
  kj::WaitScope waitScope(loop);
  WaitList list;
  for (int round = 0; round < 1'000; ++round) {
    auto a = list.wait();
    auto b = list.wait();
    EXPECT_FALSE(a.poll(waitScope));
    ASSERT_EQ(list.size(), 2u);
    list.wakeAll();
    ASSERT_EQ(list.size(), 0u);
    a.wait(waitScope);
    b.wait(waitScope);
  }
}

TEST(WaitListTest, ADroppedWaiterGoesWithTheNextWaking) {
  kj::EventLoop loop;
  kj::WaitScope waitScope(loop);
  WaitList list;
  for (int i = 0; i < 10; ++i)
    auto dropped = list.wait();
  list.wakeAll();
  EXPECT_EQ(list.size(), 0u);
}

TEST(WaitListTest, RejectsThoseWhoWaitNowOnly) {
  kj::EventLoop loop;
  kj::WaitScope waitScope(loop);
  WaitList list;
  auto before = list.wait();
  list.rejectAll(KJ_EXCEPTION(FAILED, "broken"));
  EXPECT_EQ(list.size(), 0u);
  auto after = list.wait();
  EXPECT_THROW(before.wait(waitScope), kj::Exception);
  EXPECT_FALSE(after.poll(waitScope));
  list.wakeAll();
  after.wait(waitScope);
}

}  // namespace
}  // namespace cambium
