#include "engine/broker/broker_settings.h"

#include <algorithm>

#include "engine/metadata/topic_config_definitions.h"

namespace cambium {

namespace {

kj::Maybe<const FlagValue&> findFlag(const BrokerConfig& config, kj::StringPtr name) {
  for (auto& flag : config.flags)
    if (flag.name == name) return flag;
  return nullptr;
}

kj::String listener(const BrokerConfig& config, kj::StringPtr flagName) {
  KJ_IF_MAYBE(flag, findFlag(config, flagName)) {
    if (flag->value.size() > 0) return kj::str("PLAINTEXT://", flag->value);
  }
  return kj::String();
}

kj::String yesOrNo(bool value) {
  return kj::str(value ? "true" : "false");
}

struct Setting {
  kj::StringPtr name;
  ConfigType type;
  // Of the command line; empty: there is nothing to choose.
  kj::StringPtr flag;
  // Without the flag, and without `value`.
  kj::StringPtr otherwise;
  // From the fields of the config; null: the flag as written.
  kj::String (*value)(const BrokerConfig& config);
  kj::StringPtr documentation;
};

const Setting kSettings[] = {
    {"advertised.listeners"_kj, ConfigType::kString, "kafka_advertise"_kj, ""_kj,
     [](const BrokerConfig& config) {
       auto own = listener(config, "kafka_advertise");
       return own.size() > 0 ? kj::mv(own) : listener(config, "kafka_listen");
     },
     "Address that Kafka clients are told to connect to. Without the flag: the one they connected to."_kj},
    {"auto.create.topics.enable"_kj, ConfigType::kBoolean, "auto_create_topics"_kj, ""_kj,
     [](const BrokerConfig& config) { return yesOrNo(config.autoCreateTopics); },
     "Whether a topic is made when a Kafka client asks for it and it is not there."_kj},
    {"broker.id"_kj, ConfigType::kInt, "broker_id"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.brokerId); }, "Number of this broker."_kj},
    {"broker.rack"_kj, ConfigType::kString, ""_kj, ""_kj, nullptr, "Where this broker stands. It does not know."_kj},
    {"cambium.cores"_kj, ConfigType::kInt, "cores"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cores); },
     "Event loops, each with its share of the partitions."_kj},
    {"cambium.disk.reserve.bytes"_kj, ConfigType::kLong, "disk_reserve_bytes"_kj, "-1"_kj, nullptr,
     "Bytes of the device that clients leave alone; -1: the larger of 64 MiB and 1 %; 0: none."_kj},
    {"cambium.log.engine"_kj, ConfigType::kString, "log_engine"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.logEngine); },
     "Storage engine of topics that do not choose one."_kj},
    {"cambium.move.bytes.per.second"_kj, ConfigType::kLong, "move_bytes_per_second"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.moveBytesPerSecond); },
     "Bytes per second that moves of topics between storage engines copy; 0: no limit."_kj},
    {"cambium.partitions.max"_kj, ConfigType::kInt, "partitions_max"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.partitionsMax); },
     "Partitions in all that this broker takes."_kj},
    {"cambium.producers.per.partition.max"_kj, ConfigType::kInt, "producers_per_partition_max"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.producers.producersMax); },
     "Idempotent producers that a partition remembers."_kj},
    {"cambium.state.engine"_kj, ConfigType::kString, "state_engine"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.stateEngine); },
     "Storage engine of metadata, committed offsets and producers."_kj},
    {"connections.max.idle.ms"_kj, ConfigType::kLong, "kafka_idle_ms"_kj, "600000"_kj, nullptr,
     "Milliseconds without a request after which a Kafka connection is closed."_kj},
    {"default.replication.factor"_kj, ConfigType::kInt, ""_kj, "1"_kj, nullptr,
     "Replicas of a topic that is made without saying how many: there is one broker."_kj},
    {"delete.topic.enable"_kj, ConfigType::kBoolean, ""_kj, "true"_kj, nullptr, "Whether topics can be deleted."_kj},
    {"group.initial.rebalance.delay.ms"_kj, ConfigType::kInt, "group_initial_rebalance_delay_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupInitialRebalanceDelayMs); },
     "Milliseconds that a consumer group that was empty waits for further members before its first rebalance."_kj},
    {"group.max.session.timeout.ms"_kj, ConfigType::kInt, "group_max_session_timeout_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupMaxSessionTimeoutMs); },
     "Greatest session timeout that a member of a consumer group may ask for."_kj},
    {"group.max.size"_kj, ConfigType::kInt, "group_max_size"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupMaxSize); },
     "Members of one consumer group at most."_kj},
    {"group.min.session.timeout.ms"_kj, ConfigType::kInt, "group_min_session_timeout_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupMinSessionTimeoutMs); },
     "Least session timeout that a member of a consumer group may ask for."_kj},
    {"listeners"_kj, ConfigType::kString, "kafka_listen"_kj, ""_kj,
     [](const BrokerConfig& config) { return listener(config, "kafka_listen"); },
     "Address of the Kafka protocol, as asked for; empty: closed."_kj},
    {"log.cleaner.backoff.ms"_kj, ConfigType::kLong, "cleaner_backoff_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cleanerBackoffMs); },
     "Milliseconds between two looks at which logs to compact, and at least after a failure."_kj},
    {"log.cleaner.dedupe.buffer.size"_kj, ConfigType::kLong, "cleaner_key_map_bytes"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cleanerKeyMapBytes); },
     "Bytes of memory for the keys of logs that are compacted, of all event loops together, 24 per key."_kj},
    {"log.cleaner.enable"_kj, ConfigType::kBoolean, ""_kj, "true"_kj, nullptr, "Whether topics are compacted."_kj},
    {"log.cleaner.io.max.bytes.per.second"_kj, ConfigType::kDouble, "cleaner_bytes_per_second"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cleanerBytesPerSecond); },
     "Bytes per second that compaction reads and writes, of all event loops together; 0: no limit."_kj},
    {"log.cleaner.threads"_kj, ConfigType::kInt, "cores"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cores); },
     "Logs that are compacted at a time: one per event loop."_kj},
    {"log.dir"_kj, ConfigType::kString, "data_dir"_kj, ""_kj, nullptr,
     "Folder that holds everything this broker keeps."_kj},
    {"log.dirs"_kj, ConfigType::kString, "data_dir"_kj, ""_kj, nullptr,
     "Folder that holds everything this broker keeps: one."_kj},
    {"log.retention.check.interval.ms"_kj, ConfigType::kLong, "retention_check_interval_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.retentionCheckMs); },
     "Milliseconds between two looks at what retention has to give up."_kj},
    {"max.connections"_kj, ConfigType::kInt, "kafka_connections_max"_kj, "20000"_kj, nullptr,
     "Kafka connections per event loop; more wait to be accepted."_kj},
    {"node.id"_kj, ConfigType::kInt, "broker_id"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.brokerId); }, "Number of this broker."_kj},
    {"num.partitions"_kj, ConfigType::kInt, "num_partitions"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.numPartitions); },
     "Partitions of a topic that is made without saying how many."_kj},
    {"offsets.retention.minutes"_kj, ConfigType::kInt, "offsets_retention_minutes"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.offsetsRetentionMinutes); },
     "Minutes that committed offsets are kept after their group has lost its last member."_kj},
    {"offsets.topic.num.partitions"_kj, ConfigType::kInt, "offsets_topic_partitions"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.offsetsPartitions); },
     "Partitions of __consumer_offsets; counts when that topic is made."_kj},
    {"offsets.topic.replication.factor"_kj, ConfigType::kShort, ""_kj, "1"_kj, nullptr,
     "Replicas of __consumer_offsets: there is one broker."_kj},
    {"offsets.topic.segment.bytes"_kj, ConfigType::kInt, "offsets_topic_segment_bytes"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.offsetsSegmentBytes); },
     "Size of a segment of __consumer_offsets, up to which nothing of it is compacted; counts when it is made."_kj},
    {"process.roles"_kj, ConfigType::kList, ""_kj, "broker,controller"_kj, nullptr,
     "What this process does: all there is to do."_kj},
    {"producer.id.expiration.ms"_kj, ConfigType::kInt, "producer_expiration_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.producers.expirationMs); },
     "Milliseconds without a batch after which a partition forgets an idempotent producer."_kj},
    {"queued.max.request.bytes"_kj, ConfigType::kLong, "kafka_request_bytes_max"_kj, "536870912"_kj, nullptr,
     "Bytes of Kafka requests that are being received or served, per event loop; more wait."_kj},
    {"socket.request.max.bytes"_kj, ConfigType::kInt, "kafka_frame_bytes_max"_kj, "104857600"_kj, nullptr,
     "Largest request of a Kafka client."_kj},
    {"transaction.max.timeout.ms"_kj, ConfigType::kInt, ""_kj, "900000"_kj, nullptr,
     "Greatest transaction timeout. Without effect: this broker has no transactions yet."_kj},
};

