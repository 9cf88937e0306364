#include "engine/broker/broker_settings.h"

#include <algorithm>

#include <kj/debug.h>

#include "engine/metadata/owner_config_definitions.h"
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
  // For what can be set while the broker runs: what may be given, and what takes it over. Null: it cannot be set.
  AllowedValues allowed{};
  void (*take)(const ConfigValue& value, BrokerConfig& config) = nullptr;
  // Shown only where somebody has set it, as Kafka does.
  bool hiddenUnlessSet = false;
};

constexpr int64_t kInt32Max = INT32_MAX;
constexpr int64_t kInt64Max = INT64_MAX;
constexpr int64_t kYearMs = INT64_C(365) * 24 * 3600 * 1000;

AllowedValues range(int64_t least, int64_t most) {
  return {.least = least, .most = most};
}

// For what is kept and shown, and has no effect here.
void keep(const ConfigValue&, BrokerConfig&) {}

constexpr kj::StringPtr kThrottleText =
    "Kept, and without effect: this broker does not replicate, so there is nothing to slow down. Bytes per second."_kj;

const Setting kSettings[] = {
    {"advertised.listeners"_kj, ConfigType::kString, "kafka_advertise"_kj, ""_kj,
     [](const BrokerConfig& config) {
       auto own = listener(config, "kafka_advertise");
       return own.size() > 0 ? kj::mv(own) : listener(config, "kafka_listen");
     },
     "Address that Kafka clients are told to connect to. Without the flag: the one they connected to."_kj},
    {"auto.create.topics.enable"_kj,
     ConfigType::kBoolean,
     "auto_create_topics"_kj,
     ""_kj,
     [](const BrokerConfig& config) { return yesOrNo(config.autoCreateTopics); },
     "Whether a topic is made when a Kafka client asks for it and it is not there."_kj,
     {},
     [](const ConfigValue& value, BrokerConfig& config) { config.autoCreateTopics = value.yes; }},
    {"broker.id"_kj, ConfigType::kInt, "broker_id"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.brokerId); }, "Number of this broker."_kj},
    {"broker.rack"_kj, ConfigType::kString, ""_kj, ""_kj, nullptr, "Where this broker stands. It does not know."_kj},
    {"cambium.auto.create.topics.burst"_kj, ConfigType::kInt, "auto_create_topics_burst"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.autoCreateBurst); },
     "Topics that one client address may have made at once by naming them."_kj},
    {"cambium.auto.create.topics.per.minute"_kj, ConfigType::kInt, "auto_create_topics_per_minute"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.autoCreatePerMinute); },
     "Topics per minute that one client address may have made by naming them; 0: no limit."_kj},
    {"cambium.answer.bytes.max"_kj, ConfigType::kLong, "answer_bytes_max"_kj, "536870912"_kj, nullptr,
     "Bytes of answers that clients have not taken yet, all together; beyond, answers become smaller."_kj},
    {"cambium.answer.bytes.per.address.max"_kj, ConfigType::kLong, "answer_bytes_per_address_max"_kj, "0"_kj, nullptr,
     "Such bytes of the clients of one address; 0: a half of all."_kj},
    {"cambium.connection.bytes.max"_kj, ConfigType::kLong, "connection_bytes_max"_kj, "33554432"_kj, nullptr,
     "Bytes of calls under way per RPC connection, before it is read no further."_kj},
    {"cambium.connections.per.address.max"_kj, ConfigType::kInt, "connections_per_address_max"_kj, "0"_kj, nullptr,
     "Connections of one client address to each of the two doors; 0: a half of what a door takes."_kj},
    {"cambium.cores"_kj, ConfigType::kInt, "cores"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cores); },
     "Event loops, each with its share of the partitions."_kj},
    {"cambium.decompressed.batch.bytes.max"_kj, ConfigType::kLong, "decompressed_batch_bytes_max"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.decompressedBatchBytesMax); },
     "Bytes that the records of a compressed batch may come to."_kj},
    {"cambium.disk.reserve.bytes"_kj, ConfigType::kLong, "disk_reserve_bytes"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.diskReserveBytes.get()); },
     "Bytes of the device that clients leave alone; -1: the larger of 64 MiB and 1 %; 0: none."_kj,
     range(-1, int64_t{1} << 50),
     [](const ConfigValue& value, BrokerConfig& config) { config.diskReserveBytes = value.number; }},
    {"cambium.group.member.bytes.max"_kj, ConfigType::kLong, "group_member_bytes_max"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupMemberBytesMax); },
     "Bytes of ids, protocols and subscriptions of all members of one consumer group at most."_kj},
    {"cambium.group.offset.metadata.bytes.max"_kj, ConfigType::kLong, "group_offset_metadata_bytes_max"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupMetadataBytesMax); },
     "Bytes of metadata that clients keep with all committed offsets of one consumer group at most."_kj},
    {"cambium.http.hosts"_kj, ConfigType::kList, "http_hosts"_kj, ""_kj, nullptr,
     "Names under which HTTP may be asked, besides those of this machine."_kj},
    {"cambium.http.listen"_kj, ConfigType::kString, "http_listen"_kj, ""_kj, nullptr,
     "Address of HTTP (health, metrics); empty: closed."_kj},
    {"cambium.log.engine"_kj, ConfigType::kString, "log_engine"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.logEngine); },
     "Storage engine of topics that do not choose one."_kj},
    {"cambium.metrics.topics.max"_kj, ConfigType::kInt, "metrics_topics_max"_kj, "200"_kj, nullptr,
     "Topics with series of their own in /metrics; the others are summed up."_kj},
    {"cambium.move.bytes.per.second"_kj, ConfigType::kLong, "move_bytes_per_second"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.moveBytesPerSecond.get()); },
     "Bytes per second that moves of topics between storage engines copy; 0: no limit."_kj, range(0, int64_t{1} << 40),
     [](const ConfigValue& value, BrokerConfig& config) {
       config.moveBytesPerSecond = Bytes(static_cast<uint64_t>(value.number));
     }},
    {"cambium.open.files.max"_kj, ConfigType::kInt, "open_files_max"_kj, "0"_kj, nullptr,
     "Segment and index files that each storage engine keeps open; 0: what the limit of descriptors allows."_kj},
    {"cambium.partitions.max"_kj, ConfigType::kInt, "partitions_max"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.partitionsMax.get()); },
     "Partitions in all that this broker takes."_kj, range(1, 10'000'000),
     [](const ConfigValue& value, BrokerConfig& config) { config.partitionsMax = static_cast<int32_t>(value.number); }},
    {"cambium.producers.per.partition.max"_kj, ConfigType::kInt, "producers_per_partition_max"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.producers.producersMax); },
     "Idempotent producers that a partition remembers."_kj},
    {"cambium.read.bytes.max"_kj, ConfigType::kLong, "read_bytes_max"_kj, "16777216"_kj, nullptr,
     "Bytes of one read or push over RPC, at most."_kj},
    {"cambium.rpc.calls.max"_kj, ConfigType::kInt, "rpc_calls_max"_kj, "32768"_kj, nullptr,
     "Calls of one RPC connection that are not answered or not finished; beyond, it is closed."_kj},
    {"cambium.rpc.capabilities.max"_kj, ConfigType::kInt, "rpc_capabilities_max"_kj, "32768"_kj, nullptr,
     "Capabilities that one RPC connection keeps; beyond, it is closed."_kj},
    {"cambium.rpc.connections.max"_kj, ConfigType::kInt, "rpc_connections_max"_kj, "10000"_kj, nullptr,
     "RPC connections per event loop; more wait to be accepted."_kj},
    {"cambium.rpc.held.max"_kj, ConfigType::kInt, "rpc_held_max"_kj, "131072"_kj, nullptr,
     "Such calls and capabilities of all RPC connections together, per event loop."_kj},
    {"cambium.rpc.listen"_kj, ConfigType::kString, "rpc_listen"_kj, ""_kj, nullptr,
     "Address of Cap'n Proto RPC; empty: closed."_kj},
    {"cambium.rpc.request.bytes.max"_kj, ConfigType::kLong, "rpc_request_bytes_max"_kj, "536870912"_kj, nullptr,
     "Bytes of RPC requests that are being received or served, per event loop; more wait."_kj},
    {"cambium.segment.bytes.min"_kj, ConfigType::kInt, "segment_bytes_min"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.segmentBytesMin.get()); },
     "Least segment.bytes that a topic may be given; topics that have less keep it."_kj, range(14, kInt32Max),
     [](const ConfigValue& value, BrokerConfig& config) { config.segmentBytesMin = value.number; }},
    {"cambium.state.engine"_kj, ConfigType::kString, "state_engine"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.stateEngine); },
     "Storage engine of metadata, committed offsets and producers."_kj},
    {"cambium.sync.threads"_kj, ConfigType::kInt, "sync_threads"_kj, "2"_kj, nullptr,
     "Threads that write to the device what was appended."_kj},
    {"cambium.unsent.bytes.max"_kj, ConfigType::kLong, "unsent_bytes_max"_kj, "33554432"_kj, nullptr,
     "Bytes of records that an RPC client has not taken yet, before further reads wait."_kj},
    {"cambium.verbose"_kj, ConfigType::kBoolean, "verbose"_kj, "false"_kj, nullptr,
     "Whether the broker logs what goes on, as it was started; the levels in force are those of its loggers."_kj},
    {"connections.max.idle.ms"_kj, ConfigType::kLong, "kafka_idle_ms"_kj, "600000"_kj, nullptr,
     "Milliseconds without a request after which a Kafka connection is closed."_kj},
    {"default.replication.factor"_kj, ConfigType::kInt, ""_kj, "1"_kj, nullptr,
     "Replicas of a topic that is made without saying how many: there is one broker."_kj},
    {"delete.topic.enable"_kj, ConfigType::kBoolean, ""_kj, "true"_kj, nullptr, "Whether topics can be deleted."_kj},
    {"fetch.max.bytes"_kj, ConfigType::kInt, ""_kj, "57671680"_kj, nullptr,
     "Bytes of records in one answer to a Kafka client, at most (but always one whole batch)."_kj},
    {"follower.replication.throttled.rate"_kj, ConfigType::kLong, ""_kj, ""_kj, nullptr, kThrottleText,
     range(0, kInt64Max), keep, true},
    {"group.initial.rebalance.delay.ms"_kj, ConfigType::kInt, "group_initial_rebalance_delay_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupInitialRebalanceDelayMs.get()); },
     "Milliseconds that a consumer group that was empty waits for further members before its first rebalance."_kj,
     range(0, 3'600'000),
     [](const ConfigValue& value, BrokerConfig& config) { config.groupInitialRebalanceDelayMs = value.number; }},
    {"group.max.session.timeout.ms"_kj, ConfigType::kInt, "group_max_session_timeout_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupMaxSessionTimeoutMs.get()); },
     "Greatest session timeout that a member of a consumer group may ask for."_kj, range(1, kInt32Max),
     [](const ConfigValue& value, BrokerConfig& config) { config.groupMaxSessionTimeoutMs = value.number; }},
    {"group.max.size"_kj, ConfigType::kInt, "group_max_size"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupMaxSize.get()); },
     "Members of one consumer group at most."_kj, range(1, kInt32Max),
     [](const ConfigValue& value, BrokerConfig& config) { config.groupMaxSize = static_cast<int32_t>(value.number); }},
    {"group.min.session.timeout.ms"_kj, ConfigType::kInt, "group_min_session_timeout_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.groupMinSessionTimeoutMs.get()); },
     "Least session timeout that a member of a consumer group may ask for."_kj, range(1, kInt32Max),
     [](const ConfigValue& value, BrokerConfig& config) { config.groupMinSessionTimeoutMs = value.number; }},
    {"leader.replication.throttled.rate"_kj, ConfigType::kLong, ""_kj, ""_kj, nullptr, kThrottleText,
     range(0, kInt64Max), keep, true},
    {"listeners"_kj, ConfigType::kString, "kafka_listen"_kj, ""_kj,
     [](const BrokerConfig& config) { return listener(config, "kafka_listen"); },
     "Address of the Kafka protocol, as asked for; empty: closed."_kj},
    {"log.cleaner.backoff.ms"_kj, ConfigType::kLong, "cleaner_backoff_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cleanerBackoffMs.get()); },
     "Milliseconds between two looks at which logs to compact, and at least after a failure."_kj, range(1, kYearMs),
     [](const ConfigValue& value, BrokerConfig& config) { config.cleanerBackoffMs = value.number; }},
    {"log.cleaner.dedupe.buffer.size"_kj, ConfigType::kLong, "cleaner_key_map_bytes"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cleanerKeyMapBytes.get()); },
     "Bytes of memory for the keys of logs that are compacted, of all event loops together, 24 per key."_kj,
     range(1 << 16, int64_t{1} << 40),
     [](const ConfigValue& value, BrokerConfig& config) {
       config.cleanerKeyMapBytes = static_cast<uint64_t>(value.number);
     }},
    {"log.cleaner.enable"_kj, ConfigType::kBoolean, ""_kj, "true"_kj, nullptr, "Whether topics are compacted."_kj},
    {"log.cleaner.io.max.bytes.per.second"_kj, ConfigType::kDouble, "cleaner_bytes_per_second"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cleanerBytesPerSecond.get()); },
     "Bytes per second that compaction reads and writes, of all event loops together; 0: no limit."_kj,
     range(0, int64_t{1} << 50),
     [](const ConfigValue& value, BrokerConfig& config) {
       config.cleanerBytesPerSecond = static_cast<uint64_t>(value.fraction);
     }},
    {"log.cleaner.threads"_kj, ConfigType::kInt, "cores"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.cores); },
     "Logs that are compacted at a time: one per event loop."_kj},
    {"log.dir"_kj, ConfigType::kString, "data_dir"_kj, ""_kj, nullptr,
     "Folder that holds everything this broker keeps."_kj},
    {"log.dirs"_kj, ConfigType::kString, "data_dir"_kj, ""_kj, nullptr,
     "Folder that holds everything this broker keeps: one."_kj},
    {"log.retention.check.interval.ms"_kj, ConfigType::kLong, "retention_check_interval_ms"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.retentionCheckMs.get()); },
     "Milliseconds between two looks at what retention has to give up."_kj, range(1, kYearMs),
     [](const ConfigValue& value, BrokerConfig& config) { config.retentionCheckMs = value.number; }},
    {"max.connections"_kj, ConfigType::kInt, "kafka_connections_max"_kj, "20000"_kj, nullptr,
     "Kafka connections per event loop; more wait to be accepted."_kj},
    {"max.incremental.fetch.session.cache.slots"_kj, ConfigType::kInt, ""_kj, "1000"_kj, nullptr,
     "Fetch sessions of Kafka clients, per event loop."_kj},
    {"node.id"_kj, ConfigType::kInt, "broker_id"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.brokerId); }, "Number of this broker."_kj},
    {"num.partitions"_kj, ConfigType::kInt, "num_partitions"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.numPartitions.get()); },
     "Partitions of a topic that is made without saying how many."_kj, range(1, 10'000'000),
     [](const ConfigValue& value, BrokerConfig& config) { config.numPartitions = static_cast<int32_t>(value.number); }},
    {"offset.metadata.max.bytes"_kj, ConfigType::kInt, ""_kj, "4096"_kj, nullptr,
     "Bytes of what a client may write beside a committed offset."_kj},
    {"offsets.retention.minutes"_kj, ConfigType::kInt, "offsets_retention_minutes"_kj, ""_kj,
     [](const BrokerConfig& config) { return kj::str(config.offsetsRetentionMinutes.get()); },
     "Minutes that committed offsets are kept after their group has lost its last member."_kj, range(1, kInt32Max),
     [](const ConfigValue& value, BrokerConfig& config) { config.offsetsRetentionMinutes = value.number; }},
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
    {"replica.alter.log.dirs.io.max.bytes.per.second"_kj, ConfigType::kLong, ""_kj, ""_kj, nullptr, kThrottleText,
     range(0, kInt64Max), keep, true},
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

