#include "server/main/options.h"

#include <cstdio>
#include <cstdlib>
#include <gflags/gflags.h>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "engine/base/text.h"
#include "server/main/descriptor_budget.h"

DEFINE_string(data_dir, "./data", "Folder that holds everything this broker keeps; made when missing");
DEFINE_string(kafka_listen, "localhost:9092",
              "Address of the Kafka protocol, host:port; localhost: every loopback address there is; port 0: any free "
              "one; empty: closed");
DEFINE_string(
    kafka_advertise, "",
    "Address that Kafka clients are told to connect to, host:port; empty: the name in --kafka_listen, or when that "
    "is an IP address the one they connected to");
DEFINE_int64(kafka_frame_bytes_max, 100 << 20, "Largest request of a Kafka client");
DEFINE_int64(kafka_request_bytes_max, int64_t{512} << 20,
             "Bytes of Kafka requests that are being received or served, per event loop; more wait");
DEFINE_int32(kafka_connections_max, 20000, "Kafka connections per event loop; more wait to be accepted");
DEFINE_int64(kafka_idle_ms, 600000, "A Kafka connection without a request for so long is closed");
DEFINE_int64(
    answer_bytes_max, int64_t{512} << 20,
    "Bytes of answers, to Kafka and RPC clients, that are being made or were not taken yet, in all; more wait, "
    "answers become smaller, and clients that are slow to take theirs are cut off");
DEFINE_int64(answer_bytes_per_address_max, 0,
             "The same for the clients of one address; 0: a half of --answer_bytes_max");
DEFINE_string(rpc_listen, "127.0.0.1:9290",
              "Address of Cap'n Proto RPC, host:port; port 0: any free one; empty: closed");
DEFINE_int64(rpc_request_bytes_max, int64_t{512} << 20,
             "Bytes of RPC requests that are being received or served, per event loop; more wait");
DEFINE_string(http_listen, "127.0.0.1:9280",
              "Address of HTTP (health, metrics), host:port; port 0: any free one; empty: closed");
DEFINE_string(http_hosts, "",
              "Names under which HTTP may be asked, as in a request's Host header, separated by commas: besides "
              "localhost, this machine's name, the host of --http_listen and the address that the client connected to; "
              "*: every name");
DEFINE_int32(
    connections_per_address_max, 0,
    "Connections of one client address to the Kafka door, and as many to the RPC door (addresses of IPv6 that "
    "share their first 64 bits count as one); beyond, its longest idle one is closed, or the new one when none "
    "is idle; 0: half of what the door takes");
DEFINE_string(log_engine, "native", "Storage engine of topics that do not choose one: native or rocksdb");
DEFINE_string(state_engine, "rocksdb",
              "Storage engine of metadata, committed offsets and producers: native or rocksdb; fixed once the data "
              "directory was made");
DEFINE_int32(cores, 0,
             "Event loops, each with its share of the partitions; 0: 1 on machines with up to 2 cores, else one less "
             "than there are");
DEFINE_int32(broker_id, 1, "Number of this broker");
DEFINE_int32(partitions_max, 100000, "Partitions in all that this broker takes");
DEFINE_int32(num_partitions, 1, "Partitions of a topic that is made without saying how many");
DEFINE_bool(auto_create_topics, true, "Make a topic that a Kafka client asks for and that is not there");
DEFINE_int32(auto_create_topics_burst, 1000, "Topics that one client address may have made at once by naming them");
DEFINE_int32(auto_create_topics_per_minute, 60,
             "Topics per minute that one client address may have made by naming them; 0: no limit");
DEFINE_int64(group_initial_rebalance_delay_ms, 3000,
             "A consumer group that was empty waits so long for further members before its first rebalance");
DEFINE_int64(group_min_session_timeout_ms, 6000, "Least session timeout that a member of a consumer group may ask for");
DEFINE_int64(group_max_session_timeout_ms, 1800000,
             "Greatest session timeout that a member of a consumer group may ask for");
DEFINE_int32(group_max_size, 5000, "Members of one consumer group at most");
DEFINE_int64(group_member_bytes_max, 12 << 20,
             "Bytes of ids, protocols and subscriptions of all members of one consumer group at most");
