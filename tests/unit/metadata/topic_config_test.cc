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
     {"delete", "compact", "compact,delete", "delete, compact", ""},
     {"Delete", "drop", "compact,drop"},
     "a list of compact, delete"},
    {"compression.gzip.level", {"-1", "1", "9"}, {"0", "10", "-2"}, "a whole number from 1 to 9, or -1"},
    {"compression.lz4.level", {"1", "17"}, {"0", "18"}, "a whole number from 1 to 17"},
    {"compression.type",
     {"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"},
     {"none", "brotli", "", "ZSTD"},
     "one of producer, uncompressed, gzip, snappy, lz4, zstd"},
    {"compression.zstd.level", {"-131072", "22"}, {"-131073", "23"}, "a whole number from -131072 to 22"},
    {"delete.retention.ms",
     {"0", "9223372036854775807"},
     {"-1", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 0"},
    {"durability", {"fsync", "interval", "os"}, {"none", "FSYNC"}, "one of fsync, interval, os"},
    {"file.delete.delay.ms",
     {"0", "9223372036854775807"},
     {"-1", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 0"},
    {"flush.messages",
     {"1", "9223372036854775807"},
     {"0", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 1"},
    {"flush.ms",
     {"1", "9223372036854775807"},
     {"0", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 1"},
    {"follower.replication.throttled.replicas",
     {"", "*", "0:1", "0:1, 1:2"},
     {"0", "none", "0:", "a:b", "-1:1", "*,0:1"},
     "* or a list of partition:broker pairs"},
    {"index.interval.bytes", {"0", "2147483647"}, {"-1", "2147483648"}, "a whole number from 0 to 2147483647"},
    {"leader.replication.throttled.replicas",
     {"", "*", "0:1", "0:1, 1:2"},
     {"0", "none", "0:", "a:b", "-1:1", "*,0:1"},
     "* or a list of partition:broker pairs"},
    {"local.retention.bytes",
     {"-2", "9223372036854775807"},
     {"-3", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least -2"},
    {"local.retention.ms",
     {"-2", "9223372036854775807"},
     {"-3", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least -2"},
    {"max.compaction.lag.ms",
     {"1", "9223372036854775807"},
     {"0", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 1"},
    {"max.message.bytes", {"0", "2147483647"}, {"-1", "1.5", " 1"}, "a whole number from 0 to 2147483647"},
    {"message.timestamp.after.max.ms",
     {"0", "9223372036854775807"},
     {"-1", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 0"},
    {"message.timestamp.before.max.ms",
     {"0", "9223372036854775807"},
     {"-1", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 0"},
    {"message.timestamp.type", {"CreateTime", "LogAppendTime"}, {"createtime"}, "one of CreateTime, LogAppendTime"},
    {"min.cleanable.dirty.ratio", {"0", "1", "0.25", "5e-1"}, {"1.1", "-0.1", "half", ""}, "a number from 0 to 1"},
    {"min.compaction.lag.ms", {"0", "9223372036854775807"}, {"-1"}, "a whole number, at least 0"},
    {"min.insync.replicas", {"1"}, {"0", "2"}, "1: there is one broker"},
    {"preallocate", {"true", "false", "TRUE"}, {"", "yes", "1"}, "true or false"},
    {"record.validation", {"full", "headers"}, {"", "none", "Full"}, "one of full, headers"},
    {"remote.log.copy.disable", {"true", "false", "TRUE"}, {"", "yes", "1"}, "true or false"},
    {"remote.log.delete.on.disable", {"true", "false", "TRUE"}, {"", "yes", "1"}, "true or false"},
    {"remote.storage.enable", {"false"}, {"true", "no"}, "false: this broker has no tiered storage"},
    {"retention.bytes",
     {"-1", "9223372036854775807"},
     {"-2", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least -1"},
    {"retention.ms",
     {"-1", "9223372036854775807"},
     {"-2", "x", "1.5", " 1", "9223372036854775808", "1d"},
     "a whole number, at least -1"},
    {"segment.bytes", {"14", "2147483647"}, {"13", "2147483648"}, "a whole number from 14 to 2147483647"},
    {"segment.index.bytes", {"12", "2147483647"}, {"11"}, "a whole number from 12 to 2147483647"},
    {"segment.jitter.ms",
     {"0", "9223372036854775807"},
     {"-1", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 0"},
    {"segment.ms",
     {"1", "9223372036854775807"},
     {"0", "x", "1.5", " 1", "9223372036854775808"},
     "a whole number, at least 1"},
    {"storage.engine", {"", "native", "rocksdb"}, {"memory", "Native"}, "native or rocksdb"},
    {"unclean.leader.election.enable", {"true", "false", "TRUE"}, {"", "yes", "1"}, "true or false"},
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
                                        {"message.timestamp.before.max.ms", "11"},
                                        {"message.timestamp.after.max.ms", "12"},
                                        {"delete.retention.ms", "13"},
                                        {"min.cleanable.dirty.ratio", "0.25"},
                                        {"min.compaction.lag.ms", "14"},
                                        {"max.compaction.lag.ms", "15"},
                                        {"file.delete.delay.ms", "16"},
                                        {"segment.jitter.ms", "17"},
                                        {"min.insync.replicas", "1"},
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
  EXPECT_EQ(config.cleanup.retentionMs, 8);
  EXPECT_EQ(config.cleanup.retentionBytes, 9);
  EXPECT_EQ(config.partition.batchBytesMax, 10u);
  EXPECT_STREQ(config.storageEngine.cStr(), "rocksdb");
  EXPECT_EQ(config.partition.timestampBeforeMaxMs, 11);
  EXPECT_EQ(config.partition.timestampAfterMaxMs, 12);
  EXPECT_EQ(config.cleanup.deleteRetentionMs, 13);
  EXPECT_EQ(config.cleanup.minCleanableDirtyRatio, 0.25);
  EXPECT_EQ(config.cleanup.minCompactionLagMs, 14);
  EXPECT_EQ(config.cleanup.maxCompactionLagMs, 15);
  EXPECT_EQ(config.fileDeleteDelayMs, 16);
  EXPECT_EQ(config.cleanup.segmentJitterMs, 17);
  EXPECT_EQ(config.minInsyncReplicas, 1);
}

TEST(TopicConfigTest, TheLevelOfTheTopicsCodecCounts) {
  auto levelOf = [](const char* codec, const char* name, const char* level) {
    return makeTopicConfig(settings({{"compression.type", codec}, {name, level}})).value().partition.compressionLevel;
  };
  EXPECT_EQ(levelOf("gzip", "compression.gzip.level", "7"), 7);
  EXPECT_EQ(levelOf("lz4", "compression.lz4.level", "12"), 12);
  EXPECT_EQ(levelOf("zstd", "compression.zstd.level", "-1"), -1);
  EXPECT_EQ(levelOf("zstd", "compression.gzip.level", "7"), 3);
  // Kafka's 9 is not lz4's 9, but its fast compressor.
  EXPECT_EQ(levelOf("lz4", "compression.lz4.level", "9"), kDefaultCompressionLevel);
  EXPECT_EQ(levelOf("snappy", "compression.lz4.level", "12"), kDefaultCompressionLevel);
}

TEST(TopicConfigTest, PoliciesSayWhetherKeysAreNeeded) {
  auto made = [](const char* policy) { return makeTopicConfig(settings({{"cleanup.policy", policy}})); };
  EXPECT_TRUE(made("delete, compact").value().cleanup.policy == CleanupPolicy::kCompactDelete);
  EXPECT_TRUE(made("delete,compact").value().partition.keysRequired);
  EXPECT_TRUE(made("").value().cleanup.policy == CleanupPolicy::kNone);
  EXPECT_FALSE(made("").value().partition.keysRequired);
}

std::string errorOfAll(const std::vector<std::pair<std::string, std::string>>& pairs) {
  auto made = makeTopicConfig(settings(pairs));
  return made.ok() ? "" : made.error().message.cStr();
}

TEST(TopicConfigTest, ConfigsThatContradictEachOtherAreRefused) {
  EXPECT_EQ(errorOfAll({{"min.compaction.lag.ms", "5"}, {"max.compaction.lag.ms", "5"}}), "");
  EXPECT_EQ(errorOfAll({{"min.compaction.lag.ms", "6"}, {"max.compaction.lag.ms", "5"}}),
            "config min.compaction.lag.ms=6 is above max.compaction.lag.ms=5");
  EXPECT_EQ(errorOfAll({{"flush.messages", "1"}}), "");
  auto promise = errorOfAll({{"flush.messages", "1"}, {"durability", "os"}});
  EXPECT_NE(promise.find("which happen with durability=fsync only"), std::string::npos) << promise;
}

TEST(TopicConfigTest, DescriptionsSayAllThereIsToKnow) {
  auto all = describeConfigs(settings({{"retention.ms", "5"}, {"segment.ms", "604800000"}}));
  for (size_t i = 0; i < all.size(); ++i) {
    auto& each = all[i];
    EXPECT_GT(each.documentation.size(), 20u) << each.name.cStr();
    EXPECT_GT(each.validValues.size(), 0u) << each.name.cStr();
    EXPECT_FALSE(each.sensitive);
    EXPECT_FALSE(each.readOnly) << each.name.cStr();
    if (i > 0) EXPECT_TRUE(all[i - 1].name < each.name) << each.name.cStr();
    bool isSet = each.name == "retention.ms" || each.name == "segment.ms";
    // Kafka counts it as set for all brokers.
    auto unset = each.name == "min.insync.replicas" ? ConfigSource::kEveryBroker : ConfigSource::kDefault;
    EXPECT_TRUE(each.source == (isSet ? ConfigSource::kTopic : unset)) << each.name.cStr();
    if (each.name != "retention.ms") EXPECT_TRUE(each.value == each.defaultValue) << each.name.cStr();
    if (each.name == "retention.ms") {
      EXPECT_STREQ(each.value.cStr(), "5");
      EXPECT_STREQ(each.defaultValue.cStr(), "604800000");
      ASSERT_EQ(each.layers.size(), 1u) << "brokers have no value of log.retention.ms";
      EXPECT_STREQ(each.layers[0].name.cStr(), "retention.ms");
      EXPECT_STREQ(configTypeName(each.type).cStr(), "long");
      EXPECT_STREQ(each.validValues.cStr(), "a whole number, at least -1");
    }
  }
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
  EXPECT_EQ(made.value().partition.readsCompressed, plain.partition.readsCompressed);
  EXPECT_TRUE(made.value().partition.durability == Durability::kFsync);
  EXPECT_EQ(made.value().cleanup.retentionMs, plain.cleanup.retentionMs);
  EXPECT_EQ(made.value().cleanup.retentionBytes, plain.cleanup.retentionBytes);
  EXPECT_EQ(made.value().cleanup.deleteRetentionMs, plain.cleanup.deleteRetentionMs);
  EXPECT_EQ(made.value().cleanup.minCleanableDirtyRatio, plain.cleanup.minCleanableDirtyRatio);
  EXPECT_EQ(made.value().cleanup.minCompactionLagMs, plain.cleanup.minCompactionLagMs);
  EXPECT_EQ(made.value().cleanup.maxCompactionLagMs, plain.cleanup.maxCompactionLagMs);
  EXPECT_EQ(made.value().fileDeleteDelayMs, plain.fileDeleteDelayMs);
  EXPECT_EQ(made.value().cleanup.segmentJitterMs, plain.cleanup.segmentJitterMs);
  EXPECT_EQ(made.value().flushMessages, plain.flushMessages);
  EXPECT_EQ(made.value().minInsyncReplicas, plain.minInsyncReplicas);
  EXPECT_EQ(made.value().gzipLevel, plain.gzipLevel);
  EXPECT_EQ(made.value().lz4Level, plain.lz4Level);
  EXPECT_EQ(made.value().zstdLevel, plain.zstdLevel);
  EXPECT_EQ(made.value().partition.timestampBeforeMaxMs, plain.partition.timestampBeforeMaxMs);
  EXPECT_EQ(made.value().partition.timestampAfterMaxMs, plain.partition.timestampAfterMaxMs);
  EXPECT_EQ(made.value().partition.compressionLevel, plain.partition.compressionLevel);
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
  EXPECT_EQ(altered({}, {{"storage.engine", "rocksdb"}}), "storage.engine=rocksdb ");
  EXPECT_EQ(altered({{"storage.engine", "native"}}, {{"storage.engine", nullptr}}), "");
}

TEST(TopicConfigTest, WrongAlterationsAreRefused) {
  EXPECT_NE(altered({}, {{"flush.ms", "1"}, {"flush.ms", nullptr}}).find("config flush.ms is named twice"),
            std::string::npos);
  EXPECT_NE(altered({}, {{"flush", "1"}}).find("there is no config named \"flush\""), std::string::npos);
  EXPECT_NE(altered({}, {{"flush.ms", "0"}}).find("config flush.ms=0 is not valid"), std::string::npos);
}

}  // namespace
}  // namespace cambium