// As the config would be if the command line were empty.
BrokerConfig defaultsOf(const BrokerConfig& config) {
  BrokerConfig defaults;
  // What depends on the machine, or has no default here.
  defaults.cores = config.cores;
  auto engine = [&](kj::StringPtr flagName, kj::StringPtr own) {
    KJ_IF_MAYBE(flag, findFlag(config, flagName)) return kj::str(flag->defaultValue);
    return kj::str(own);
  };
  defaults.logEngine = engine("log_engine", config.logEngine);
  defaults.stateEngine = engine("state_engine", config.stateEngine);
  for (auto& flag : config.flags) {
    auto reset = flag.clone();
    reset.value = kj::str(flag.defaultValue);
    reset.given = false;
    defaults.flags.add(kj::mv(reset));
  }
  return defaults;
}

kj::String valueOf(const Setting& setting, const BrokerConfig& config) {
  if (setting.value != nullptr) return setting.value(config);
  KJ_IF_MAYBE(flag, findFlag(config, setting.flag)) return kj::str(flag->value);
  return kj::str(setting.otherwise);
}

ConfigDescription describe(const Setting& setting, const BrokerConfig& config, const BrokerConfig& defaults) {
  ConfigDescription description{.name = setting.name,
                                .value = valueOf(setting, config),
                                .defaultValue = valueOf(setting, defaults),
                                .type = setting.type,
                                .readOnly = true,
                                .documentation = setting.documentation};
  bool given = description.value != description.defaultValue;
  KJ_IF_MAYBE(flag, findFlag(config, setting.flag)) given |= flag->given;
  if (given) description.source = ConfigSource::kBroker;
  return description;
}

}  // namespace

