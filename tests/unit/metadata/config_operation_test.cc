#include "engine/metadata/config_operation.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace cambium {
namespace {

using Kind = ConfigOperation::Kind;
using Pairs = std::vector<std::pair<std::string, std::string>>;

kj::Vector<ConfigSetting> settings(const Pairs& pairs) {
  kj::Vector<ConfigSetting> all;
  for (auto& [name, value] : pairs)
    all.add(ConfigSetting{kj::str(name.c_str()), kj::str(value.c_str())});
  return all;
}

std::string listed(const kj::Vector<ConfigChange>& changes) {
  std::string all;
  for (auto& change : changes) {
    KJ_IF_MAYBE(value, change.value) {
      all += kj::str(change.name, "=", *value, " ").cStr();
    } else {
      all += kj::str("-", change.name, " ").cStr();
    }
  }
  return all;
}

struct Step {
  const char* name;
  Kind kind;
  const char* value;  // null: none
};
std::string resolved(const Pairs& before, const std::vector<Step>& steps) {
  kj::Vector<ConfigOperation> operations;
  for (auto& step : steps) {
    ConfigOperation operation{kj::str(step.name), step.kind, nullptr};
    if (step.value != nullptr) operation.value = kj::str(step.value);
    operations.add(kj::mv(operation));
  }
  auto result = resolveOperations(settings(before), operations);
  return result.ok() ? listed(result.value()) : std::string(kj::str(result.error()).cStr());
}
std::string cleanup(const Pairs& before, Kind kind, const char* value) {
  return resolved(before, {{"cleanup.policy", kind, value}});
}

TEST(ConfigOperationTest, SettingAndDeletingArePassedOn) {
  EXPECT_EQ(resolved({{"flush.ms", "5"}}, {{"retention.ms", Kind::kSet, "7"}, {"flush.ms", Kind::kDelete, nullptr}}),
            "retention.ms=7 -flush.ms ");
  // What is wrong with it is said by whoever applies it.
  EXPECT_EQ(resolved({}, {{"nonsense", Kind::kSet, "7"}}), "nonsense=7 ");
}

TEST(ConfigOperationTest, ListsGrowAndShrinkFromWhatIsInForce) {
  EXPECT_EQ(cleanup({}, Kind::kAppend, "compact"), "cleanup.policy=delete,compact ");
  EXPECT_EQ(cleanup({{"cleanup.policy", "compact"}}, Kind::kAppend, "delete"), "cleanup.policy=compact,delete ");
  EXPECT_EQ(cleanup({{"cleanup.policy", "compact, delete"}}, Kind::kAppend, "delete,compact"),
            "cleanup.policy=compact,delete ");
  EXPECT_EQ(cleanup({{"cleanup.policy", "compact,delete"}}, Kind::kSubtract, "compact"), "cleanup.policy=delete ");
  EXPECT_EQ(cleanup({}, Kind::kSubtract, "compact"), "cleanup.policy=delete ");
  EXPECT_EQ(cleanup({}, Kind::kSubtract, "delete"), "cleanup.policy= ");
}

TEST(ConfigOperationTest, AnAppendHasAnElement) {
  for (auto nothing : {"", " ", ",", " , "}) {
    auto message = cleanup({}, Kind::kAppend, nothing);
    EXPECT_EQ(message.substr(0, 38), "INVALID_CONFIG: nothing is to be appen") << message;
    EXPECT_EQ(cleanup({}, Kind::kSubtract, nothing), "cleanup.policy=delete ");
  }
}

TEST(ConfigOperationTest, WhatIsNoListIsNeitherAppendedToNorSubtractedFrom) {
  for (auto kind : {Kind::kAppend, Kind::kSubtract}) {
    EXPECT_EQ(resolved({}, {{"retention.ms", kind, "7"}}),
              "INVALID_CONFIG: config retention.ms is a long, no list: it can be set, not appended to or subtracted "
              "from");
    EXPECT_EQ(resolved({}, {{"nonsense", kind, "7"}}), "INVALID_CONFIG: there is no config named \"nonsense\"");
  }
}

TEST(ConfigOperationTest, AValueIsNeededAndNoNameTwice) {
  for (auto kind : {Kind::kSet, Kind::kAppend, Kind::kSubtract}) {
    auto message = cleanup({}, kind, nullptr);
    EXPECT_EQ(message.substr(0, 51), "INVALID_REQUEST: config cleanup.policy is to be cha") << message;
  }
  EXPECT_EQ(resolved({}, {{"flush.ms", Kind::kSet, "1"}, {"flush.ms", Kind::kDelete, nullptr}}),
            "INVALID_REQUEST: config flush.ms is named twice");
}

std::string replaced(const Pairs& before, const Pairs& wanted) {
  return listed(changesToReplace(settings(before), settings(wanted)));
}

TEST(ConfigOperationTest, ReplacingResetsWhatIsNotNamed) {
  EXPECT_EQ(replaced({{"flush.ms", "5"}, {"retention.ms", "6"}}, {{"retention.ms", "7"}, {"segment.ms", "8"}}),
            "-flush.ms retention.ms=7 segment.ms=8 ");
  EXPECT_EQ(replaced({{"flush.ms", "5"}}, {}), "-flush.ms ");
}

TEST(ConfigOperationTest, ReplacingLeavesTheEngineAlone) {
  EXPECT_EQ(replaced({{"storage.engine", "native"}, {"flush.ms", "5"}}, {}), "-flush.ms ");
  EXPECT_EQ(replaced({{"storage.engine", "native"}}, {{"storage.engine", "native"}, {"flush.ms", "5"}}),
            "storage.engine=native flush.ms=5 ");
  // Named, it moves the topic.
  EXPECT_EQ(replaced({{"storage.engine", "native"}}, {{"storage.engine", "rocksdb"}}), "storage.engine=rocksdb ");
}

}  // namespace
}  // namespace cambium
