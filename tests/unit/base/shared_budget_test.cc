#include "engine/base/shared_budget.h"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include <kj/async-io.h>

namespace cambium {
namespace {

// A budget of 8 MiB, of which 7 are for large leases; an address may have 4, of which 3.5 are.
class SharedBudgetTest : public ::testing::Test {
 public:
  ~SharedBudgetTest() noexcept override = default;

 protected:
  using Taking = kj::Promise<SharedBudget::Lease>;

  SharedBudget::Lease takeNow(SharedBudget::Account& account, Bytes size) {
    auto lease = budget.tryTake(account, size);
    KJ_IF_MAYBE(given, lease) return kj::mv(*given);
    ADD_FAILURE() << "there is no room for " << size.value();
    return {};
  }
  bool hasRoom(SharedBudget::Account& account, Bytes size) { return budget.tryTake(account, size) != nullptr; }
  Taking take(SharedBudget::Account& account, Bytes size) {
    return budget.take(account, size).eagerlyEvaluate(nullptr);
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  SharedBudget budget{{.all = mebibytes(8), .perAddress = mebibytes(4)}};
  SharedBudget::Account alice{budget, "/10.0.0.1"};
  SharedBudget::Account alicesOther{budget, "/10.0.0.1"};
  SharedBudget::Account bob{budget, "/10.0.0.2"};
  SharedBudget::Account carol{budget, "/10.0.0.3"};
};

TEST_F(SharedBudgetTest, AnAddressIsBoundedAndOthersAreNot) {
  auto first = takeNow(alice, mebibytes(2));
  EXPECT_FALSE(hasRoom(alicesOther, mebibytes(2)));
  EXPECT_TRUE(hasRoom(alicesOther, mebibytes(1)));
  EXPECT_TRUE(hasRoom(bob, mebibytes(3)));
  EXPECT_EQ(budget.held(), mebibytes(2));
}

TEST_F(SharedBudgetTest, AllAreBoundedTogether) {
  auto first = takeNow(alice, mebibytes(3));
  auto second = takeNow(bob, mebibytes(3));
  EXPECT_FALSE(hasRoom(carol, mebibytes(2)));
  EXPECT_TRUE(hasRoom(carol, mebibytes(1)));
}

TEST_F(SharedBudgetTest, WhatIsLargerThanABoundComesAlone) {
  auto one = takeNow(alice, mebibytes(100));
  EXPECT_FALSE(hasRoom(bob, mebibytes(1)));
  one.release();
  EXPECT_EQ(budget.held(), Bytes(0));
  auto some = takeNow(alice, mebibytes(1));
  EXPECT_FALSE(hasRoom(alice, mebibytes(100)));
}

TEST_F(SharedBudgetTest, SmallLeasesPassByLargeOnes) {
  auto most = takeNow(alice, mebibytes(3));
  auto large = take(alice, mebibytes(3));
  EXPECT_FALSE(large.poll(io.waitScope));
  EXPECT_TRUE(hasRoom(alice, kibibytes(16)));
  EXPECT_FALSE(hasRoom(alice, kibibytes(17))) << "it would overtake the one that waits";
}

TEST_F(SharedBudgetTest, WaitsAreServedInOrder) {
  auto held = takeNow(alice, mebibytes(3));
  auto first = take(alice, mebibytes(2)), second = take(alicesOther, mebibytes(1));
  EXPECT_EQ(budget.waiting(), 2u);
  EXPECT_TRUE(alice.pressed());
  EXPECT_FALSE(bob.pressed()) << "nobody waits for what this address has";
  EXPECT_FALSE(second.poll(io.waitScope));
  held.shrink(mebibytes(1));
  auto got = first.wait(io.waitScope);
  EXPECT_EQ(got.size(), mebibytes(2));
  EXPECT_FALSE(second.poll(io.waitScope));
  held.release();
  second.wait(io.waitScope);
  EXPECT_EQ(budget.waiting(), 0u);
  EXPECT_FALSE(alice.pressed());
}

TEST_F(SharedBudgetTest, AnAddressThatWaitsForItselfHoldsUpNobody) {
  auto held = takeNow(alice, mebibytes(3));
  auto waiting = take(alice, mebibytes(2));
  EXPECT_FALSE(waiting.poll(io.waitScope));
  EXPECT_TRUE(hasRoom(bob, mebibytes(3)));
}

TEST_F(SharedBudgetTest, AddressesTakeTurns) {
  auto held = takeNow(bob, mebibytes(3));
  auto rest = takeNow(carol, mebibytes(3));
  kj::Vector<Taking> alices;
  for (int i = 0; i < 3; ++i)
    alices.add(take(alice, kibibytes(1024)));
  auto last = alices[0].wait(io.waitScope);  // the last MiB for large ones
  auto bobs = take(bob, kibibytes(256));
  EXPECT_TRUE(bob.pressed()) << "somebody waits for the bound of all";
  rest.shrink(kibibytes(3072 - 512));
  EXPECT_FALSE(alices[1].poll(io.waitScope)) << "that is the next one, and needs a MiB";
  EXPECT_FALSE(bobs.poll(io.waitScope));
  rest.shrink(kibibytes(3072 - 1280));
  EXPECT_FALSE(alices[2].poll(io.waitScope));
  EXPECT_TRUE(bobs.poll(io.waitScope)) << "one of each address, in turn";
}

TEST_F(SharedBudgetTest, AWaitThatIsDroppedLeavesNothing) {
  auto held = takeNow(alice, mebibytes(3));
  auto first = take(alice, mebibytes(3)), second = take(alice, kibibytes(512));
  EXPECT_FALSE(second.poll(io.waitScope));
  first = nullptr;
  EXPECT_TRUE(second.poll(io.waitScope)) << "what stood before it is gone";
  second = nullptr;
  held.release();
  EXPECT_EQ(budget.held(), Bytes(0));
  EXPECT_EQ(budget.waiting(), 0u);
}

TEST_F(SharedBudgetTest, WhatWasGrantedAndNotFetchedComesBack) {
  auto held = takeNow(alice, mebibytes(3));
  auto waiting = take(alice, mebibytes(3));
  EXPECT_FALSE(waiting.poll(io.waitScope));
  held.release();
  EXPECT_EQ(budget.held(), mebibytes(3));
  waiting = nullptr;
  EXPECT_EQ(budget.held(), Bytes(0));
}

TEST_F(SharedBudgetTest, ModerateWishesLeaveRoomForOthers) {
  EXPECT_EQ(budget.moderate(alice, kibibytes(100), kibibytes(1)), kibibytes(100));
  EXPECT_EQ(budget.moderate(alice, mebibytes(50), kibibytes(1)), kibibytes(448)) << "an eighth of 3.5 MiB";
  kj::Vector<SharedBudget::Lease> leases;
  for (int i = 0; i < 60; ++i)
    leases.add(takeNow(alice, budget.moderate(alice, mebibytes(50), Bytes(1))));
  EXPECT_TRUE(hasRoom(alice, Bytes(1)));
  EXPECT_EQ(budget.moderate(alice, mebibytes(50), kibibytes(64)), kibibytes(64)) << "the least that makes sense";
}

TEST_F(SharedBudgetTest, LeasesAddUpAndOutliveTheirAccount) {
  SharedBudget::Lease lease;
  {
    SharedBudget::Account dora(budget, "/10.0.0.4");
    lease = takeNow(dora, kibibytes(10));
    lease.add(budget.force(dora, kibibytes(20)));
  }
  EXPECT_EQ(lease.size(), kibibytes(30));
  EXPECT_EQ(budget.held(), kibibytes(30));
  lease.release();
  EXPECT_EQ(budget.held(), Bytes(0));
}

TEST_F(SharedBudgetTest, LoopsShareIt) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([this, t] {
      auto loop = kj::setupAsyncIo();
      SharedBudget::Account account(budget, kj::str("/10.1.0.", t));
      for (int i = 0; i < 300; ++i) {
        auto lease = budget.take(account, mebibytes(3)).wait(loop.waitScope);
        EXPECT_LE(budget.held(), mebibytes(7));
        lease.shrink(mebibytes(2));
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(budget.held(), Bytes(0));
}

}  // namespace
}  // namespace cambium
