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

TEST(BrokerSettingsTest, AllAreDocumentedAndOfTheirType) {
  BrokerConfig config;
  auto described = describeBroker(config);
  for (size_t i = 0; i < described.size(); ++i) {
    auto& each = described[i];
    EXPECT_TRUE(!each.sensitive) << each.name.cStr();
    EXPECT_EQ(each.readOnly, each.validValues.size() == 0) << each.name.cStr();
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
                                                                {"group.max.size", "5000"},
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
  EXPECT_TRUE(all.at("num.partitions").source == ConfigSource::kCommandLine);
  EXPECT_STREQ(all.at("num.partitions").defaultValue.cStr(), "1");
  EXPECT_STREQ(all.at("log.dirs").value.cStr(), "/var/lib/cambium");
  EXPECT_STREQ(all.at("log.dirs").defaultValue.cStr(), "./data");
  EXPECT_TRUE(all.at("log.dirs").source == ConfigSource::kCommandLine);
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
  EXPECT_TRUE(settingsOf(config).at("node.id").source == ConfigSource::kCommandLine);
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

std::string refusalOf(const char* name, const char* value, const BrokerConfig& config = BrokerConfig()) {
  kj::Vector<ConfigChange> changes;
  changes.add(ConfigChange{kj::str(name), kj::str(value)});
  kj::Vector<ConfigSetting> own;
  own.add(ConfigSetting{kj::str(name), kj::str(value)});
  auto checked = checkBrokerSettings(config, changes, ConfigSource::kThisBroker, own, nullptr);
  return checked.ok() ? "" : kj::str(checked.error()).cStr();
}

TEST(BrokerSettingsTest, WhatCannotBeSetIsRefusedWithTheWayToDoIt) {
  EXPECT_EQ(refusalOf("node.id", "2"),
            "INVALID_REQUEST: broker config node.id cannot be changed while the broker runs: start it with "
            "--broker_id");
  EXPECT_EQ(refusalOf("delete.topic.enable", "false"),
            "INVALID_REQUEST: broker config delete.topic.enable cannot be changed");
  EXPECT_EQ(refusalOf("log.retention.ms", "5"),
            "INVALID_REQUEST: broker config log.retention.ms is the same on every broker: set the topic config "
            "retention.ms on the topics it is for");
  EXPECT_EQ(refusalOf("nonsense", "5"), "INVALID_REQUEST: there is no broker config named \"nonsense\"");
  EXPECT_EQ(refusalOf("num.partitions", "0"),
            "INVALID_REQUEST: broker config num.partitions=0 is not valid: expected a whole number from 1 to 10000000");
  EXPECT_EQ(refusalOf("leader.replication.throttled.rate", "-1").substr(0, 16), "INVALID_REQUEST:");
  EXPECT_EQ(refusalOf("leader.replication.throttled.rate", "0"), "");
  EXPECT_EQ(refusalOf("num.partitions", "3"), "");
  EXPECT_EQ(refusalOf("num.partitions", "100001").substr(0, 55),
            "INVALID_REQUEST: num.partitions=100001 would be above c");
  EXPECT_EQ(refusalOf("group.max.session.timeout.ms", "5999").substr(0, 16), "INVALID_REQUEST:") << "below the least";
}

TEST(BrokerSettingsTest, WhatDoesNotExistCanBeTakenAway) {
  kj::Vector<ConfigChange> changes;
  changes.add(ConfigChange{kj::str("nonsense"), nullptr});
  changes.add(ConfigChange{kj::str("node.id"), nullptr});
  EXPECT_TRUE(checkBrokerSettings(BrokerConfig(), changes, ConfigSource::kThisBroker, nullptr, nullptr).ok());
}

// kafka-configs before Kafka 4 writes back all that is set for every broker.
TEST(BrokerSettingsTest, MinInsyncReplicasMayBeWrittenBackForEveryBroker) {
  auto refusal = [](kj::StringPtr value, ConfigSource layer) -> std::string {
    kj::Vector<ConfigChange> changes;
    changes.add(ConfigChange{kj::str("min.insync.replicas"), kj::str(value)});
    auto checked = checkBrokerSettings(BrokerConfig(), changes, layer, nullptr, nullptr);
    return checked.ok() ? "" : kj::str(checked.error()).cStr();
  };
  EXPECT_EQ(refusal("1", ConfigSource::kEveryBroker), "");
  EXPECT_NE(refusal("2", ConfigSource::kEveryBroker).find("min.insync.replicas=2 is not valid"), std::string::npos);
  EXPECT_NE(refusal("1", ConfigSource::kThisBroker).find("is the same on every broker"), std::string::npos);

  kj::Vector<ConfigSetting> set;
  set.add(ConfigSetting{kj::str("min.insync.replicas"), kj::str("1")});
  EXPECT_EQ(describeEveryBroker(set).size(), 1u);
}

std::string layersOf(const ConfigDescription& config) {
  std::string layers;
  for (auto& layer : config.layers)
    layers += kj::str(layer.value, '/', static_cast<int>(layer.source), ' ').cStr();
  return layers;
}

TEST(BrokerSettingsTest, WhatIsSetForOneBrokerOutranksAllElse) {
  BrokerConfig flags;
  flags.retentionCheckMs = 1000;
  give(flags, "retention_check_interval_ms", "1000", "300000");
  kj::Vector<ConfigSetting> own, every;
  auto current = [&] {
    auto config = flags.clone();
    applyBrokerSettings(flags, own, every, config);
    std::string layers;
    for (auto& each : describeBroker(flags, own, every))
      if (each.name == "log.retention.check.interval.ms") layers = layersOf(each);
    return std::pair(config.retentionCheckMs.get(), layers);
  };
  // 3 is set for this broker, 4 for every broker, 5 the command line, 6 the default.
  EXPECT_EQ(current(), std::pair(int64_t{1000}, std::string("1000/5 300000/6 ")));
  every.add(ConfigSetting{kj::str("log.retention.check.interval.ms"), kj::str("2000")});
  EXPECT_EQ(current(), std::pair(int64_t{2000}, std::string("2000/4 1000/5 300000/6 ")));
  own.add(ConfigSetting{kj::str("log.retention.check.interval.ms"), kj::str("3000")});
  EXPECT_EQ(current(), std::pair(int64_t{3000}, std::string("3000/3 2000/4 1000/5 300000/6 ")));
  every.clear();
  own.clear();
  own.add(ConfigSetting{kj::str("log.retention.check.interval.ms"), kj::str("of another version")});
  EXPECT_EQ(current().first, 1000) << "what is not valid counts for nothing";
}

TEST(BrokerSettingsTest, EverySettingTakesEffectAndGoesBack) {
  BrokerConfig flags;
  flags.logEngine = kj::str("native");
  for (auto& each : describeBroker(flags)) {
    if (each.readOnly) continue;
    // A value that is allowed and differs from the default.
    auto other = each.type == ConfigType::kBoolean ? kj::str(each.value == "true" ? "false" : "true")
                 : each.value == "70000"           ? kj::str("70001")
                                                   : kj::str("70000");
    kj::Vector<ConfigSetting> own;
    own.add(ConfigSetting{kj::str(each.name), kj::str(other)});
    auto config = flags.clone();
    applyBrokerSettings(flags, own, nullptr, config);
    EXPECT_EQ(valueOf(config, each.name.cStr()), other.cStr()) << each.name.cStr();
    applyBrokerSettings(flags, nullptr, nullptr, config);
    EXPECT_EQ(valueOf(config, each.name.cStr()), each.value.cStr()) << each.name.cStr();
  }
}

TEST(BrokerSettingsTest, ThrottlesAreShownWhereTheyAreSet) {
  EXPECT_EQ(settingsOf(BrokerConfig()).count("leader.replication.throttled.rate"), 0u);
  kj::Vector<ConfigSetting> set;
  set.add(ConfigSetting{kj::str("leader.replication.throttled.rate"), kj::str("7")});
  std::string names;
  for (auto& each : describeEveryBroker(set))
    names += kj::str(each.name, '=', each.value, ' ').cStr();
  EXPECT_EQ(names, "leader.replication.throttled.rate=7 min.insync.replicas=1 ");
}

}  // namespace
}  // namespace cambium