kj::Maybe<const ConfigSetting&> find(kj::ArrayPtr<const ConfigSetting> settings, kj::StringPtr name) {
  for (auto& setting : settings)
    if (setting.name == name) return setting;
  return nullptr;
}

kj::Maybe<const Setting&> findSetting(kj::StringPtr name) {
  for (auto& setting : kSettings)
    if (setting.name == name) return setting;
  return nullptr;
}

// From the lowest layer up: what is on top counts.
ConfigDescription describe(const Setting& setting, const BrokerConfig& commandLine, const BrokerConfig& defaults,
                           kj::ArrayPtr<const ConfigSetting> own, kj::ArrayPtr<const ConfigSetting> everyBrokers) {
  ConfigDescription description{.name = setting.name,
                                .value = valueOf(setting, commandLine),
                                .defaultValue = valueOf(setting, defaults),
                                .type = setting.type,
                                .readOnly = setting.take == nullptr,
                                .documentation = setting.documentation};
  if (setting.take != nullptr) description.validValues = describeAllowed(setting.type, setting.allowed);
  bool given = description.value != description.defaultValue;
  KJ_IF_MAYBE(flag, findFlag(commandLine, setting.flag)) given |= flag->given;
  kj::Vector<ConfigLayer> upwards;
  auto add = [&](kj::StringPtr value, ConfigSource source) {
    upwards.add(ConfigLayer{setting.name, kj::str(value), source});
    description.value = kj::str(value);
    description.source = source;
  };
  auto ofCommandLine = kj::str(description.value);
  if (!setting.hiddenUnlessSet) add(description.defaultValue, ConfigSource::kDefault);
  if (given) add(ofCommandLine, ConfigSource::kCommandLine);
  KJ_IF_MAYBE(set, find(everyBrokers, setting.name)) add(set->value, ConfigSource::kEveryBroker);
  KJ_IF_MAYBE(set, find(own, setting.name)) add(set->value, ConfigSource::kThisBroker);
  for (size_t i = upwards.size(); i > 0; --i)
    description.layers.add(kj::mv(upwards[i - 1]));
  return description;
}

