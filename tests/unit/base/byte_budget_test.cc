#include "engine/base/byte_budget.h"

#include <gtest/gtest.h>

#include <kj/debug.h>

namespace cambium {
namespace {

class ByteBudgetTest : public ::testing::Test {
 public:
  ~ByteBudgetTest() noexcept override = default;

 protected:
  ByteBudget::Lease takeNow(uint64_t size) { return KJ_ASSERT_NONNULL(budget.tryTake(Bytes(size))); }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  ByteBudget budget{Bytes(100)};
};

TEST_F(ByteBudgetTest, WaitsAreServedInOrder) {
  auto held = takeNow(90);
  auto first = budget.take(Bytes(50)), second = budget.take(Bytes(5));
  EXPECT_EQ(budget.tryTake(Bytes(5)), nullptr) << "it would overtake";
  EXPECT_FALSE(second.poll(scope));
  held = {};
  EXPECT_EQ(first.wait(scope).size(), Bytes(50));
  EXPECT_EQ(second.wait(scope).size(), Bytes(5));
}

TEST_F(ByteBudgetTest, WhoKeepsSomethingAndWaitsDoesNotWaitForOthersLikeIt) {
  auto one = takeNow(50), two = takeNow(50);
  auto oneMore = budget.take(Bytes(30), one.size());
  EXPECT_FALSE(oneMore.poll(scope)) << "the other one may end yet";
  auto twoMore = budget.take(Bytes(30), two.size());
  ASSERT_TRUE(oneMore.poll(scope)) << "neither would ever end";
  one.add(oneMore.wait(scope));
  EXPECT_EQ(one.size(), Bytes(80));
  EXPECT_FALSE(twoMore.poll(scope)) << "only one goes beyond the bound";
  one = {};
  two.add(twoMore.wait(scope));
  two = {};
  EXPECT_EQ(budget.held(), Bytes(0));
}

TEST_F(ByteBudgetTest, WhoGivesUpKeepsNobodyWaiting) {
  auto one = takeNow(50), two = takeNow(50);
  auto oneMore = budget.take(Bytes(30), one.size());
  oneMore = nullptr;
  auto twoMore = budget.take(Bytes(30), two.size());
  EXPECT_FALSE(twoMore.poll(scope)) << "the first one waits no longer: it may end";
  one = {};
  EXPECT_TRUE(twoMore.poll(scope));
}

}  // namespace
}  // namespace cambium
