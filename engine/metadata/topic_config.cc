#include "engine/metadata/topic_config.h"

#include <algorithm>
#include <limits>

#include "engine/base/text.h"

namespace cambium {

namespace {

constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

// What was expected, when a value does not fit; null when it does.
using Complaint = kj::Maybe<kj::String>;

// A whole number from `least` to `most`.
Complaint integer(kj::StringPtr text, int64_t least, int64_t most, int64_t& into) {
  KJ_IF_MAYBE(value, parseInteger(text)) {
    if (*value >= least && *value <= most) {
      into = *value;
      return nullptr;
    }
  }
  if (most == kInt64Max) return kj::str("a whole number, at least ", least);
  return kj::str("a whole number from ", least, " to ", most);
}

Complaint byteCount(kj::StringPtr text, int64_t least, int64_t most, Bytes& into) {
  int64_t value = 0;
  auto complaint = integer(text, least, most, value);
  if (complaint == nullptr) into = Bytes(static_cast<uint64_t>(value));
  return complaint;
}

// One of a few words.
template <class T>
struct Choice {
  kj::StringPtr word;
  T value;
};
template <class T>
Complaint oneOf(kj::StringPtr text, std::initializer_list<Choice<T>> choices, T& into) {
  for (auto& choice : choices) {
    if (choice.word == text) {
      into = choice.value;
      return nullptr;
    }
  }
  kj::Vector<kj::StringPtr> words;
  for (auto& choice : choices)
    words.add(choice.word);
  return kj::str("one of ", kj::strArray(words, ", "));
}

Complaint compressionType(kj::StringPtr text, TopicConfig& config) {
  if (text == "producer") {
    config.partition.codec = nullptr;
    return nullptr;
  }
  if (text == "uncompressed") {
    config.partition.codec = Codec::kNone;
    return nullptr;
  }
  KJ_IF_MAYBE(codec, parseCodec(text)) {
    if (*codec != Codec::kNone) {
      config.partition.codec = *codec;
      return nullptr;
    }
  }
  return kj::str("one of producer, uncompressed, gzip, snappy, lz4, zstd");
}

Complaint cleanupPolicy(kj::StringPtr text, TopicConfig& config) {
  auto complaint = oneOf<CleanupPolicy>(text,
                                        {{"delete"_kj, CleanupPolicy::kDelete},
                                         {"compact"_kj, CleanupPolicy::kCompact},
                                         {"compact,delete"_kj, CleanupPolicy::kCompactDelete},
                                         {"delete,compact"_kj, CleanupPolicy::kCompactDelete}},
                                        config.cleanupPolicy);
  config.partition.keysRequired = config.cleanupPolicy != CleanupPolicy::kDelete;
  return complaint;
}

struct Definition {
  kj::StringPtr name;
  kj::StringPtr defaultValue;
  bool alterable;
  Complaint (*apply)(kj::StringPtr text, TopicConfig& config);
  kj::StringPtr documentation;
};

// Sorted by name.
const Definition kDefinitions[] = {
    {"cleanup.policy"_kj, "delete"_kj, true, cleanupPolicy,
     "What happens to old records: delete by age and size, compact to the newest per key, or both."_kj},
    {"compression.type"_kj, "producer"_kj, true, compressionType,
     "Codec of the stored batches; producer keeps what was sent."_kj},
    {"durability"_kj, "fsync"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) {
       return oneOf<Durability>(
           text, {{"fsync"_kj, Durability::kFsync}, {"interval"_kj, Durability::kInterval}, {"os"_kj, Durability::kOs}},
           config.partition.durability);
     },
     "What an acknowledgement with acks=all promises: "
     "fsync (on the device), interval (synced every flush.ms), os (page cache)."_kj},
    {"flush.ms"_kj, "1000"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) { return integer(text, 1, kInt64Max, config.partition.flushMs); },
     "With durability=interval: milliseconds between an append and its sync."_kj},
    {"index.interval.bytes"_kj, "4096"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) {
       return byteCount(text, 0, kInt32Max, config.partition.log.indexIntervalBytes);
     },
     "Bytes of batches between two entries of an offset index."_kj},
    {"max.message.bytes"_kj, "1048588"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) {
       int64_t value = 0;
       auto complaint = integer(text, 0, kInt32Max, value);
       if (complaint == nullptr) config.partition.batchBytesMax = static_cast<size_t>(value);
       return complaint;
     },
     "Largest batch that is taken, in bytes as sent (compressed)."_kj},
    {"message.timestamp.type"_kj, "CreateTime"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) {
       return oneOf<TimestampType>(
           text, {{"CreateTime"_kj, TimestampType::kCreateTime}, {"LogAppendTime"_kj, TimestampType::kLogAppendTime}},
           config.partition.timestampType);
     },
     "Whose clock stamps the records: the producer's (CreateTime) or the broker's (LogAppendTime)."_kj},
    {"retention.bytes"_kj, "-1"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) { return integer(text, -1, kInt64Max, config.retentionBytes); },
     "Bytes that a partition keeps at least before old segments may go; -1: no limit."_kj},
    {"retention.ms"_kj, "604800000"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) { return integer(text, -1, kInt64Max, config.retentionMs); },
     "Milliseconds that records are kept at least; -1: for ever."_kj},
    {"segment.bytes"_kj, "134217728"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) {
       return byteCount(text, 14, kInt32Max, config.partition.log.segmentBytes);
     },
     "Size at which a segment is closed and the next one begun."_kj},
    {"segment.index.bytes"_kj, "10485760"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) {
       return byteCount(text, 12, kInt32Max, config.partition.log.indexBytesMax);
     },
     "Size of an index at which its segment is closed."_kj},
    {"segment.ms"_kj, "604800000"_kj, true,
     [](kj::StringPtr text, TopicConfig& config) {
       return integer(text, 1, kInt64Max, config.partition.log.segmentMs);
     },
     "Span of record time that one segment may hold."_kj},
    {"storage.engine"_kj, ""_kj, false,
     [](kj::StringPtr text, TopicConfig& config) -> Complaint {
       if (text != "" && text != "native" && text != "rocksdb") return kj::str("native or rocksdb");
       config.storageEngine = kj::str(text);
       return nullptr;
     },
     "Storage engine of the topic's logs, chosen when the topic is made; unset: the broker's --log_engine."_kj},
};

