#include "engine/metadata/config_value.h"

#include <gtest/gtest.h>
#include <limits>
#include <string>

namespace cambium {
namespace {

constexpr kj::StringPtr kWords[] = {"red"_kj, "green"_kj};
const AllowedValues kColours{.words = kWords};
const AllowedValues kSmall{.least = -1, .most = 9};

bool takes(ConfigType type, const AllowedValues& allowed, const char* text) {
  return parseConfigValue(type, allowed, text) != nullptr;
}

TEST(ConfigValueTest, NumbersKeepToTheirRange) {
  for (auto type : {ConfigType::kInt, ConfigType::kShort, ConfigType::kLong}) {
    EXPECT_EQ(KJ_ASSERT_NONNULL(parseConfigValue(type, kSmall, "-1")).number, -1);
    EXPECT_EQ(KJ_ASSERT_NONNULL(parseConfigValue(type, kSmall, "9")).number, 9);
    for (auto* bad : {"-2", "10", "", "1.0", " 1", "1 ", "+1", "0x1", "9223372036854775808"})
      EXPECT_FALSE(takes(type, kSmall, bad)) << bad;
  }
}

TEST(ConfigValueTest, DoublesTakeExponentsAndNoNonsense) {
  AllowedValues share{.least = 0, .most = 1};
  EXPECT_EQ(KJ_ASSERT_NONNULL(parseConfigValue(ConfigType::kDouble, share, "5e-1")).fraction, 0.5);
  EXPECT_TRUE(takes(ConfigType::kDouble, share, "0"));
  EXPECT_TRUE(takes(ConfigType::kDouble, share, "1"));
  for (auto* bad : {"1.01", "-0.1", "nan", "inf", "", "0.5x"})
    EXPECT_FALSE(takes(ConfigType::kDouble, share, bad)) << bad;
}

TEST(ConfigValueTest, BooleansAreTakenInAnyCase) {
  EXPECT_TRUE(KJ_ASSERT_NONNULL(parseConfigValue(ConfigType::kBoolean, {}, "True")).yes);
  EXPECT_FALSE(KJ_ASSERT_NONNULL(parseConfigValue(ConfigType::kBoolean, {}, "FALSE")).yes);
  for (auto* bad : {"", "yes", "1", "tru", "truee"})
    EXPECT_FALSE(takes(ConfigType::kBoolean, {}, bad)) << bad;
}

TEST(ConfigValueTest, ListsAreTrimmedAndHaveNoElementTwice) {
  auto value = KJ_ASSERT_NONNULL(parseConfigValue(ConfigType::kList, kColours, " green ,red,,green"));
  ASSERT_EQ(value.elements.size(), 2u);
  EXPECT_TRUE(value.elements[0] == "green" && value.elements[1] == "red");
  EXPECT_TRUE(value.contains("red"));
  EXPECT_FALSE(value.contains("blue"));
  EXPECT_EQ(KJ_ASSERT_NONNULL(parseConfigValue(ConfigType::kList, kColours, "")).elements.size(), 0u);
  EXPECT_FALSE(takes(ConfigType::kList, kColours, "red,blue"));
  EXPECT_TRUE(takes(ConfigType::kList, {}, "anything,else"));
}

TEST(ConfigValueTest, WordsAreTakenLiterally) {
  EXPECT_TRUE(takes(ConfigType::kString, kColours, "red"));
  EXPECT_FALSE(takes(ConfigType::kString, kColours, "Red"));
  EXPECT_FALSE(takes(ConfigType::kString, kColours, ""));
  EXPECT_TRUE(takes(ConfigType::kString, {}, "whatever"));
}

TEST(ConfigValueTest, WhatIsAllowedIsSaid) {
  auto said = [](ConfigType type, const AllowedValues& allowed) {
    return std::string(describeAllowed(type, allowed).cStr());
  };
  EXPECT_EQ(said(ConfigType::kInt, kSmall), "a whole number from -1 to 9");
  EXPECT_EQ(said(ConfigType::kLong, {.least = 1, .most = std::numeric_limits<int64_t>::max()}),
            "a whole number, at least 1");
  EXPECT_EQ(said(ConfigType::kDouble, {.least = 0, .most = 1}), "a number from 0 to 1");
  EXPECT_EQ(said(ConfigType::kBoolean, {}), "true or false");
  EXPECT_EQ(said(ConfigType::kString, kColours), "one of red, green");
  EXPECT_EQ(said(ConfigType::kList, kColours), "a list of red, green, separated by commas");
  EXPECT_EQ(said(ConfigType::kInt, {.least = 1, .most = 1, .text = "1, for now"_kj}), "1, for now");
}

}  // namespace
}  // namespace cambium
