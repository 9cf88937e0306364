#include "server/main/memory_return.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr int64_t kSecondNs = 1'000'000'000;

class TrimPolicyTest : public ::testing::Test {
 protected:
  // The next look, three seconds later, of a process that was busy for `busyMs` of them.
  bool look(uint64_t residentMiB, uint64_t usedMiB, int64_t busyMs = 0) {
    last_.resident = residentMiB * kMiB;
    last_.used = usedMiB * kMiB;
    last_.nowNs += 3 * kSecondNs;
    last_.cpuNs += busyMs * 1'000'000;
    return policy.shallTrim(last_);
  }
  void trimmed(uint64_t residentMiB) {
    last_.resident = residentMiB * kMiB;
    policy.trimmed(last_);
  }

  TrimPolicy policy;

 private:
  MemoryLook last_;
};

TEST_F(TrimPolicyTest, WhatIsUsedIsLeftAlone) {
  EXPECT_FALSE(look(20, 19));
  EXPECT_FALSE(look(500, 490));
}

TEST_F(TrimPolicyTest, WhatIsFreedGoesBack) {
  EXPECT_FALSE(look(500, 490));
  EXPECT_TRUE(look(500, 20));
}

TEST_F(TrimPolicyTest, WhatDoesNotGoIsNotTriedForEver) {
  EXPECT_TRUE(look(100, 50));
  trimmed(90);
  EXPECT_FALSE(look(90, 50));
  EXPECT_FALSE(look(92, 50));
  EXPECT_TRUE(look(150, 50));
}

TEST_F(TrimPolicyTest, ABusyProcessIsLeftAloneButNotForEver) {
  int looks = 0;
  while (!look(500, 20, 2000)) {
    ++looks;
    ASSERT_LE(looks, 100);
  }
  EXPECT_EQ(looks, 20);
  EXPECT_FALSE(look(500, 20, 2000)) << "it is put off anew";
  EXPECT_TRUE(look(500, 20, 100)) << "it has become calm";
}

}  // namespace
}  // namespace cambium