// The default of a topic config: the same on every broker, and not to be set.
ConfigDescription describeTopicDefault(const TopicConfigDefinition& topic) {
  ConfigDescription description{.name = topic.brokerName,
                                .value = kj::str(topic.defaultValue),
                                .defaultValue = kj::str(topic.defaultValue),
                                .type = topic.type,
                                .readOnly = true,
                                .documentation = topic.documentation};
  if (topic.name == kMinInsyncReplicas) {
    description.source = ConfigSource::kEveryBroker;
    description.layers.add(ConfigLayer{topic.brokerName, kj::str(topic.defaultValue), ConfigSource::kEveryBroker});
  }
  description.layers.add(ConfigLayer{topic.brokerName, kj::str(topic.defaultValue), ConfigSource::kDefault});
  return description;
}

// The default of a group's config.
ConfigDescription describeGroupDefault(const OwnerConfigDefinition& group) {
  ConfigDescription description{.name = group.brokerName,
                                .value = kj::str(group.defaultValue),
                                .defaultValue = kj::str(group.defaultValue),
                                .type = group.type,
                                .readOnly = true,
                                .documentation = group.documentation};
  description.layers.add(ConfigLayer{group.brokerName, kj::str(group.defaultValue), ConfigSource::kDefault});
  return description;
}

