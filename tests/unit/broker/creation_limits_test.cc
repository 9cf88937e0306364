#include "engine/broker/creation_limits.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

int takeAll(CreationLimits& limits, kj::StringPtr address, int64_t now, int most = 10'000) {
  int taken = 0;
  while (taken < most && limits.take(address, SteadyMs(now)))
    ++taken;
  return taken;
}

TEST(CreationLimitsTest, AnAddressHasABurstAndThenARate) {
  CreationLimits limits(100, 60);
  EXPECT_EQ(takeAll(limits, "/10.0.0.1", 5000), 100);
  EXPECT_EQ(takeAll(limits, "/10.0.0.1", 5999), 0);
  EXPECT_EQ(takeAll(limits, "/10.0.0.1", 6000), 1) << "one per second";
  EXPECT_EQ(takeAll(limits, "/10.0.0.2", 6000), 100) << "others have their own";
  EXPECT_EQ(takeAll(limits, "/10.0.0.1", 16'000), 10);
  EXPECT_EQ(takeAll(limits, "/10.0.0.1", 3'600'000), 100) << "never more than the burst";
}

TEST(CreationLimitsTest, WithoutARateThereIsNoLimit) {
  CreationLimits limits(1, 0);
  EXPECT_EQ(takeAll(limits, "/10.0.0.1", 0, 1000), 1000);
  EXPECT_EQ(limits.addresses(), 0u);
}

TEST(CreationLimitsTest, WhoIsRememberedIsBounded) {
  CreationLimits limits(2, 60);
  for (size_t i = 0; i < 3 * CreationLimits::kAddressesMax; ++i)
    limits.take(kj::str("/10.", i), SteadyMs(0));
  EXPECT_LE(limits.addresses(), CreationLimits::kAddressesMax + 1);
  EXPECT_EQ(takeAll(limits, "/10.0.0.9", 0), 0) << "those beyond share what one address may";
  EXPECT_EQ(takeAll(limits, "/10.0.0.9", 60'000), 2);
  EXPECT_EQ(limits.addresses(), 1u) << "who has rested is forgotten";
}

}  // namespace
}  // namespace cambium
