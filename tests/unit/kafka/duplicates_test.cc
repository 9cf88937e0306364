#include "server/kafka/duplicates.h"

#include <gtest/gtest.h>

namespace cambium::kafka {
namespace {

TEST(DuplicatesTest, TheFirstOfEach) {
  NamedOnce<std::string_view, int32_t> named;
  EXPECT_TRUE(named.first("a", 0));
  EXPECT_TRUE(named.first("a", 1));
  EXPECT_TRUE(named.first("b", 0));
  EXPECT_FALSE(named.first("a", 0));
  EXPECT_FALSE(named.first("a", 0));
}

TEST(DuplicatesTest, WhatIsNamedTwiceIsRefusedOnce) {
  using Named = NamedTwice<std::string_view>;
  Named named;
  for (auto name : {"a", "b", "a", "a"})
    named.name(name);
  EXPECT_EQ(named.answer("a"), Named::Answer::kRefuse);
  EXPECT_EQ(named.answer("b"), Named::Answer::kServe);
  EXPECT_EQ(named.answer("a"), Named::Answer::kNone);
  EXPECT_EQ(named.answer("a"), Named::Answer::kNone);
  EXPECT_TRUE(named.isNamed("a"));
  EXPECT_FALSE(named.isNamed("c"));
  EXPECT_TRUE(named.isNamedOnce("b"));
  EXPECT_FALSE(named.isNamedOnce("a"));
}

}  // namespace
}  // namespace cambium::kafka