void sortByName(kj::Vector<ConfigDescription>& all) {
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; });
}

// Why a config cannot be set while the broker runs, and what to do instead: names the flag, or the topic config.
Error isFixed(kj::StringPtr name) {
  KJ_IF_MAYBE(setting, findSetting(name)) {
    if (setting->flag.size() == 0) {
      return makeError(ErrorCode::kInvalidRequest, "broker config ", name, " cannot be changed");
    }
    return makeError(ErrorCode::kInvalidRequest, "broker config ", name,
                     " cannot be changed while the broker runs: start it with --", setting->flag);
  }
  for (auto& topic : topicConfigDefinitions()) {
    if (topic.brokerName == name) {
      return makeError(ErrorCode::kInvalidRequest, "broker config ", name,
                       " is the same on every broker: set the topic config ", topic.name, " on the topics it is for");
    }
  }
  for (auto& group : ownerConfigDefinitions(ConfigOwner::Kind::kGroup)) {
    if (group.brokerName != name) continue;
    return makeError(ErrorCode::kInvalidRequest, "broker config ", name,
                     " is the same on every broker: set the group config ", group.name, " on the groups it is for");
  }
  return makeError(ErrorCode::kInvalidRequest, "there is no broker config named \"", name, "\"");
}

// min.insync.replicas counts as set for every broker. So tools that write back all that is set (kafka-configs before
// Kafka 4) name it beside what they change. For one broker Kafka refuses it too.
Result<void> checkMinInsyncReplicas(kj::StringPtr value) {
  auto& config = KJ_ASSERT_NONNULL(findTopicConfig(kMinInsyncReplicas));
  if (parseConfigValue(config.type, config.allowed, value) != nullptr) return Result<void>();
  return makeError(ErrorCode::kInvalidRequest, "broker config ", config.brokerName, "=", value,
                   " is not valid: expected ", describeAllowed(config.type, config.allowed));
}