DEFINE_int64(group_offset_metadata_bytes_max, 16 << 20,
             "Bytes of metadata that clients keep with all committed offsets of one consumer group at most");
DEFINE_int32(offsets_topic_partitions, 8,
             "Partitions of __consumer_offsets, the topic of committed offsets; counts when that topic is made");
DEFINE_int32(
    offsets_topic_segment_bytes, 16 << 20,
    "Size of a segment of __consumer_offsets, up to which nothing of it is compacted; counts when that topic is "
    "made");
DEFINE_int64(offsets_retention_minutes, 10080,
             "Committed offsets are kept so long after their group has lost its last member");
DEFINE_int64(
    segment_bytes_min, 1 << 20,
    "Least segment.bytes that a topic may be given: each segment is some files. Topics that have less keep it");
DEFINE_int32(producers_per_partition_max, 100000,
             "Idempotent producers that a partition remembers; beyond, the one that is silent longest is forgotten");
DEFINE_int64(producer_expiration_ms, 24LL * 3600 * 1000, "A partition forgets an idempotent producer so long silent");
DEFINE_int64(retention_check_interval_ms, 300000,
             "Between two looks at what retention (retention.ms, retention.bytes) has to give up");
DEFINE_int64(cleaner_backoff_ms, 15000,
             "Between two looks at which logs to compact (cleanup.policy=compact), and at least after a failure");
DEFINE_int64(
    cleaner_key_map_bytes, 64 << 20,
    "Memory for the keys of logs that are compacted, in all: 24 bytes per key; with more keys it takes several "
    "passes");
DEFINE_int64(cleaner_bytes_per_second, 64 << 20, "Read and written by compaction, in all; 0: no limit");
DEFINE_int64(move_bytes_per_second, 64 << 20,
             "Bytes per second that moves of topics between storage engines copy, all loops together, and more where "
             "producers are so fast that a move would never end; 0: no limit");
DEFINE_int64(
    disk_reserve_bytes, -1,
    "Bytes of the data directory's device that clients leave alone: with less free, nothing is appended and no "
    "topic or partition made until there is room; moves between engines leave them, too; -1: the larger of 64 MiB and "
    "1 % of the device; 0: no reserve");
DEFINE_int64(
    decompressed_batch_bytes_max, static_cast<int64_t>(cambium::kInflatedBytesDefault),
    "Bytes that the records of a compressed batch may come to; larger ones are refused with MESSAGE_TOO_LARGE. "
    "Up to the default, every record can be read in a message of records over Cap'n Proto");
DEFINE_int32(sync_threads, 2, "Threads that write to the device what was appended");
DEFINE_int32(open_files_max, 0,
             "Segment and index files that each storage engine keeps open; 0: a quarter of the process's limit of "
             "descriptors, at most 8192. Connections that what is left does not suffice for wait to be accepted");
DEFINE_int32(rpc_connections_max, 10000, "RPC connections per event loop; more wait to be accepted");
DEFINE_int64(read_bytes_max, 16 << 20, "Bytes of one read or push, at most (but always one whole batch)");
DEFINE_int64(connection_bytes_max, 32 << 20,
             "Bytes of calls under way per RPC connection, before it is read no further");
DEFINE_int32(rpc_calls_max, 32768,
             "Calls of one RPC connection that are not answered, or that its client has not finished: beyond, it is "
             "closed; with half as many that are not answered it is read no further until some are");
DEFINE_int32(rpc_capabilities_max, 32768,
             "Capabilities (topics, partitions, subscriptions) that one RPC connection keeps; beyond, it is closed");
DEFINE_int32(rpc_held_max, 131072,
             "Such calls and capabilities of all RPC connections together, per event loop; beyond, the connection that "
             "has most is closed");
DEFINE_int64(unsent_bytes_max, 32 << 20,
             "Bytes of records that were read for an RPC connection whose client has not taken them yet; further reads "
             "wait");
DEFINE_int32(metrics_topics_max, 200, "Topics with series of their own in /metrics; the others are summed up");
DEFINE_bool(verbose, false, "Log what goes on, not only what went wrong");

