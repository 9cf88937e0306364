#include "engine/metadata/topic_config.h"

#include <algorithm>

#include "engine/metadata/topic_config_definitions.h"

namespace cambium {

namespace {

kj::Maybe<const ConfigSetting&> find(kj::ArrayPtr<const ConfigSetting> settings, kj::StringPtr name) {
  for (auto& setting : settings) {
    if (setting.name == name) return setting;
  }
  return nullptr;
}

Error unknownConfig(kj::StringPtr name) {
  kj::Vector<kj::StringPtr> names;
  for (auto& definition : topicConfigDefinitions())
    names.add(definition.name);
  return makeError(ErrorCode::kInvalidConfig, "there is no config named \"", name, "\"; known are ",
                   kj::strArray(names, ", "));
}

bool apply(const TopicConfigDefinition& definition, kj::StringPtr text, TopicConfig& config) {
  KJ_IF_MAYBE(value, parseConfigValue(definition.type, definition.allowed, text)) {
    return definition.take(*value, config);
  }
  return false;
}

int levelOf(const TopicConfig& config, Codec codec) {
  // Kafka's lz4 takes 9 as its usual level, the fast compressor (KIP-390).
  constexpr int kLz4Fast = 9;
  switch (codec) {
    case Codec::kGzip:
      return config.gzipLevel;
    case Codec::kLz4:
      return config.lz4Level == kLz4Fast ? kDefaultCompressionLevel : config.lz4Level;
    case Codec::kZstd:
      return config.zstdLevel;
    case Codec::kNone:
    case Codec::kSnappy:
      return kDefaultCompressionLevel;
  }
  return kDefaultCompressionLevel;
}

// What can only be seen when all are there.
kj::Maybe<Error> complete(TopicConfig& config) {
  KJ_IF_MAYBE(codec, config.partition.codec) config.partition.compressionLevel = levelOf(config, *codec);
  if (config.cleanup.minCompactionLagMs > config.cleanup.maxCompactionLagMs) {
    return makeError(ErrorCode::kInvalidConfig, "config min.compaction.lag.ms=", config.cleanup.minCompactionLagMs,
                     " is above max.compaction.lag.ms=", config.cleanup.maxCompactionLagMs);
  }
  if (config.flushMessages < TopicConfig().flushMessages && config.partition.durability != Durability::kFsync) {
    return makeError(ErrorCode::kInvalidConfig, "config flush.messages=", config.flushMessages,
                     " asks for syncs by the number of records, which happen with durability=fsync only: set that, or "
                     "take flush.messages away");
  }
  return nullptr;
}

}  // namespace

Result<TopicConfig> makeTopicConfig(kj::ArrayPtr<const ConfigSetting> settings) {
  TopicConfig config;
  for (auto& definition : topicConfigDefinitions())
    KJ_ASSERT(apply(definition, definition.defaultValue, config), definition.name);
  for (auto& setting : settings) {
    KJ_IF_MAYBE(definition, findTopicConfig(setting.name)) {
      if (!apply(*definition, setting.value, config)) {
        return makeError(ErrorCode::kInvalidConfig, "config ", setting.name, "=", setting.value,
                         " is not valid: expected ", describeAllowed(definition->type, definition->allowed));
      }
    } else {
      return unknownConfig(setting.name);
    }
  }
  KJ_IF_MAYBE(error, complete(config)) return kj::mv(*error);
  return kj::mv(config);
}

Result<kj::Vector<ConfigSetting>> alterSettings(kj::ArrayPtr<const ConfigSetting> settings,
                                                kj::ArrayPtr<const ConfigChange> changes) {
  kj::Vector<ConfigSetting> altered;
  for (auto& setting : settings) {
    bool changed = false;
    for (auto& change : changes)
      changed |= change.name == setting.name;
    if (!changed) altered.add(setting.clone());
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    auto& change = changes[i];
    if (findTopicConfig(change.name) == nullptr) return unknownConfig(change.name);
    for (size_t j = 0; j < i; ++j) {
      if (changes[j].name == change.name) {
        return makeError(ErrorCode::kInvalidRequest, "config ", change.name, " is named twice");
      }
    }
    KJ_IF_MAYBE(value, change.value) altered.add(ConfigSetting{kj::str(change.name), kj::str(*value)});
  }
  std::sort(altered.begin(), altered.end(), [](auto& a, auto& b) { return a.name < b.name; });
  auto checked = makeTopicConfig(altered);
  if (!checked.ok()) return kj::mv(checked.error());
  return kj::mv(altered);
}

namespace {

// Where the broker-wide default of a topic config comes from. min.insync.replicas counts as set for all brokers: since
// Kafka 4.1 it belongs to what the cluster agrees upon.
void addBrokerLayers(ConfigDescription& description, const TopicConfigDefinition& definition) {
  if (definition.brokerName.size() == 0 || definition.unsetOnBrokers) return;
  auto add = [&](ConfigSource source) {
    description.layers.add(ConfigLayer{definition.brokerName, kj::str(definition.defaultValue), source});
  };
  if (definition.name == kMinInsyncReplicas) add(ConfigSource::kEveryBroker);
  add(ConfigSource::kDefault);
}

}  // namespace

kj::Vector<ConfigDescription> describeConfigs(kj::ArrayPtr<const ConfigSetting> settings) {
  kj::Vector<ConfigDescription> all;
  for (auto& definition : topicConfigDefinitions()) {
    ConfigDescription description{.name = definition.name,
                                  .value = kj::str(definition.defaultValue),
                                  .defaultValue = kj::str(definition.defaultValue),
                                  .type = definition.type,
                                  .documentation = definition.documentation,
                                  .validValues = describeAllowed(definition.type, definition.allowed)};
    if (definition.name == kMinInsyncReplicas) description.source = ConfigSource::kEveryBroker;
    KJ_IF_MAYBE(own, find(settings, definition.name)) {
      description.value = kj::str(own->value);
      description.source = ConfigSource::kTopic;
      description.layers.add(ConfigLayer{definition.name, kj::str(own->value), ConfigSource::kTopic});
    }
    addBrokerLayers(description, definition);
    all.add(kj::mv(description));
  }
  return all;
}

}  // namespace cambium
