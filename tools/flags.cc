#include "tools/flags.h"

#include <cstdlib>
#include <gflags/gflags.h>
#include <string>

// Every description begins with what stands for the value: "N: how many". A switch has none.

DEFINE_string(broker, "",
              "ADDRESS: the broker, host:port or unix:/path (default: $CAMBIUM_BROKER, else 127.0.0.1:9290)");
DEFINE_bool(json, false, "print the result as one JSON document");
DEFINE_int32(timeout, 60, "SECONDS: give up when the broker lets the command wait so long; 0: never");

DEFINE_int32(partitions, 1, "N: number of partitions");
DEFINE_string(config, "", "NAME=VALUE[,…]: set configs of the topic");
DEFINE_string(reset, "", "NAME[,…]: return configs to their defaults");
DEFINE_int32(total, -1, "N: number of partitions afterwards, those that are there included");
DEFINE_string(engine, "", "native|rocksdb: the storage engine to move to");
DEFINE_bool(cancel, false, "give the move up, and bring back what had moved");
DEFINE_bool(wait, false, "stay until it is done, and show how far it is");
DEFINE_bool(all_configs, false, "show every config, those that have their default too");
DEFINE_bool(names, false, "print the names only, one per line");
DEFINE_bool(every_broker, false, "what is set for all brokers at once, in place of what this one has");
DEFINE_bool(validate_only, false, "say whether it would be made, and make nothing");

DEFINE_string(
    key_separator, "",
    "TEXT: splits key from value at its first occurrence; a line without it has no key; \\t and the like work");
DEFINE_int32(partition, -1, "N: only this partition (default: all)");
DEFINE_string(acks, "all", "all|leader|none: when a record counts as written");
DEFINE_string(compression, "none", "none|gzip|snappy|lz4|zstd: how batches are compressed");
DEFINE_string(header, "", "NAME=VALUE[,…]: headers of every record");
DEFINE_int32(linger_ms, 5, "MS: how long a batch that is not full waits for more records");
DEFINE_int32(batch_bytes, 256 << 10, "BYTES: records of one batch, before compression");
DEFINE_int64(buffer_bytes, int64_t{32} << 20,
             "BYTES: records that may wait for their acknowledgement; then reading waits");