kj::Maybe<const Definition&> find(kj::StringPtr name) {
  for (auto& definition : kDefinitions) {
    if (definition.name == name) return definition;
  }
  return nullptr;
}

kj::Maybe<const ConfigSetting&> find(kj::ArrayPtr<const ConfigSetting> settings, kj::StringPtr name) {
  for (auto& setting : settings) {
    if (setting.name == name) return setting;
  }
  return nullptr;
}

Error unknownConfig(kj::StringPtr name) {
  kj::Vector<kj::StringPtr> names;
  for (auto& definition : kDefinitions)
    names.add(definition.name);
  return makeError(ErrorCode::kInvalidConfig, "there is no config named \"", name, "\"; known are ",
                   kj::strArray(names, ", "));
}

}  // namespace

Result<TopicConfig> makeTopicConfig(kj::ArrayPtr<const ConfigSetting> settings) {
  TopicConfig config;
  for (auto& definition : kDefinitions)
    KJ_ASSERT(definition.apply(definition.defaultValue, config) == nullptr);
  for (auto& setting : settings) {
    KJ_IF_MAYBE(definition, find(setting.name)) {
      KJ_IF_MAYBE(expected, definition->apply(setting.value, config)) {
        return makeError(ErrorCode::kInvalidConfig, "config ", setting.name, "=", setting.value,
                         " is not valid: expected ", *expected);
      }
    } else {
      return unknownConfig(setting.name);
    }
  }
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
    KJ_IF_MAYBE(definition, find(change.name)) {
      if (!definition->alterable) {
        return makeError(ErrorCode::kInvalidConfig, "config ", change.name,
                         " is decided when a topic is made and cannot be altered");
      }
    } else {
      return unknownConfig(change.name);
    }
    for (size_t j = 0; j < i; ++j) {
      if (changes[j].name == change.name) {
        return makeError(ErrorCode::kInvalidConfig, "config ", change.name, " is named twice");
      }
    }
    KJ_IF_MAYBE(value, change.value) altered.add(ConfigSetting{kj::str(change.name), kj::str(*value)});
  }
  std::sort(altered.begin(), altered.end(), [](auto& a, auto& b) { return a.name < b.name; });
  auto checked = makeTopicConfig(altered);
  if (!checked.ok()) return kj::mv(checked.error());
  return kj::mv(altered);
}

kj::Vector<ConfigDescription> describeConfigs(kj::ArrayPtr<const ConfigSetting> settings) {
  kj::Vector<ConfigDescription> all;
  for (auto& definition : kDefinitions) {
    kj::StringPtr value = definition.defaultValue;
    bool isDefault = true;
    KJ_IF_MAYBE(own, find(settings, definition.name)) {
      value = own->value;
      isDefault = false;
    }
    all.add(ConfigDescription{definition.name, kj::str(value), isDefault, definition.documentation});
  }
  return all;
}

}  // namespace cambium