Result<void> checkChange(const ConfigChange& change, ConfigSource layer) {
  KJ_IF_MAYBE(value, change.value) {
    if (change.name == kMinInsyncReplicas && layer == ConfigSource::kEveryBroker) return checkMinInsyncReplicas(*value);
    KJ_IF_MAYBE(setting, findSetting(change.name)) {
      if (setting->take == nullptr) return isFixed(change.name);
      if (parseConfigValue(setting->type, setting->allowed, *value) != nullptr) return Result<void>();
      return makeError(ErrorCode::kInvalidRequest, "broker config ", change.name, "=", *value,
                       " is not valid: expected ", describeAllowed(setting->type, setting->allowed));
    }
    return isFixed(change.name);
  }
  return Result<void>();
}

// What was set for this broker, else what was set for every broker, else what the command line says, which was checked
// by whoever made it.
ConfigValue valueInForce(const Setting& setting, const BrokerConfig& commandLine, kj::ArrayPtr<const ConfigSetting> own,
                         kj::ArrayPtr<const ConfigSetting> everyBrokers) {
  for (auto settings : {own, everyBrokers}) {
    KJ_IF_MAYBE(set, find(settings, setting.name)) {
      auto parsed = parseConfigValue(setting.type, setting.allowed, set->value);
      KJ_IF_MAYBE(value, parsed) return kj::mv(*value);
      KJ_LOG(WARNING, "a broker config is not valid and counts for nothing", setting.name, set->value);
    }
  }
  auto text = valueOf(setting, commandLine);
  return KJ_ASSERT_NONNULL(parseConfigValue(setting.type, range(INT64_MIN, INT64_MAX), text), setting.name, text);
}