DEFINE_int32(delivery_timeout_ms, 120'000, "MS: how long a record is tried, retries included");
DEFINE_string(partitioner, "sticky",
              "sticky|round_robin: sticky: by key, records without one batch by batch; round_robin: each to the next");

DEFINE_string(
    from, "beginning",
    "beginning|end|OFFSET|@TIME: where to begin; @TIME: the first record that is so late, in ms since 1970 or "
    "like @2026-11-20T12:00:00Z");
DEFINE_int64(max_messages, 0, "N: stop after so many records (default: no limit)");
DEFINE_bool(exit_at_end, false, "stop when everything that was there at the start has been read");
DEFINE_bool(follow, false, "wait for further records until interrupted; so it does anyway without --exit_at_end");
DEFINE_string(group, "",
              "NAME: join this consumer group, begin where it has committed, and commit as it goes and at the end");
DEFINE_string(format, "", "TEXT: how a record is printed, see above (default: '%v\\n')");
DEFINE_string(output, "value", "value|key-value|json: what is printed of a record");
DEFINE_string(transfer, "read", "read|push: whether the client asks for batches or the broker pushes them");

DEFINE_string(before, "", "OFFSET|end: records below this offset go; end: all that can be read");
DEFINE_bool(dry_run, false, "show what would change, and change nothing");

DEFINE_int64(records, 1'000'000, "N: how many records");
DEFINE_int32(record_bytes, 100, "BYTES: size of a record's value");
DEFINE_double(rate, 0,
              "N: records per second, sent on schedule whether or not answers come (default: as fast as it goes)");
DEFINE_int64(keys, 0, "N: number of distinct keys (default: no keys)");

DEFINE_bool(verify, false, "check everything: checksums, order, counts, index entries, topics against logs");
DEFINE_bool(batches, false, "list record batches also of folders and stores");
DEFINE_bool(deep, false, "read the records of batches too, and list them; --verify reads them anyway");
DEFINE_bool(entries, false, "list index entries also of folders and stores");
DEFINE_bool(cut, false, "end the log where the damage begins");
DEFINE_bool(recreate, false, "begin the log anew, empty, where it was last known to end");
DEFINE_string(copy_to, "", "DIR: make a new log there of all that can be read");
DEFINE_bool(apply, false, "do it; without this flag nothing is changed");
DEFINE_string(to, "", "OFFSET: only batches that begin below this offset");
DEFINE_string(topic, "", "NAME: of a store, only this topic");
DEFINE_int64(max_batches, 0, "N: list at most so many batches of each log (default: no limit)");

namespace cambium::tools {
namespace {

kj::StringPtr view(const std::string& text) {
  return kj::StringPtr(text.c_str(), text.size());
}

bool find(kj::StringPtr name, gflags::CommandLineFlagInfo& info) {
  // gflags brings flags of its own, such as --flagfile: only those of this file count.
  return gflags::GetCommandLineFlagInfo(name.cStr(), &info) && view(info.filename).endsWith("tools/flags.cc");
}

kj::StringPtr expected(kj::StringPtr type) {
  if (type == "bool") return "true or false"_kj;
  if (type == "double") return "a number"_kj;
  if (type == "int32") return "a whole number below 2147483648"_kj;
  return "a whole number"_kj;
}

Error wrong(kj::StringPtr flag, int64_t value, kj::StringPtr range) {
  return makeError(ErrorCode::kInvalidRequest, "--", flag, "=", value, ": expected ", range);
}

Result<kj::Maybe<PartitionIndex>> partitionOption() {
  if (FLAGS_partition < -1) return wrong("partition", FLAGS_partition, "a partition number, from 0 on");
  if (FLAGS_partition == -1) return kj::Maybe<PartitionIndex>(nullptr);
  return kj::Maybe<PartitionIndex>(PartitionIndex(FLAGS_partition));
}

Result<client::ProducerOptions> producerOptions() {
  client::ProducerOptions options;
  auto acks = parseAcks(view(FLAGS_acks));
  if (!acks.ok()) return kj::mv(acks.error());
  auto codec = parseCompression(view(FLAGS_compression));
  if (!codec.ok()) return kj::mv(codec.error());
  auto partitioner = parsePartitioner(view(FLAGS_partitioner));
  if (!partitioner.ok()) return kj::mv(partitioner.error());
  if (FLAGS_linger_ms < 0) return wrong("linger_ms", FLAGS_linger_ms, "0 or more milliseconds");
  if (FLAGS_batch_bytes < 1) return wrong("batch_bytes", FLAGS_batch_bytes, "at least 1");
  if (FLAGS_buffer_bytes < 1) return wrong("buffer_bytes", FLAGS_buffer_bytes, "at least 1");
  if (FLAGS_delivery_timeout_ms < 1) return wrong("delivery_timeout_ms", FLAGS_delivery_timeout_ms, "at least 1");
  options.acks = acks.value();
  options.codec = codec.value();
  options.partitioner = partitioner.value();
  options.lingerMs = static_cast<uint32_t>(FLAGS_linger_ms);
  options.batchBytesMax = static_cast<uint32_t>(FLAGS_batch_bytes);
  options.bufferBytesMax = static_cast<uint64_t>(FLAGS_buffer_bytes);
  options.deliveryTimeoutMs = static_cast<uint32_t>(FLAGS_delivery_timeout_ms);
  return options;
}

Result<client::ConsumerOptions> consumerOptions() {
  client::ConsumerOptions options;
  options.group = kj::str(view(FLAGS_group));
  auto transfer = view(FLAGS_transfer);
  if (transfer == "push") {
    options.transfer = client::Transfer::kPush;
  } else if (transfer != "read") {
    return makeError(ErrorCode::kInvalidRequest, "--transfer=", transfer, ": expected read or push");
  }
  return options;
}

// --format and --output as one format; whether it is JSON goes to `json`.
Result<kj::String> formatOption(bool& json) {
  auto output = view(FLAGS_output);
  auto format = view(FLAGS_format);
  json = FLAGS_json || output == "json";
  if (format.size() > 0) {
    if (json || output != "value") {
      return makeError(ErrorCode::kInvalidRequest, "--format does not go with --output or --json: give one of them");
    }
    return kj::str(format);
  }
  if (output == "key-value") return kj::str("%k\\t%v\\n");
  if (output == "value" || output == "json") return kj::str("%v\\n");
  return makeError(ErrorCode::kInvalidRequest, "--output=", output, ": expected value, key-value or json");
}

}  // namespace

kj::Maybe<FlagKind> flagKind(kj::StringPtr name) {
  gflags::CommandLineFlagInfo info;
  if (!find(name, info)) return nullptr;
  if (info.type == "bool") return FlagKind::kSwitch;
  auto placeholder = flagHelp(name, nullptr).placeholder;
  return placeholder.endsWith("[,…]") ? FlagKind::kList : FlagKind::kValue;
}

FlagHelp flagHelp(kj::StringPtr name, kj::StringPtr description) {
  gflags::CommandLineFlagInfo info;
  KJ_REQUIRE(find(name, info), "a command names a flag that is not defined", name);
  if (description.size() == 0) description = view(info.description);
  FlagHelp help;
  if (info.type == "bool") {
    help.text = kj::str(description);
    return help;
  }
  size_t colon = 0;
  while (description.slice(colon).size() > 2 && !description.slice(colon).startsWith(": "))
    ++colon;
  help.placeholder = kj::str(description.slice(0, colon));
  help.text = kj::str(description.slice(kj::min(colon + 2, description.size())));
  bool saysSo = false;
  for (size_t i = 0; i < help.text.size(); ++i)
    saysSo = saysSo || help.text.slice(i).startsWith("(default");
  if (!saysSo && info.default_value != "-1") help.defaultValue = kj::str(view(info.default_value));
  return help;
}

kj::Maybe<kj::String> setFlag(kj::StringPtr name, kj::StringPtr value) {
  gflags::CommandLineFlagInfo info;
  KJ_REQUIRE(find(name, info), "no such flag", name);
  bool joins = !info.is_default && KJ_ASSERT_NONNULL(flagKind(name)) == FlagKind::kList;
  auto text = joins ? kj::str(view(info.current_value), ',', value) : kj::str(value);
  if (!gflags::SetCommandLineOption(name.cStr(), text.cStr()).empty()) return nullptr;
  return kj::str("--", name, "=", value, ": expected ", expected(view(info.type)));
}

CommonOptions commonOptions() {
  auto broker = kj::str(view(FLAGS_broker));
  if (broker.size() == 0) {
    const char* fromEnvironment = getenv("CAMBIUM_BROKER");
    bool isSet = fromEnvironment != nullptr && *fromEnvironment != '\0';
    broker = isSet ? kj::str(fromEnvironment) : kj::str(client::kDefaultAddress);
  }
  CommonOptions options{kj::mv(broker), FLAGS_json, nullptr};
  if (FLAGS_timeout > 0) options.timeout = FLAGS_timeout * kj::SECONDS;
  return options;
}

namespace {

// --config, then --reset.
Result<kj::Array<client::ConfigChange>> configChanges() {
  auto configs = parseConfigs(view(FLAGS_config));
  if (!configs.ok()) return kj::mv(configs.error());
  auto resets = parseResets(view(FLAGS_reset));
  if (!resets.ok()) return kj::mv(resets.error());
  kj::Vector<client::ConfigChange> changes;
  for (auto& change : configs.value())
    changes.add(kj::mv(change));
  for (auto& change : resets.value())
    changes.add(kj::mv(change));
  return changes.releaseAsArray();
}

}  // namespace

Result<TopicOptions> topicOptions() {
  if (FLAGS_partitions < 1) return wrong("partitions", FLAGS_partitions, "at least 1");
  auto changes = configChanges();
  if (!changes.ok()) return kj::mv(changes.error());
  TopicOptions options{FLAGS_partitions, kj::mv(changes.value()), nullptr,
                       FLAGS_names,      FLAGS_validate_only,     FLAGS_all_configs};
  if (FLAGS_total != -1) options.total = FLAGS_total;
  return options;
}

Result<BrokerConfigOptions> brokerConfigOptions() {
  auto changes = configChanges();
  if (!changes.ok()) return kj::mv(changes.error());
  return BrokerConfigOptions{kj::mv(changes.value()), FLAGS_every_broker};
}

Result<MoveOptions> moveOptions() {
  if (FLAGS_cancel == !FLAGS_engine.empty()) {
    return makeError(ErrorCode::kInvalidRequest, "give either --engine, where the topic shall go, or --cancel");
  }
  return MoveOptions{kj::str(view(FLAGS_engine)), FLAGS_cancel, FLAGS_wait};
}

Result<ProduceOptions> produceOptions() {
  auto producer = producerOptions();
  if (!producer.ok()) return kj::mv(producer.error());
  auto partition = partitionOption();
  if (!partition.ok()) return kj::mv(partition.error());
  auto headers = parseHeaders(view(FLAGS_header));
  if (!headers.ok()) return kj::mv(headers.error());
  ProduceOptions options{nullptr, partition.value(), kj::mv(headers.value()), producer.value()};
  if (!FLAGS_key_separator.empty()) {
    KJ_IF_MAYBE(separator, unescape(view(FLAGS_key_separator))) {
      options.keySeparator = kj::mv(*separator);
    } else {
      return makeError(ErrorCode::kInvalidRequest, "--key_separator=", view(FLAGS_key_separator),
                       ": a backslash stands before n, t, r, 0, xHH or another backslash");
    }
  }
  return options;
}

Result<ConsumeOptions> consumeOptions() {
  auto start = parseStart(view(FLAGS_from));
  if (!start.ok()) return kj::mv(start.error());
  auto partition = partitionOption();
  if (!partition.ok()) return kj::mv(partition.error());
  auto consumer = consumerOptions();
  if (!consumer.ok()) return kj::mv(consumer.error());
  bool json = false;
  auto format = formatOption(json);
  if (!format.ok()) return kj::mv(format.error());
  if (FLAGS_follow && FLAGS_exit_at_end) {
    return makeError(ErrorCode::kInvalidRequest, "--follow and --exit_at_end contradict each other: give one of them");
  }
  if (FLAGS_max_messages < 0) return wrong("max_messages", FLAGS_max_messages, "0 (no limit) or more");

  ConsumeOptions options{start.value(), partition.value(),       nullptr, FLAGS_exit_at_end, kj::mv(format.value()),
                         json,          kj::mv(consumer.value())};
  if (FLAGS_max_messages > 0) options.recordsMax = static_cast<uint64_t>(FLAGS_max_messages);
  if (options.consumer.group.size() > 0) {
    bool fromEnd = options.from.is<client::FromEnd>();
    if (!fromEnd && !options.from.is<client::FromBeginning>()) {
      return makeError(ErrorCode::kInvalidRequest, "--from=", view(FLAGS_from),
                       " does not go with --group, which begins "
                       "where the group has committed; to move a group use: cambium group reset-offsets");
    }
    if (options.partition != nullptr) {
      return makeError(ErrorCode::kInvalidRequest,
                       "--partition does not go with --group, which divides the partitions among its members");
    }
    options.from = client::FromCommitted{fromEnd};
  }
  return options;
}

Result<RecordsOptions> recordsOptions() {
  auto partition = partitionOption();
  if (!partition.ok()) return kj::mv(partition.error());
  RecordsOptions options{partition.value(), nullptr};
  auto before = view(FLAGS_before);
  if (before.size() == 0) {
    return makeError(ErrorCode::kInvalidRequest, "--before is missing: give an offset, or end for all records");
  }
  if (before == "end") return options;
  auto offset = parseOffset(before);
  if (!offset.ok()) return makeError(ErrorCode::kInvalidRequest, "--before: ", offset.error().message);
  options.before = offset.value();
  return options;
}

Result<InspectOptions> inspectOptions() {
  auto partition = partitionOption();
  if (!partition.ok()) return kj::mv(partition.error());
  if (FLAGS_max_batches < 0) return wrong("max_batches", FLAGS_max_batches, "0 (no limit) or more");
  InspectOptions options{.verify = FLAGS_verify,
                         .json = FLAGS_json,
                         .batches = FLAGS_batches,
                         .records = FLAGS_deep && (FLAGS_batches || !FLAGS_verify),
                         .deep = FLAGS_deep,
                         .entries = FLAGS_entries,
                         .partition = partition.value()};
  if (view(FLAGS_from) != "beginning") {
    auto from = parseOffset(view(FLAGS_from));
    if (!from.ok()) return makeError(ErrorCode::kInvalidRequest, "--from: ", from.error().message);
    options.from = from.value();
  }
  if (!FLAGS_to.empty()) {
    auto to = parseOffset(view(FLAGS_to));
    if (!to.ok()) return makeError(ErrorCode::kInvalidRequest, "--to: ", to.error().message);
    options.to = to.value();
  }
  if (!FLAGS_topic.empty()) options.topic = kj::str(view(FLAGS_topic));
  if (FLAGS_max_batches > 0) options.batchesMax = static_cast<uint64_t>(FLAGS_max_batches);
  return options;
}

RepairOptions repairOptions() {
  RepairOptions options{.cut = FLAGS_cut, .recreate = FLAGS_recreate, .apply = FLAGS_apply, .json = FLAGS_json};
  if (!FLAGS_copy_to.empty()) options.copyTo = kj::str(view(FLAGS_copy_to));
  return options;
}

Result<ResetOptions> resetOptions() {
  if (FLAGS_to.empty()) {
    return makeError(ErrorCode::kInvalidRequest, "--to is missing: give earliest, latest, an offset, @TIME, +N or -N");
  }
  auto to = parseResetTarget(view(FLAGS_to));
  if (!to.ok()) return makeError(ErrorCode::kInvalidRequest, "--to=", view(FLAGS_to), ": ", to.error().message);
  auto partition = partitionOption();
  if (!partition.ok()) return kj::mv(partition.error());
  return ResetOptions{to.value(), partition.value(), FLAGS_dry_run};
}

Result<PerfOptions> perfOptions() {
  auto producer = producerOptions();
  if (!producer.ok()) return kj::mv(producer.error());
  auto consumer = consumerOptions();
  if (!consumer.ok()) return kj::mv(consumer.error());
  auto partition = partitionOption();
  if (!partition.ok()) return kj::mv(partition.error());
  auto start = parseStart(view(FLAGS_from));
  if (!start.ok()) return kj::mv(start.error());
  if (FLAGS_records < 1) return wrong("records", FLAGS_records, "at least 1");
  if (FLAGS_record_bytes < 0) return wrong("record_bytes", FLAGS_record_bytes, "0 or more");
  if (FLAGS_keys < 0) return wrong("keys", FLAGS_keys, "0 or more");
  if (!(FLAGS_rate >= 0)) return makeError(ErrorCode::kInvalidRequest, "--rate: expected 0 or more records per second");
  return PerfOptions{static_cast<uint64_t>(FLAGS_records),
                     static_cast<uint32_t>(FLAGS_record_bytes),
                     FLAGS_rate,
                     static_cast<uint64_t>(FLAGS_keys),
                     partition.value(),
                     start.value(),
                     FLAGS_follow,
                     producer.value(),
                     kj::mv(consumer.value())};
}

}  // namespace cambium::tools