kj::Vector<ConfigDescription> describeBroker(const BrokerConfig& config) {
  kj::Vector<ConfigDescription> all;
  auto defaults = defaultsOf(config);
  for (auto& setting : kSettings)
    all.add(describe(setting, config, defaults));
  for (auto& topic : topicConfigDefinitions()) {
    if (topic.brokerName.size() == 0) continue;
    all.add(ConfigDescription{.name = topic.brokerName,
                              .value = kj::str(topic.defaultValue),
                              .defaultValue = kj::str(topic.defaultValue),
                              .type = topic.type,
                              .readOnly = true,
                              .documentation = topic.documentation});
  }
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return all;
}

Error brokerConfigIsFixed(kj::StringPtr name) {
  for (auto& setting : kSettings) {
    if (setting.name != name) continue;
    if (setting.flag.size() == 0) {
      return makeError(ErrorCode::kInvalidRequest, "broker config ", name, " cannot be changed");
    }
    return makeError(ErrorCode::kInvalidRequest, "broker config ", name,
                     " cannot be changed while the broker runs: start it with --", setting.flag);
  }
  for (auto& topic : topicConfigDefinitions()) {
    if (topic.brokerName == name) {
      return makeError(ErrorCode::kInvalidRequest, "broker config ", name,
                       " is the same on every broker: set the topic config ", topic.name, " on the topics it is for");
    }
  }
  return makeError(ErrorCode::kInvalidRequest, "there is no broker config named \"", name,
                   "\", and those there are come from the command line");
}

}  // namespace cambium
