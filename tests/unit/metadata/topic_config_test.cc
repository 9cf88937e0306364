#include "engine/metadata/topic_config.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace cambium {
namespace {

kj::Vector<ConfigSetting> settings(const std::vector<std::pair<std::string, std::string>>& pairs) {
  kj::Vector<ConfigSetting> all;
  for (auto& [name, value] : pairs)
    all.add(ConfigSetting{kj::str(name.c_str()), kj::str(value.c_str())});
  return all;
}

std::string errorOf(const std::string& name, const std::string& value) {
  auto made = makeTopicConfig(settings({{name, value}}));
  if (made.ok()) return "";
  EXPECT_EQ(made.error().code, ErrorCode::kInvalidConfig);
  return made.error().message.cStr();
}

struct Values {
  const char* name;
  std::vector<const char*> good;
  std::vector<const char*> bad;
  const char* expected;
};

const Values kValues[] = {
    {"cleanup.policy",
     {"delete", "compact", "compact,delete", "delete,compact"},
     {"", "Delete", "drop"},
     "one of delete, compact"},
    {"compression.type",
     {"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"},
     {"none", "brotli", ""},
     "one of producer, uncompressed, gzip, snappy, lz4, zstd"},
    {"durability", {"fsync", "interval", "os"}, {"none", "FSYNC"}, "one of fsync, interval, os"},
    {"flush.ms", {"1", "9223372036854775807"}, {"0", "-1", "x", "9223372036854775808"}, "a whole number, at least 1"},
    {"index.interval.bytes", {"0", "2147483647"}, {"-1", "2147483648"}, "a whole number from 0 to 2147483647"},
    {"max.message.bytes", {"0", "2147483647"}, {"-1", "1.5", " 1"}, "a whole number from 0 to 2147483647"},
    {"message.timestamp.type", {"CreateTime", "LogAppendTime"}, {"createtime"}, "one of CreateTime, LogAppendTime"},
    {"retention.bytes", {"-1", "0", "9223372036854775807"}, {"-2", ""}, "a whole number, at least -1"},
    {"retention.ms", {"-1", "0"}, {"-2", "1d"}, "a whole number, at least -1"},
    {"segment.bytes", {"14", "2147483647"}, {"13", "2147483648"}, "a whole number from 14 to 2147483647"},
    {"segment.index.bytes", {"12", "2147483647"}, {"11"}, "a whole number from 12 to 2147483647"},
    {"segment.ms", {"1", "9223372036854775807"}, {"0"}, "a whole number, at least 1"},
    {"storage.engine", {"", "native", "rocksdb"}, {"memory", "Native"}, "native or rocksdb"},
};

TEST(TopicConfigTest, EveryConfigTakesItsValuesAndNoOther) {
  std::vector<std::string> known;
  for (auto& each : describeConfigs(nullptr))
    known.emplace_back(each.name.cStr());
  ASSERT_EQ(known.size(), std::size(kValues)) << "a config is missing in this test";
  for (size_t i = 0; i < known.size(); ++i) {
    auto& values = kValues[i];
    EXPECT_EQ(known[i], values.name);
    for (auto* good : values.good)
      EXPECT_EQ(errorOf(values.name, good), "");
    for (auto* bad : values.bad) {
      auto message = errorOf(values.name, bad);
      EXPECT_NE(message.find(std::string("config ") + values.name + "=" + bad + " is not valid: expected "),
                std::string::npos)
          << message;
      EXPECT_NE(message.find(values.expected), std::string::npos) << message;
    }
  }
}

TEST(TopicConfigTest, ValuesReachThePartition) {
  auto made = makeTopicConfig(settings({{"segment.bytes", "1000"},
                                        {"segment.ms", "5"},
                                        {"segment.index.bytes", "24"},
                                        {"index.interval.bytes", "100"},
                                        {"durability", "interval"},
                                        {"flush.ms", "7"},
                                        {"compression.type", "lz4"},
                                        {"message.timestamp.type", "LogAppendTime"},
                                        {"cleanup.policy", "compact"},
                                        {"retention.ms", "8"},
                                        {"retention.bytes", "9"},
                                        {"max.message.bytes", "10"},
                                        {"storage.engine", "rocksdb"}}));
  ASSERT_TRUE(made.ok());
  auto& config = made.value();
  EXPECT_EQ(config.partition.log.segmentBytes.value(), 1000u);
  EXPECT_EQ(config.partition.log.segmentMs, 5);
  EXPECT_EQ(config.partition.log.indexBytesMax.value(), 24u);
  EXPECT_EQ(config.partition.log.indexIntervalBytes.value(), 100u);
  EXPECT_EQ(config.partition.durability, Durability::kInterval);
  EXPECT_EQ(config.partition.flushMs, 7);
  EXPECT_EQ(KJ_ASSERT_NONNULL(config.partition.codec), Codec::kLz4);
  EXPECT_EQ(config.partition.timestampType, TimestampType::kLogAppendTime);
  EXPECT_TRUE(config.partition.keysRequired);
  EXPECT_EQ(config.retentionMs, 8);
  EXPECT_EQ(config.retentionBytes, 9);
  EXPECT_EQ(config.partition.batchBytesMax, 10u);
  EXPECT_STREQ(config.storageEngine.cStr(), "rocksdb");
}

TEST(TopicConfigTest, DefaultsAreThoseOfTheStructs) {
  auto made = makeTopicConfig(nullptr);
  TopicConfig plain;
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made.value().partition.log.segmentBytes, plain.partition.log.segmentBytes);
  EXPECT_EQ(made.value().partition.log.segmentMs, plain.partition.log.segmentMs);
  EXPECT_EQ(made.value().partition.log.indexBytesMax, plain.partition.log.indexBytesMax);
  EXPECT_EQ(made.value().partition.log.indexIntervalBytes, plain.partition.log.indexIntervalBytes);
  EXPECT_EQ(made.value().partition.batchBytesMax, plain.partition.batchBytesMax);
  EXPECT_EQ(made.value().partition.flushMs, plain.partition.flushMs);
  EXPECT_TRUE(made.value().partition.durability == Durability::kFsync);
  EXPECT_EQ(made.value().retentionMs, plain.retentionMs);
  EXPECT_EQ(made.value().retentionBytes, plain.retentionBytes);
}

