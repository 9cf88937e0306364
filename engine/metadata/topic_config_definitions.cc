#include "engine/metadata/topic_config_definitions.h"

#include <limits>

#include "engine/base/text.h"

namespace cambium {

namespace {

constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
constexpr kj::StringPtr kInt64MaxText = "9223372036854775807"_kj;

constexpr kj::StringPtr kCleanupWords[] = {"compact"_kj, "delete"_kj};
constexpr kj::StringPtr kCompressionWords[] = {"producer"_kj, "uncompressed"_kj, "gzip"_kj,
                                               "snappy"_kj,   "lz4"_kj,          "zstd"_kj};
constexpr kj::StringPtr kDurabilityWords[] = {"fsync"_kj, "interval"_kj, "os"_kj};
constexpr kj::StringPtr kTimestampWords[] = {"CreateTime"_kj, "LogAppendTime"_kj};
constexpr kj::StringPtr kValidationWords[] = {"full"_kj, "headers"_kj};
constexpr kj::StringPtr kEngineWords[] = {""_kj, "native"_kj, "rocksdb"_kj};
constexpr kj::StringPtr kThrottledText =
    "* or a list of partition:broker pairs (0:1,1:1), separated by commas, or nothing"_kj;

AllowedValues range(int64_t least, int64_t most = kInt64Max) {
  return {.least = least, .most = most};
}
template <size_t size>
AllowedValues words(const kj::StringPtr (&all)[size], kj::StringPtr text = nullptr) {
  return {.words = kj::arrayPtr(all, size), .text = text};
}
AllowedValues only(kj::StringPtr text) {
  return {.text = text};
}

// For what is checked and kept, and acted upon by nobody here.
bool keep(const ConfigValue&, TopicConfig&) {
  return true;
}

Bytes bytesOf(const ConfigValue& value) {
  return Bytes(static_cast<uint64_t>(value.number));
}

bool takeCleanupPolicy(const ConfigValue& value, TopicConfig& config) {
  bool compact = value.contains("compact");
  bool remove = value.contains("delete");
  config.cleanup.policy = compact && remove ? CleanupPolicy::kCompactDelete
                          : compact         ? CleanupPolicy::kCompact
                          : remove          ? CleanupPolicy::kDelete
                                            : CleanupPolicy::kNone;
  config.partition.keysRequired = compact;
  return true;
}

bool takeCompressionType(const ConfigValue& value, TopicConfig& config) {
  if (value.text == "producer") {
    config.partition.codec = nullptr;
  } else if (value.text == "uncompressed") {
    config.partition.codec = Codec::kNone;
  } else {
    config.partition.codec = KJ_ASSERT_NONNULL(parseCodec(value.text));
  }
  return true;
}

bool takeThrottledReplicas(const ConfigValue& value, TopicConfig&) {
  if (value.text == "*") return true;
  for (auto element : value.elements) {
    KJ_IF_MAYBE(colon, element.findFirst(':')) {
      if (parseInteger<uint32_t>(kj::str(element.slice(0, *colon))) == nullptr) return false;
      if (parseInteger<uint32_t>(element.slice(*colon + 1)) == nullptr) return false;
    } else {
      return false;
    }
  }
  return true;
}

bool takeDurability(const ConfigValue& value, TopicConfig& config) {
  config.partition.durability = value.text == "fsync"      ? Durability::kFsync
                                : value.text == "interval" ? Durability::kInterval
                                                           : Durability::kOs;
  return true;
}

// Not as in Kafka: flush.ms is a second, counts under one durability only, and is at least 1; segments are of 128 MiB,
// and may be small (14 bytes); an index holds one entry at least; retention.bytes is not below -1; min.insync.replicas
// is what can be kept.
const TopicConfigDefinition kDefinitions[] = {
    {"cleanup.policy"_kj, "log.cleanup.policy"_kj, ConfigType::kList, "delete"_kj,
     words(kCleanupWords, "a list of compact, delete, separated by commas; an empty one keeps everything"_kj),
     takeCleanupPolicy,
     "What happens to old records: delete by age and size, compact to the newest per key, both, neither (empty)."_kj},
    {"compression.gzip.level"_kj,
     "compression.gzip.level"_kj,
     ConfigType::kInt,
     "-1"_kj,
     {.least = -1, .most = 9, .text = "a whole number from 1 to 9, or -1 for the usual one"_kj},
     [](const ConfigValue& value, TopicConfig& config) {
       config.gzipLevel = static_cast<int>(value.number);
       return value.number != 0;
     },
     "Level of gzip where the broker compresses (compression.type=gzip and the producer sent another codec)."_kj},
    {"compression.lz4.level"_kj, "compression.lz4.level"_kj, ConfigType::kInt, "9"_kj, range(1, 17),
     [](const ConfigValue& value, TopicConfig& config) {
       config.lz4Level = static_cast<int>(value.number);
       return true;
     },
     "Level of lz4 where the broker compresses (compression.type=lz4 and the producer sent another codec). "
     "9 stands for the fast compressor, as in Kafka; 12 and more are the same."_kj},
    {"compression.type"_kj, "compression.type"_kj, ConfigType::kString, "producer"_kj, words(kCompressionWords),
     takeCompressionType, "Codec of the stored batches; producer keeps what was sent."_kj},
    {"compression.zstd.level"_kj, "compression.zstd.level"_kj, ConfigType::kInt, "3"_kj, range(-131072, 22),
     [](const ConfigValue& value, TopicConfig& config) {
       config.zstdLevel = static_cast<int>(value.number);
       return true;
     },
     "Level of zstd where the broker compresses (compression.type=zstd and the producer sent another codec)."_kj},
    {"delete.retention.ms"_kj, "log.cleaner.delete.retention.ms"_kj, ConfigType::kLong, "86400000"_kj, range(0),
     [](const ConfigValue& value, TopicConfig& config) {
       config.cleanup.deleteRetentionMs = value.number;
       return true;
     },
     "Milliseconds that compaction keeps a tombstone, so that slow readers learn of the deletion."_kj},
    {"durability"_kj, ""_kj, ConfigType::kString, "fsync"_kj, words(kDurabilityWords), takeDurability,
     "What an acknowledgement with acks=all promises: "
     "fsync (on the device), interval (synced every flush.ms), os (page cache)."_kj},
    {"file.delete.delay.ms"_kj, "log.segment.delete.delay.ms"_kj, ConfigType::kLong, "60000"_kj, range(0),
     [](const ConfigValue& value, TopicConfig& config) {
       config.fileDeleteDelayMs = value.number;
       return true;
     },
     "Kept, and without effect: what retention gives up of a log is removed from the device at once."_kj},
    {"flush.messages"_kj, "log.flush.interval.messages"_kj, ConfigType::kLong, kInt64MaxText, range(1),
     [](const ConfigValue& value, TopicConfig& config) {
       config.flushMessages = value.number;
       return true;
     },
     "No effect: with durability=fsync whatever is acknowledged with acks=all is on the device anyway. Together with "
     "another durability it is refused, because nobody counts records there."_kj},
    {"flush.ms"_kj, "log.flush.interval.ms"_kj, ConfigType::kLong, "1000"_kj, range(1),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.flushMs = value.number;
       return true;
     },
     "With durability=interval: milliseconds between an append and its sync. With durability=fsync it has no effect, "
     "because nothing waits; with durability=os there are no syncs."_kj,
     false, true},
    {"follower.replication.throttled.replicas"_kj, ""_kj, ConfigType::kList, ""_kj, only(kThrottledText),
     takeThrottledReplicas,
     "Kept, and without effect: this broker does not replicate, so there is nothing to slow "
     "down."_kj},
    {"index.interval.bytes"_kj, "log.index.interval.bytes"_kj, ConfigType::kInt, "4096"_kj, range(0, kInt32Max),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.log.indexIntervalBytes = bytesOf(value);
       return true;
     },
     "Bytes of batches between two entries of an offset index."_kj},
    {"leader.replication.throttled.replicas"_kj, ""_kj, ConfigType::kList, ""_kj, only(kThrottledText),
     takeThrottledReplicas,
     "Kept, and without effect: this broker does not replicate, so there is nothing to slow "
     "down."_kj},
    {"local.retention.bytes"_kj, "log.local.retention.bytes"_kj, ConfigType::kLong, "-2"_kj, range(-2), keep,
     "Kept, and without effect: this broker has no tiered storage, all that is retained is local."_kj},
    {"local.retention.ms"_kj, "log.local.retention.ms"_kj, ConfigType::kLong, "-2"_kj, range(-2), keep,
     "Kept, and without effect: this broker has no tiered storage, all that is retained is local."_kj},
    {"max.compaction.lag.ms"_kj, "log.cleaner.max.compaction.lag.ms"_kj, ConfigType::kLong, kInt64MaxText, range(1),
     [](const ConfigValue& value, TopicConfig& config) {
       config.cleanup.maxCompactionLagMs = value.number;
       return true;
     },
     "Milliseconds after which a record becomes due for compaction, however little there is to gain."_kj},
    {"max.message.bytes"_kj, "message.max.bytes"_kj, ConfigType::kInt, "1048588"_kj, range(0, kInt32Max),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.batchBytesMax = static_cast<size_t>(value.number);
       return true;
     },
     "Largest batch that is taken, in bytes as sent (compressed), and as stored where the broker compresses anew."_kj},
    {"message.timestamp.after.max.ms"_kj, "log.message.timestamp.after.max.ms"_kj, ConfigType::kLong, "3600000"_kj,
     range(0),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.timestampAfterMaxMs = value.number;
       return true;
     },
     "Milliseconds that a record's timestamp may be ahead of the broker's clock; later ones are refused. Counts with "
     "message.timestamp.type=CreateTime."_kj},
    {"message.timestamp.before.max.ms"_kj, "log.message.timestamp.before.max.ms"_kj, ConfigType::kLong, kInt64MaxText,
     range(0),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.timestampBeforeMaxMs = value.number;
       return true;
     },
     "Milliseconds that a record's timestamp may be behind the broker's clock; earlier ones are refused. Counts with "
     "message.timestamp.type=CreateTime; any value but the default makes the broker read every record, whatever "
     "record.validation says."_kj},
    {"message.timestamp.type"_kj, "log.message.timestamp.type"_kj, ConfigType::kString, "CreateTime"_kj,
     words(kTimestampWords),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.timestampType =
           value.text == "CreateTime" ? TimestampType::kCreateTime : TimestampType::kLogAppendTime;
       return true;
     },
     "Whose clock stamps the records: the producer's (CreateTime) or the broker's (LogAppendTime)."_kj},
    {"min.cleanable.dirty.ratio"_kj, "log.cleaner.min.cleanable.ratio"_kj, ConfigType::kDouble, "0.5"_kj, range(0, 1),
     [](const ConfigValue& value, TopicConfig& config) {
       config.cleanup.minCleanableDirtyRatio = value.fraction;
       return true;
     },
     "Share of a log that must be uncompacted before compaction is worth its while."_kj},
    {"min.compaction.lag.ms"_kj, "log.cleaner.min.compaction.lag.ms"_kj, ConfigType::kLong, "0"_kj, range(0),
     [](const ConfigValue& value, TopicConfig& config) {
       config.cleanup.minCompactionLagMs = value.number;
       return true;
     },
     "Milliseconds that a record is safe from compaction."_kj},
    {"min.insync.replicas"_kj,
     "min.insync.replicas"_kj,
     ConfigType::kInt,
     "1"_kj,
     {.least = 1, .most = 1, .text = "1: there is one broker, so there are no more replicas than one"_kj},
     [](const ConfigValue& value, TopicConfig& config) {
       config.minInsyncReplicas = static_cast<int32_t>(value.number);
       return true;
     },
     "Replicas that must have a record before acks=all is answered."_kj},
    {"preallocate"_kj,
     "log.preallocate"_kj,
     ConfigType::kBoolean,
     "false"_kj,
     {},
     keep,
     "Kept, and without effect: how a storage engine reserves space is its own affair."_kj},
    {"record.validation"_kj, ""_kj, ConfigType::kString, "full"_kj, words(kValidationWords),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.readsCompressed = value.text == "full";
       return true;
     },
     "What is looked at of a batch before it is acknowledged: all of its records (full), or only its header where it "
     "is "
     "compressed (headers), which costs less and takes what no consumer can read. Uncompressed batches, and all that "
     "the broker has to read anyway (compacted topics, another compression.type, message.timestamp.before.max.ms), are "
     "always looked at in full."_kj},
    {"remote.log.copy.disable"_kj,
     ""_kj,
     ConfigType::kBoolean,
     "false"_kj,
     {},
     keep,
     "Kept, and without effect: this broker has no tiered storage."_kj},
    {"remote.log.delete.on.disable"_kj,
     ""_kj,
     ConfigType::kBoolean,
     "false"_kj,
     {},
     keep,
     "Kept, and without effect: this broker has no tiered storage."_kj},
    {"remote.storage.enable"_kj, ""_kj, ConfigType::kBoolean, "false"_kj,
     only("false: this broker has no tiered storage"_kj),
     [](const ConfigValue& value, TopicConfig&) { return !value.yes; },
     "Whether old segments move to remote storage. This broker has none, so true is refused."_kj},
    {"retention.bytes"_kj, "log.retention.bytes"_kj, ConfigType::kLong, "-1"_kj, range(-1),
     [](const ConfigValue& value, TopicConfig& config) {
       config.cleanup.retentionBytes = value.number;
       return true;
     },
     "Bytes that a partition keeps at least before old segments may go; -1: no limit."_kj},
    {"retention.ms"_kj, "log.retention.ms"_kj, ConfigType::kLong, "604800000"_kj, range(-1),
     [](const ConfigValue& value, TopicConfig& config) {
       config.cleanup.retentionMs = value.number;
       return true;
     },
     "Milliseconds that records are kept at least; -1: for ever."_kj, false, true},
    {"segment.bytes"_kj, "log.segment.bytes"_kj, ConfigType::kInt, "134217728"_kj, range(14, kInt32Max),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.log.segmentBytes = bytesOf(value);
       return true;
     },
     "Size at which a segment is closed and the next one begun."_kj},
    {"segment.index.bytes"_kj, "log.index.size.max.bytes"_kj, ConfigType::kInt, "10485760"_kj, range(12, kInt32Max),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.log.indexBytesMax = bytesOf(value);
       return true;
     },
     "Size of an index at which its segment is closed."_kj},
    {"segment.jitter.ms"_kj, "log.roll.jitter.ms"_kj, ConfigType::kLong, "0"_kj, range(0),
     [](const ConfigValue& value, TopicConfig& config) {
       config.cleanup.segmentJitterMs = value.number;
       return true;
     },
     "Milliseconds that segment.ms may be shortened by, for each partition by a share of its own, so that not all "
     "segments are closed at once."_kj,
     false, true},
    {"segment.ms"_kj, "log.roll.ms"_kj, ConfigType::kLong, "604800000"_kj, range(1),
     [](const ConfigValue& value, TopicConfig& config) {
       config.partition.log.segmentMs = value.number;
       return true;
     },
     "Span of record time that one segment may hold; the active one is closed, too, when all it holds is older."_kj,
     false, true},
    {"storage.engine"_kj, ""_kj, ConfigType::kString, ""_kj, words(kEngineWords, "native or rocksdb"_kj),
     [](const ConfigValue& value, TopicConfig& config) {
       config.storageEngine = kj::str(value.text);
       return true;
     },
     "Storage engine of the topic's logs; unset: the broker's --log_engine when the topic was made. Altering it moves "
     "the "
     "logs to the other engine while producers and consumers go on; taking it away moves them to the --log_engine."_kj,
     true},
    {"unclean.leader.election.enable"_kj,
     "unclean.leader.election.enable"_kj,
     ConfigType::kBoolean,
     "false"_kj,
     {},
     keep,
     "Kept, and without effect: this broker does not replicate, so there is no other leader to elect."_kj},
};

}  // namespace

kj::ArrayPtr<const TopicConfigDefinition> topicConfigDefinitions() {
  return kDefinitions;
}

kj::Maybe<const TopicConfigDefinition&> findTopicConfig(kj::StringPtr name) {
  for (auto& definition : kDefinitions) {
    if (definition.name == name) return definition;
  }
  return nullptr;
}

}  // namespace cambium
