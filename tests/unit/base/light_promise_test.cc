#include "engine/base/light_promise.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

class LightPromiseTest : public ::testing::Test {
 public:
  ~LightPromiseTest() noexcept override = default;

 protected:
  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
};

TEST_F(LightPromiseTest, IsDoneWhenItIsFulfilled) {
  for (bool early : {false, true}) {
    auto light = newLightPromise();
    EXPECT_TRUE(light.fulfiller.isWaiting());
    if (!early) {
      EXPECT_FALSE(light.promise.poll(waitScope));
    }
    light.fulfiller.fulfill();
    EXPECT_FALSE(light.fulfiller.isWaiting());
    light.promise.wait(waitScope);
  }
}

TEST_F(LightPromiseTest, WhatComesFirstCounts) {
  auto fulfilled = newLightPromise();
  fulfilled.fulfiller.fulfill();
  fulfilled.fulfiller.reject(KJ_EXCEPTION(FAILED, "too late"));
  fulfilled.promise.wait(waitScope);

  auto rejected = newLightPromise();
  rejected.fulfiller.reject(KJ_EXCEPTION(DISCONNECTED, "gone"));
  rejected.fulfiller.fulfill();
  auto failure = kj::runCatchingExceptions([&] { rejected.promise.wait(waitScope); });
  EXPECT_EQ(KJ_ASSERT_NONNULL(failure).getType(), kj::Exception::Type::DISCONNECTED);
}

TEST_F(LightPromiseTest, FailsWhenNobodyCanFulfillItAnyMore) {
  kj::Promise<void> promise = nullptr;
  {
    auto light = newLightPromise();
    promise = kj::mv(light.promise);
  }
  EXPECT_THROW(promise.wait(waitScope), kj::Exception);
}

TEST_F(LightPromiseTest, AFulfillerMayMoveAndOutliveThePromise) {
  auto first = newLightPromise(), second = newLightPromise();
  LightFulfiller fulfiller = kj::mv(first.fulfiller);
  EXPECT_FALSE(first.fulfiller.isWaiting());
  fulfiller.fulfill();
  first.promise.wait(waitScope);

  fulfiller = kj::mv(second.fulfiller);
  EXPECT_TRUE(fulfiller.isWaiting());
  second.promise = nullptr;
  EXPECT_FALSE(fulfiller.isWaiting());
  fulfiller.fulfill();
}

TEST_F(LightPromiseTest, AFulfillerThatIsReplacedGivesItsPromiseUp) {
  auto first = newLightPromise(), second = newLightPromise();
  first.fulfiller = kj::mv(second.fulfiller);
  EXPECT_THROW(first.promise.wait(waitScope), kj::Exception);
  first.fulfiller.fulfill();
  second.promise.wait(waitScope);
}

}  // namespace
}  // namespace cambium