// What can only be seen when all are there.
Result<void> checkTogether(const BrokerConfig& config) {
  if (config.groupMaxSessionTimeoutMs < config.groupMinSessionTimeoutMs) {
    return makeError(ErrorCode::kInvalidRequest, "group.max.session.timeout.ms=", config.groupMaxSessionTimeoutMs.get(),
                     " would be below group.min.session.timeout.ms=", config.groupMinSessionTimeoutMs.get());
  }
  if (config.numPartitions > config.partitionsMax) {
    return makeError(ErrorCode::kInvalidRequest, "num.partitions=", config.numPartitions.get(),
                     " would be above cambium.partitions.max=", config.partitionsMax.get());
  }
  return Result<void>();
}

}  // namespace

kj::Vector<ConfigDescription> describeBroker(const BrokerConfig& commandLine, kj::ArrayPtr<const ConfigSetting> own,
                                             kj::ArrayPtr<const ConfigSetting> everyBrokers) {
  kj::Vector<ConfigDescription> all;
  auto defaults = defaultsOf(commandLine);
  for (auto& setting : kSettings) {
    auto described = describe(setting, commandLine, defaults, own, everyBrokers);
    if (described.layers.size() > 0) all.add(kj::mv(described));
  }
  for (auto& topic : topicConfigDefinitions())
    if (topic.brokerName.size() > 0) all.add(describeTopicDefault(topic));
  for (auto& group : ownerConfigDefinitions(ConfigOwner::Kind::kGroup))
    if (group.brokerName.startsWith("group.")) all.add(describeGroupDefault(group));
  sortByName(all);
  return all;
}