namespace cambium {

namespace {

Error badFlag(kj::StringPtr flag, kj::StringPtr value, kj::StringPtr expected) {
  return makeError(ErrorCode::kInvalidConfig, "--", flag, "=", value, " is not valid: expected ", expected);
}

Result<void> checkEngine(kj::StringPtr flag, const std::string& value) {
  if (value == "native" || value == "rocksdb") return Result<void>();
  return badFlag(flag, value.c_str(), "native or rocksdb");
}

Result<void> checkRange(kj::StringPtr flag, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return Result<void>();
  return badFlag(flag, kj::str(value), kj::str("a number from ", least, " to ", most));
}

Result<void> checkAll() {
  struct Range {
    kj::StringPtr flag;
    int64_t value, least, most;
  };
  const Range ranges[] = {
      {"cores"_kj, FLAGS_cores, 0, 256},
      {"broker_id"_kj, FLAGS_broker_id, 0, INT32_MAX},
      {"partitions_max"_kj, FLAGS_partitions_max, 1, 10'000'000},
      {"num_partitions"_kj, FLAGS_num_partitions, 1, 10'000'000},
      {"auto_create_topics_burst"_kj, FLAGS_auto_create_topics_burst, 1, 10'000'000},
      {"auto_create_topics_per_minute"_kj, FLAGS_auto_create_topics_per_minute, 0, 10'000'000},
      {"group_initial_rebalance_delay_ms"_kj, FLAGS_group_initial_rebalance_delay_ms, 0, 3'600'000},
      {"group_min_session_timeout_ms"_kj, FLAGS_group_min_session_timeout_ms, 1, INT32_MAX},
      {"group_max_session_timeout_ms"_kj, FLAGS_group_max_session_timeout_ms, 1, INT32_MAX},
      {"group_max_size"_kj, FLAGS_group_max_size, 1, INT32_MAX},
      // A group is one record of the internal topic, with its assignments.
      {"group_member_bytes_max"_kj, FLAGS_group_member_bytes_max, 1 << 10, 12 << 20},
      {"group_offset_metadata_bytes_max"_kj, FLAGS_group_offset_metadata_bytes_max, 0, int64_t{1} << 40},
      {"offsets_topic_partitions"_kj, FLAGS_offsets_topic_partitions, 1, 10'000},
      {"offsets_topic_segment_bytes"_kj, FLAGS_offsets_topic_segment_bytes, 14, INT32_MAX},
      {"offsets_retention_minutes"_kj, FLAGS_offsets_retention_minutes, 1, INT32_MAX},
      {"segment_bytes_min"_kj, FLAGS_segment_bytes_min, 14, INT32_MAX},
      {"producers_per_partition_max"_kj, FLAGS_producers_per_partition_max, 1, 1'000'000},
      {"producer_expiration_ms"_kj, FLAGS_producer_expiration_ms, 1, INT64_C(365) * 24 * 3600 * 1000},
      {"retention_check_interval_ms"_kj, FLAGS_retention_check_interval_ms, 1, INT64_C(365) * 24 * 3600 * 1000},
      {"cleaner_backoff_ms"_kj, FLAGS_cleaner_backoff_ms, 1, INT64_C(365) * 24 * 3600 * 1000},
      {"cleaner_key_map_bytes"_kj, FLAGS_cleaner_key_map_bytes, 1 << 16, int64_t{1} << 40},
      {"cleaner_bytes_per_second"_kj, FLAGS_cleaner_bytes_per_second, 0, int64_t{1} << 50},
      {"move_bytes_per_second"_kj, FLAGS_move_bytes_per_second, 0, int64_t{1} << 40},
      {"disk_reserve_bytes"_kj, FLAGS_disk_reserve_bytes, -1, int64_t{1} << 50},
      {"decompressed_batch_bytes_max"_kj, FLAGS_decompressed_batch_bytes_max, 1 << 20,
       static_cast<int64_t>(DecompressionLimits().outputBytesMax)},
      {"sync_threads"_kj, FLAGS_sync_threads, 1, 64},
      {"open_files_max"_kj, FLAGS_open_files_max, 0, 10'000'000},
      {"kafka_frame_bytes_max"_kj, FLAGS_kafka_frame_bytes_max, 1 << 10, int64_t{1} << 30},
      {"kafka_request_bytes_max"_kj, FLAGS_kafka_request_bytes_max, 1 << 20, int64_t{1} << 40},
      {"kafka_connections_max"_kj, FLAGS_kafka_connections_max, 1, 1'000'000},
      {"answer_bytes_max"_kj, FLAGS_answer_bytes_max, 1 << 20, int64_t{1} << 40},
      {"answer_bytes_per_address_max"_kj, FLAGS_answer_bytes_per_address_max, 0, int64_t{1} << 40},
      {"kafka_idle_ms"_kj, FLAGS_kafka_idle_ms, 1000, int64_t{7} * 24 * 3600 * 1000},
      {"rpc_request_bytes_max"_kj, FLAGS_rpc_request_bytes_max, 1 << 20, int64_t{1} << 40},
      {"rpc_connections_max"_kj, FLAGS_rpc_connections_max, 1, 1'000'000},
      {"connections_per_address_max"_kj, FLAGS_connections_per_address_max, 0, 1'000'000},
      {"rpc_calls_max"_kj, FLAGS_rpc_calls_max, 16, 1'000'000},
      {"rpc_capabilities_max"_kj, FLAGS_rpc_capabilities_max, 16, 1'000'000},
      {"rpc_held_max"_kj, FLAGS_rpc_held_max, 32, 10'000'000},
      {"read_bytes_max"_kj, FLAGS_read_bytes_max, 1, 48 << 20},
      {"connection_bytes_max"_kj, FLAGS_connection_bytes_max, 1 << 20, int64_t{4} << 30},
      {"unsent_bytes_max"_kj, FLAGS_unsent_bytes_max, 1 << 20, int64_t{4} << 30},
      {"metrics_topics_max"_kj, FLAGS_metrics_topics_max, 0, 100'000},
  };
  for (auto& range : ranges) {
    auto checked = checkRange(range.flag, range.value, range.least, range.most);
    if (!checked.ok()) return checked;
  }
  auto checked = checkEngine("log_engine", FLAGS_log_engine);
  if (checked.ok() && FLAGS_group_max_session_timeout_ms < FLAGS_group_min_session_timeout_ms) {
    checked = badFlag("group_max_session_timeout_ms", kj::str(FLAGS_group_max_session_timeout_ms),
                      kj::str("at least --group_min_session_timeout_ms=", FLAGS_group_min_session_timeout_ms));
  }
  if (checked.ok() && FLAGS_num_partitions > FLAGS_partitions_max) {
    checked = badFlag("num_partitions", kj::str(FLAGS_num_partitions),
                      kj::str("at most --partitions_max=", FLAGS_partitions_max));
  }
  if (checked.ok()) checked = checkEngine("state_engine", FLAGS_state_engine);
  if (checked.ok() && FLAGS_data_dir.empty()) checked = badFlag("data_dir", "", "a folder");
  return checked;
}

unsigned defaultCores() {
  unsigned cores = std::thread::hardware_concurrency();
  return cores <= 2 ? 1 : cores - 1;
}

// Raises the soft limit to the hard one.
size_t descriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<size_t>(limit.rlim_cur);
}

unsigned fewer(unsigned wanted, size_t possible) {
  return static_cast<unsigned>(kj::min(size_t{wanted}, possible));
}

// Of a door that takes so many connections on each loop.
size_t perAddressMax(size_t connectionsMax, unsigned loops) {
  if (FLAGS_connections_per_address_max > 0) return static_cast<size_t>(FLAGS_connections_per_address_max);
  return kj::max(connectionsMax * loops / 2, size_t{1});
}

RpcLimits rpcLimits() {
  RpcLimits limits;
  limits.readBytesMax = Bytes(static_cast<uint64_t>(FLAGS_read_bytes_max));
  limits.requestBytesMax = Bytes(static_cast<uint64_t>(FLAGS_rpc_request_bytes_max));
  limits.callBytesMax = Bytes(static_cast<uint64_t>(FLAGS_connection_bytes_max));
  limits.unsentBytesMax = Bytes(static_cast<uint64_t>(FLAGS_unsent_bytes_max));
  limits.connectionsMax = static_cast<unsigned>(FLAGS_rpc_connections_max);
  limits.calls = {.callsMax = static_cast<size_t>(FLAGS_rpc_calls_max),
                  .capabilitiesMax = static_cast<size_t>(FLAGS_rpc_capabilities_max),
                  .heldMax = static_cast<size_t>(FLAGS_rpc_held_max)};
  return limits;
}

kj::Vector<kj::String> httpHosts() {
  kj::Vector<kj::String> names;
  kj::StringPtr rest = FLAGS_http_hosts.c_str();
  while (rest.size() > 0) {
    auto end = rest.findFirst(',').orDefault(rest.size());
    if (end > 0) names.add(kj::heapString(rest.slice(0, end)));
    rest = rest.slice(kj::min(end + 1, rest.size()));
  }
  return names;
}

Result<kafka::KafkaSettings> kafkaSettings() {
  kafka::KafkaSettings settings;
  settings.limits.frameBytesMax = Bytes(static_cast<uint64_t>(FLAGS_kafka_frame_bytes_max));
  settings.limits.requestBytesMax = Bytes(static_cast<uint64_t>(FLAGS_kafka_request_bytes_max));
  settings.limits.connectionsMax = static_cast<unsigned>(FLAGS_kafka_connections_max);
  settings.limits.idleMsMax = FLAGS_kafka_idle_ms;
  if (FLAGS_kafka_advertise.empty()) return settings;
  kj::StringPtr text = FLAGS_kafka_advertise.c_str();
  KJ_IF_MAYBE(colon, text.findLast(':')) {
    auto host = kj::str(text.slice(0, *colon));
    if (host.startsWith("[") && host.endsWith("]")) host = kj::str(host.slice(1, host.size() - 1));
    KJ_IF_MAYBE(port, parseInteger<uint16_t>(text.slice(*colon + 1))) {
      if (host.size() > 0 && *port > 0) {
        settings.advertised = kafka::Endpoint{kj::mv(host), *port};
        return settings;
      }
    }
  }
  return badFlag("kafka_advertise", text, "host:port, for example broker-1.example.org:9092");
}

BrokerConfig brokerConfig() {
  BrokerConfig config;
  config.cores = FLAGS_cores == 0 ? defaultCores() : static_cast<unsigned>(FLAGS_cores);
  config.logEngine = kj::str(FLAGS_log_engine.c_str());
  config.stateEngine = kj::str(FLAGS_state_engine.c_str());
  config.partitionsMax = FLAGS_partitions_max;
  config.brokerId = FLAGS_broker_id;
  config.numPartitions = FLAGS_num_partitions;
  config.autoCreateTopics = FLAGS_auto_create_topics;
  config.autoCreateBurst = FLAGS_auto_create_topics_burst;
  config.autoCreatePerMinute = FLAGS_auto_create_topics_per_minute;
  config.groupInitialRebalanceDelayMs = FLAGS_group_initial_rebalance_delay_ms;
  config.groupMinSessionTimeoutMs = FLAGS_group_min_session_timeout_ms;
  config.groupMaxSessionTimeoutMs = FLAGS_group_max_session_timeout_ms;
  config.groupMaxSize = FLAGS_group_max_size;
  config.groupMemberBytesMax = Bytes(static_cast<uint64_t>(FLAGS_group_member_bytes_max));
  config.groupMetadataBytesMax = Bytes(static_cast<uint64_t>(FLAGS_group_offset_metadata_bytes_max));
  config.offsetsPartitions = FLAGS_offsets_topic_partitions;
  config.offsetsSegmentBytes = FLAGS_offsets_topic_segment_bytes;
  config.offsetsRetentionMinutes = FLAGS_offsets_retention_minutes;
  config.diskReserveBytes = FLAGS_disk_reserve_bytes;
  config.segmentBytesMin = FLAGS_segment_bytes_min;
  config.producers = {.producersMax = static_cast<size_t>(FLAGS_producers_per_partition_max),
                      .expirationMs = FLAGS_producer_expiration_ms};
  config.retentionCheckMs = FLAGS_retention_check_interval_ms;
  config.cleanerBackoffMs = FLAGS_cleaner_backoff_ms;
  config.cleanerKeyMapBytes = static_cast<uint64_t>(FLAGS_cleaner_key_map_bytes);
  config.cleanerBytesPerSecond = static_cast<uint64_t>(FLAGS_cleaner_bytes_per_second);
  config.moveBytesPerSecond = Bytes(static_cast<uint64_t>(FLAGS_move_bytes_per_second));
  config.decompressedBatchBytesMax = Bytes(static_cast<uint64_t>(FLAGS_decompressed_batch_bytes_max));
  std::vector<gflags::CommandLineFlagInfo> all;
  gflags::GetAllFlags(&all);
  for (auto& flag : all) {
    // Libraries have flags of their own.
    if (!kj::StringPtr(flag.filename.c_str()).endsWith("server/main/options.cc")) continue;
    config.flags.add(FlagValue{kj::str(flag.name.c_str()), kj::str(flag.current_value.c_str()),
                               kj::str(flag.default_value.c_str()), !flag.is_default});
  }
  return config;
}

}  // namespace

Result<ServerOptions> parseOptions(int argc, char** argv) {
  gflags::SetVersionString(CAMBIUM_VERSION);
  gflags::SetUsageMessage(
      "Cambium, a log broker: topics and partitions on disk, served over the Kafka protocol and Cap'n Proto RPC.\n\n"
      "    cambiumd --data_dir=/var/lib/cambium\n"
      "    cambiumd --flagfile=deploy/hybrid.flags --data_dir=/var/lib/cambium\n\n"
      "Stops cleanly on SIGTERM and SIGINT");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc > 1) {
    return makeError(ErrorCode::kInvalidConfig, "unexpected argument \"", argv[1],
                     "\": everything is a flag, see --help");
  }
  auto checked = checkAll();
  if (!checked.ok()) return kj::mv(checked.error());
  ServerOptions options;
  options.broker = brokerConfig();
  options.dataDir = kj::str(FLAGS_data_dir.c_str());
  options.kafkaListen = kj::str(FLAGS_kafka_listen.c_str());
  options.rpcListen = kj::str(FLAGS_rpc_listen.c_str());
  options.httpListen = kj::str(FLAGS_http_listen.c_str());
  auto kafka = kafkaSettings();
  if (!kafka.ok()) return kj::mv(kafka.error());
  options.kafka = kj::mv(kafka.value());
  options.rpc = rpcLimits();
  options.httpHosts = httpHosts();
  options.answers.all = Bytes(static_cast<uint64_t>(FLAGS_answer_bytes_max));
  options.answers.perAddress = FLAGS_answer_bytes_per_address_max == 0
                                   ? Bytes(options.answers.all.value() / 2)
                                   : Bytes(static_cast<uint64_t>(FLAGS_answer_bytes_per_address_max));
  options.syncThreads = static_cast<unsigned>(FLAGS_sync_threads);
  auto budget = divideDescriptors(descriptorLimit(), options.broker.cores, static_cast<size_t>(FLAGS_open_files_max));
  options.openFilesMax = budget.filesPerEngine;
  options.httpConnectionsMax = budget.httpConnections;
  options.kafka.limits.connectionsMax = fewer(options.kafka.limits.connectionsMax, budget.connections);
  options.rpc.connectionsMax = fewer(options.rpc.connectionsMax, budget.connections);
  options.kafkaPerAddressMax = perAddressMax(options.kafka.limits.connectionsMax, options.broker.cores);
  options.rpcPerAddressMax = perAddressMax(options.rpc.connectionsMax, options.broker.cores);
  options.topicSeriesMax = static_cast<size_t>(FLAGS_metrics_topics_max);
  options.verbose = FLAGS_verbose;
  return kj::mv(options);
}

}  // namespace cambium
