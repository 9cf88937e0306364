#include "server/main/descriptor_budget.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

size_t sum(const DescriptorBudget& budget, unsigned loops) {
  return 2 * budget.filesPerEngine + 2 * loops * budget.connections + budget.httpConnections;
}

TEST(DescriptorBudgetTest, NoMoreIsGivenThanThereIs) {
  for (size_t limit : {128u, 256u, 1024u, 65536u, 1048576u}) {
    for (unsigned loops : {1u, 2u, 8u}) {
      if (limit < 256 && loops > 2) continue;  // below what is given in any case
      EXPECT_LT(sum(divideDescriptors(limit, loops, 0), loops), limit) << limit << " " << loops;
    }
  }
}

TEST(DescriptorBudgetTest, ManyAreEnoughForTheDefaults) {
  auto budget = divideDescriptors(1'048'576, 1, 0);
  EXPECT_EQ(budget.filesPerEngine, 8192u);
  EXPECT_GT(budget.connections, 20'000u);
  EXPECT_EQ(budget.httpConnections, 64u);
}

TEST(DescriptorBudgetTest, WhatWasAskedForIsTaken) {
  EXPECT_EQ(divideDescriptors(4096, 1, 100).filesPerEngine, 100u);
  EXPECT_EQ(divideDescriptors(4096, 1, 1).filesPerEngine, 32u);
  EXPECT_GT(divideDescriptors(4096, 1, 100).connections, divideDescriptors(4096, 1, 0).connections);
}

TEST(DescriptorBudgetTest, EverybodyGetsSomeWhateverTheLimit) {
  auto budget = divideDescriptors(10, 4, 0);
  EXPECT_EQ(budget.filesPerEngine, 32u);
  EXPECT_EQ(budget.connections, 4u);
  EXPECT_EQ(budget.httpConnections, 4u);
}

}  // namespace
}  // namespace cambium
