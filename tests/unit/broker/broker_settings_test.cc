#include "engine/broker/broker_settings.h"

#include <gtest/gtest.h>
#include <map>
#include <string>

#include "engine/metadata/topic_config_definitions.h"

namespace cambium {
namespace {

std::map<std::string, ConfigDescription> settingsOf(const BrokerConfig& config) {
  std::map<std::string, ConfigDescription> all;
  for (auto& each : describeBroker(config))
    EXPECT_TRUE(all.emplace(each.name.cStr(), kj::mv(each)).second) << each.name.cStr() << " is there twice";
  return all;
}

void give(BrokerConfig& config, kj::StringPtr name, kj::StringPtr value, kj::StringPtr defaultValue) {
  config.flags.add(FlagValue{kj::str(name), kj::str(value), kj::str(defaultValue), value != defaultValue});
}

std::string valueOf(const BrokerConfig& config, const char* name) {
  auto all = settingsOf(config);
  auto found = all.find(name);
  return found == all.end() ? "missing" : found->second.value.cStr();
}

TEST(BrokerSettingsTest, AllAreReadOnlyDocumentedAndOfTheirType) {
  BrokerConfig config;
  auto described = describeBroker(config);
  for (size_t i = 0; i < described.size(); ++i) {
    auto& each = described[i];
    EXPECT_TRUE(each.readOnly && !each.sensitive) << each.name.cStr();
    EXPECT_GT(each.documentation.size(), 10u) << each.name.cStr();
    AllowedValues any{.least = INT64_MIN, .most = INT64_MAX};
    EXPECT_TRUE(parseConfigValue(each.type, any, each.value) != nullptr)
        << each.name.cStr() << "=" << each.value.cStr();
    EXPECT_TRUE(each.isDefault()) << each.name.cStr();
    EXPECT_TRUE(each.value == each.defaultValue) << each.name.cStr();
    if (i > 0) EXPECT_TRUE(described[i - 1].name < each.name) << each.name.cStr();
  }
}

TEST(BrokerSettingsTest, WhatKafkasToolsAskForIsThere) {
  BrokerConfig config;
  config.brokerId = 7;
  for (auto& [name, value] : std::map<std::string, std::string>{{"node.id", "7"},
                                                                {"broker.id", "7"},
                                                                {"num.partitions", "1"},
                                                                {"auto.create.topics.enable", "true"},
                                                                {"default.replication.factor", "1"},
                                                                {"delete.topic.enable", "true"},
                                                                {"offsets.topic.num.partitions", "8"},
                                                                {"offsets.retention.minutes", "10080"},
                                                                {"group.initial.rebalance.delay.ms", "3000"},
                                                                {"group.min.session.timeout.ms", "6000"},
                                                                {"group.max.session.timeout.ms", "1800000"},
                                                                {"group.max.size", "2147483647"},
                                                                {"producer.id.expiration.ms", "86400000"},
                                                                {"message.max.bytes", "1048588"},
                                                                {"log.retention.ms", "604800000"},
                                                                {"log.segment.bytes", "134217728"},
                                                                {"log.cleanup.policy", "delete"},
                                                                {"compression.type", "producer"},
                                                                {"min.insync.replicas", "1"},
                                                                {"socket.request.max.bytes", "104857600"}}) {
    EXPECT_EQ(valueOf(config, name.c_str()), value) << name;
  }
}

TEST(BrokerSettingsTest, FlagsGiveValuesAndSources) {
  BrokerConfig config;
  config.numPartitions = 3;
  config.logEngine = kj::str("native");
  give(config, "num_partitions", "3", "1");
  give(config, "data_dir", "/var/lib/cambium", "./data");
  give(config, "kafka_listen", "localhost:9092", "localhost:9092");
  give(config, "kafka_advertise", "", "");
  give(config, "log_engine", "native", "native");
  give(config, "kafka_idle_ms", "5000", "600000");
  auto all = settingsOf(config.clone());
  EXPECT_TRUE(all.at("num.partitions").source == ConfigSource::kBroker);
  EXPECT_STREQ(all.at("num.partitions").defaultValue.cStr(), "1");
  EXPECT_STREQ(all.at("log.dirs").value.cStr(), "/var/lib/cambium");
  EXPECT_STREQ(all.at("log.dirs").defaultValue.cStr(), "./data");
  EXPECT_TRUE(all.at("log.dirs").source == ConfigSource::kBroker);
  EXPECT_STREQ(all.at("listeners").value.cStr(), "PLAINTEXT://localhost:9092");
  EXPECT_TRUE(all.at("listeners").isDefault());
  EXPECT_STREQ(all.at("advertised.listeners").value.cStr(), "PLAINTEXT://localhost:9092");
  EXPECT_STREQ(all.at("connections.max.idle.ms").value.cStr(), "5000");
  EXPECT_TRUE(all.at("cambium.log.engine").isDefault());
  give(config, "kafka_advertise", "broker-1:9092", "");
  EXPECT_EQ(valueOf(config, "broker.id"), "1");
}

TEST(BrokerSettingsTest, AFlagWithItsDefaultGivenIsStillTheBrokers) {
  BrokerConfig config;
  config.flags.add(FlagValue{kj::str("broker_id"), kj::str("1"), kj::str("1"), true});
  EXPECT_TRUE(settingsOf(config).at("node.id").source == ConfigSource::kBroker);
}

TEST(BrokerSettingsTest, AnAdvertisedAddressOutranksTheListener) {
  BrokerConfig config;
  give(config, "kafka_listen", "0.0.0.0:9092", "localhost:9092");
  give(config, "kafka_advertise", "broker-1:9092", "");
  EXPECT_EQ(valueOf(config, "advertised.listeners"), "PLAINTEXT://broker-1:9092");
  EXPECT_EQ(valueOf(config, "listeners"), "PLAINTEXT://0.0.0.0:9092");
}

TEST(BrokerSettingsTest, EveryDefaultOfATopicIsABrokerConfigWithADescribedName) {
  auto all = settingsOf(BrokerConfig());
  for (auto& topic : topicConfigDefinitions()) {
    if (topic.brokerName.size() == 0) continue;
    EXPECT_EQ(all.count(topic.brokerName.cStr()), 1u) << topic.brokerName.cStr();
  }
}

TEST(BrokerSettingsTest, AlteringIsRefusedWithTheWayToDoIt) {
  auto refusal = [](const char* name) { return std::string(kj::str(brokerConfigIsFixed(name)).cStr()); };
  EXPECT_EQ(refusal("num.partitions"),
            "INVALID_REQUEST: broker config num.partitions cannot be changed while the broker runs: start it with "
            "--num_partitions");
  EXPECT_EQ(refusal("delete.topic.enable"), "INVALID_REQUEST: broker config delete.topic.enable cannot be changed");
  EXPECT_EQ(refusal("log.retention.ms"),
            "INVALID_REQUEST: broker config log.retention.ms is the same on every broker: set the topic config "
            "retention.ms on the topics it is for");
  EXPECT_EQ(refusal("nonsense").substr(0, 55), "INVALID_REQUEST: there is no broker config named \"nonse");
}

}  // namespace
}  // namespace cambium
