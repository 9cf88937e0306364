#include <gtest/gtest.h>

#include "engine/metadata/owner_config_definitions.h"
#include "engine/metadata/owner_configs.h"

namespace cambium {
namespace {

using Kind = ConfigOwner::Kind;

std::string altered(Kind kind, const char* name, const char* value) {
  kj::Vector<ConfigChange> changes;
  changes.add(ConfigChange{kj::str(name), kj::str(value)});
  auto after = alterOwner(kind, nullptr, changes);
  return after.ok() ? "ok" : errorName(after.error().code).cStr();
}

TEST(OwnerConfigTest, DefaultsAreAllowedAndNamesAreSorted) {
  for (auto kind : {Kind::kGroup, Kind::kClientMetrics}) {
    auto all = ownerConfigDefinitions(kind);
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(altered(kind, all[i].name.cStr(), all[i].defaultValue.cStr()), "ok") << all[i].name.cStr();
      if (i > 0) EXPECT_TRUE(all[i - 1].name < all[i].name) << all[i].name.cStr();
    }
  }
  EXPECT_EQ(ownerConfigDefinitions(Kind::kGroup).size(), 17u);
  EXPECT_EQ(ownerConfigDefinitions(Kind::kClientMetrics).size(), 3u);
}

// The answers of Apache Kafka 4.3.1.
TEST(OwnerConfigTest, ValuesOfGroupsAreChecked) {
  auto group = [](const char* name, const char* value) { return altered(Kind::kGroup, name, value); };
  EXPECT_EQ(group("consumer.session.timeout.ms", "50000"), "ok");
  EXPECT_EQ(group("consumer.session.timeout.ms", "1"), "INVALID_CONFIG");
  EXPECT_EQ(group("consumer.session.timeout.ms", "abc"), "INVALID_CONFIG");
  EXPECT_EQ(group("consumer.heartbeat.interval.ms", "60000"), "INVALID_CONFIG");
  EXPECT_EQ(group("nonsense", "1"), "INVALID_CONFIG");
  for (auto good : {"earliest", "latest", "by_duration:PT1H", "by_duration:P3DT4M0.5S"})
    EXPECT_EQ(group("share.auto.offset.reset", good), "ok") << good;
  for (auto bad : {"bad", "", "by_duration:", "by_duration:P", "by_duration:PT", "by_duration:-PT1H"})
    EXPECT_EQ(group("share.auto.offset.reset", bad), "INVALID_CONFIG") << bad;
}

TEST(OwnerConfigTest, ValuesOfClientMetricsAreChecked) {
  auto metrics = [](const char* name, const char* value) { return altered(Kind::kClientMetrics, name, value); };
  EXPECT_EQ(metrics("interval.ms", "100"), "ok");
  EXPECT_EQ(metrics("interval.ms", "99"), "INVALID_REQUEST");
  EXPECT_EQ(metrics("interval.ms", "3600001"), "INVALID_REQUEST");
  EXPECT_EQ(metrics("metrics", "org.apache.kafka.,x"), "ok");
  EXPECT_EQ(metrics("nonsense", "1"), "INVALID_REQUEST");
  for (auto good : {"client_id=a.*", "client_id=(a|b)[)]\\(,client_source_port=1.*", ""})
    EXPECT_EQ(metrics("match", good), "ok") << good;
  for (auto bad : {"bad=1", "client_id", "client_id=", "client_id=(", "client_id=[a", "client_id=a)", "client_id=\\"})
    EXPECT_EQ(metrics("match", bad), "INVALID_CONFIG") << bad;
}

TEST(OwnerConfigTest, WhatIsSetStandsAboveTheDefault) {
  kj::Vector<ConfigSetting> settings;
  settings.add(ConfigSetting{kj::str("consumer.session.timeout.ms"), kj::str("50000")});
  for (auto& each : describeOwner(Kind::kGroup, settings)) {
    bool isSet = each.name == "consumer.session.timeout.ms";
    EXPECT_EQ(each.layers.size(), isSet ? 2u : 1u) << each.name.cStr();
    EXPECT_TRUE(each.source == (isSet ? ConfigSource::kGroup : ConfigSource::kDefault)) << each.name.cStr();
    if (isSet) EXPECT_STREQ(each.layers[1].name.cStr(), "group.consumer.session.timeout.ms");
  }
}

TEST(OwnerConfigTest, KeysTellWhoseTheyAre) {
  struct Case {
    Kind kind;
    const char* name;
    const char* key;
  };
  for (auto& one :
       {Case{Kind::kBroker, "1", "configs/brokers/1"}, Case{Kind::kBroker, "", "configs/brokers/"},
        Case{Kind::kGroup, "a/b", "configs/groups/a/b"}, Case{Kind::kClientMetrics, "m", "configs/client-metrics/m"}}) {
    EXPECT_STREQ(configKey({one.kind, kj::str(one.name)}).cStr(), one.key);
    auto owner = KJ_ASSERT_NONNULL(parseConfigKey(one.key));
    EXPECT_TRUE(owner.kind == one.kind && owner.name == one.name) << one.key;
  }
  EXPECT_TRUE(parseConfigKey("topics/words") == nullptr);
  EXPECT_FALSE(checkOwnerName({Kind::kGroup, kj::str()}).ok());
  EXPECT_FALSE(checkOwnerName({Kind::kGroup, kj::str(kj::repeat('x', 10'001))}).ok());
  EXPECT_FALSE(checkOwnerName({Kind::kGroup, kj::heapString("a\0b", 3)}).ok());
  EXPECT_TRUE(checkOwnerName({Kind::kBroker, kj::str()}).ok());
}

TEST(OwnerConfigTest, ConfigsAreKeptByOwner) {
  OwnerConfigs configs;
  auto settings = [] {
    kj::Vector<ConfigSetting> one;
    one.add(ConfigSetting{kj::str("a"), kj::str("1")});
    return one;
  };
  configs.put({Kind::kGroup, kj::str("g")}, settings());
  configs.put({Kind::kClientMetrics, kj::str("m")}, settings());
  configs.put({Kind::kGroup, kj::str("f")}, settings());
  EXPECT_STREQ(kj::strArray(configs.namesOf(Kind::kGroup), " ").cStr(), "f g");
  EXPECT_STREQ(kj::strArray(configs.namesOf(Kind::kBroker), " ").cStr(), "");
  configs.put({Kind::kGroup, kj::str("f")}, {});
  EXPECT_STREQ(kj::strArray(configs.namesOf(Kind::kGroup), " ").cStr(), "g");
  EXPECT_EQ(configs.size(), 2u);
  EXPECT_EQ(configs.settingsOf({Kind::kGroup, kj::str("f")}).size(), 0u);
  auto kept = decodeSettings(encodeSettings(configs.settingsOf({Kind::kGroup, kj::str("g")})));
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept[0].name == "a" && kept[0].value == "1");
}

}  // namespace
}  // namespace cambium