TEST(TopicConfigTest, UnknownNamesAreToldWithTheKnownOnes) {
  auto message = errorOf("segment.byte", "1");
  EXPECT_NE(message.find("there is no config named \"segment.byte\"; known are cleanup.policy, "), std::string::npos)
      << message;
}

std::string altered(const std::vector<std::pair<std::string, std::string>>& before,
                    const std::vector<std::pair<std::string, const char*>>& wishes) {
  kj::Vector<ConfigChange> changes;
  for (auto& [name, value] : wishes) {
    ConfigChange change{kj::str(name.c_str()), nullptr};
    if (value != nullptr) change.value = kj::str(value);
    changes.add(kj::mv(change));
  }
  auto result = alterSettings(settings(before), changes);
  if (!result.ok()) return result.error().message.cStr();
  std::string all;
  for (auto& setting : result.value())
    all += kj::str(setting.name, "=", setting.value, " ").cStr();
  return all;
}

TEST(TopicConfigTest, AlterationsReplaceAddAndReset) {
  EXPECT_EQ(altered({{"flush.ms", "5"}, {"retention.ms", "6"}},
                    {{"flush.ms", nullptr}, {"durability", "os"}, {"retention.ms", "7"}}),
            "durability=os retention.ms=7 ");
  EXPECT_EQ(altered({}, {{"flush.ms", nullptr}}), "");
  EXPECT_EQ(altered({{"storage.engine", "native"}}, {{"flush.ms", "9"}}), "flush.ms=9 storage.engine=native ");
}

TEST(TopicConfigTest, WrongAlterationsAreRefused) {
  EXPECT_NE(altered({}, {{"storage.engine", "native"}}).find("cannot be altered"), std::string::npos);
  EXPECT_NE(altered({{"storage.engine", "native"}}, {{"storage.engine", nullptr}}).find("cannot be altered"),
            std::string::npos);
  EXPECT_NE(altered({}, {{"flush.ms", "1"}, {"flush.ms", nullptr}}).find("config flush.ms is named twice"),
            std::string::npos);
  EXPECT_NE(altered({}, {{"flush", "1"}}).find("there is no config named \"flush\""), std::string::npos);
  EXPECT_NE(altered({}, {{"flush.ms", "0"}}).find("config flush.ms=0 is not valid"), std::string::npos);
}

}  // namespace
}  // namespace cambium
