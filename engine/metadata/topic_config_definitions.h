#pragma once

#include "engine/metadata/config_value.h"
#include "engine/metadata/topic_config.h"

namespace cambium {

// One config that a topic can have.
struct TopicConfigDefinition {
  kj::StringPtr name;
  // Kafka's name of the broker-wide default (ServerTopicConfigSynonyms.java); empty: there is none.
  kj::StringPtr brokerName;
  ConfigType type;
  kj::StringPtr defaultValue;
  AllowedValues allowed;
  // Takes a parsed value over; false when it is not allowed after all.
  bool (*take)(const ConfigValue& value, TopicConfig& config);
  kj::StringPtr documentation;
  // Stays as it is when the older AlterConfigs, which sets all configs at once, does not name it: a tool that knows
  // nothing of it must not change it by the way.
  bool staysUnlessNamed = false;
  // Kafka's brokers have no value of that name unless somebody sets one: the default is a constant, or a config in
  // hours. Kafka then shows no synonym either.
  bool unsetOnBrokers = false;
};

inline constexpr kj::StringPtr kMinInsyncReplicas = "min.insync.replicas"_kj;

// All of them, sorted by name. Names, types, ranges and defaults are those of LogConfig in Kafka 4.3.1 but for what is
// said at the table; durability, record.validation and storage.engine are ours.
kj::ArrayPtr<const TopicConfigDefinition> topicConfigDefinitions();
// Null when there is none of that name.
kj::Maybe<const TopicConfigDefinition&> findTopicConfig(kj::StringPtr name);

}  // namespace cambium