kj::Vector<ConfigDescription> describeEveryBroker(kj::ArrayPtr<const ConfigSetting> everyBrokers) {
  kj::Vector<ConfigDescription> all;
  auto add = [&](kj::StringPtr name, ConfigType type, kj::StringPtr value, bool readOnly, kj::StringPtr documentation) {
    ConfigDescription description{.name = name,
                                  .value = kj::str(value),
                                  .defaultValue = {},
                                  .type = type,
                                  .source = ConfigSource::kEveryBroker,
                                  .readOnly = readOnly,
                                  .documentation = documentation};
    description.layers.add(ConfigLayer{name, kj::str(value), ConfigSource::kEveryBroker});
    all.add(kj::mv(description));
  };
  for (auto& set : everyBrokers) {
    KJ_IF_MAYBE(setting, findSetting(set.name)) {
      add(setting->name, setting->type, set.value, setting->take == nullptr, setting->documentation);
    }
  }
  auto& replicas = KJ_ASSERT_NONNULL(findTopicConfig(kMinInsyncReplicas));
  add(replicas.brokerName, replicas.type, replicas.defaultValue, true, replicas.documentation);
  sortByName(all);
  return all;
}

Result<void> checkBrokerSettings(const BrokerConfig& commandLine, kj::ArrayPtr<const ConfigChange> changes,
                                 ConfigSource layer, kj::ArrayPtr<const ConfigSetting> own,
                                 kj::ArrayPtr<const ConfigSetting> everyBrokers) {
  for (auto& change : changes) {
    auto checked = checkChange(change, layer);
    if (!checked.ok()) return checked;
  }
  auto config = commandLine.clone();
  applyBrokerSettings(commandLine, own, everyBrokers, config);
  return checkTogether(config);
}

void applyBrokerSettings(const BrokerConfig& commandLine, kj::ArrayPtr<const ConfigSetting> own,
                         kj::ArrayPtr<const ConfigSetting> everyBrokers, BrokerConfig& config) {
  for (auto& setting : kSettings) {
    if (setting.take == nullptr || setting.hiddenUnlessSet) continue;
    // In one step: other loops read it meanwhile.
    setting.take(valueInForce(setting, commandLine, own, everyBrokers), config);
  }
}

}  // namespace cambium
