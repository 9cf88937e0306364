#pragma once

#include <kj/vector.h>

#include "engine/base/error.h"
#include "engine/metadata/config_description.h"
#include "engine/partition/partition_config.h"
#include "engine/retention/cleanup_config.h"

namespace cambium {

// A config as its owner wrote it.
struct ConfigSetting {
  kj::String name;
  kj::String value;

  ConfigSetting clone() const { return {kj::str(name), kj::str(value)}; }
};

// One wish of an alteration: a new value, or null to go back to the default.
struct ConfigChange {
  kj::String name;
  kj::Maybe<kj::String> value;
};

// All configs of a topic, checked and in force. Names, units and defaults follow Kafka's where Kafka has the config.
struct TopicConfig {
  PartitionConfig partition;
  CleanupConfig cleanup;
  int64_t fileDeleteDelayMs = 60'000;
  int64_t flushMessages = std::numeric_limits<int64_t>::max();
  int32_t minInsyncReplicas = 1;
  // As written; partition.compressionLevel is the one that counts.
  int gzipLevel = -1;
  int lz4Level = 9;
  int zstdLevel = 3;
  kj::String storageEngine;  // empty: the broker's --log_engine at the time of creation; Topic::engine() is what counts
};

// The configs that result from `settings` over the defaults; the first wrong one gives kInvalidConfig, naming it, its
// value and what was expected. So do two that contradict each other.
Result<TopicConfig> makeTopicConfig(kj::ArrayPtr<const ConfigSetting> settings);

// `settings` after `changes`, sorted by name, checked as a whole.
Result<kj::Vector<ConfigSetting>> alterSettings(kj::ArrayPtr<const ConfigSetting> settings,
                                                kj::ArrayPtr<const ConfigChange> changes);

// Every config there is, sorted by name.
kj::Vector<ConfigDescription> describeConfigs(kj::ArrayPtr<const ConfigSetting> settings);

}  // namespace cambium
