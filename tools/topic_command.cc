#include "tools/command.h"
#include "tools/session.h"
#include "tools/table.h"

namespace cambium::tools {
namespace {

void addSummary(JsonWriter& json, const client::TopicSummary& topic) {
  json.beginObject().key("name").value(topic.name).key("id").value(topic.id);
  json.key("partitions").value(topic.partitions).key("engine").value(topic.engine).endObject();
}

kj::Promise<int> create(Session& session) {
  auto options = topicOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  bool validateOnly = options.value().validateOnly;
  auto topic = co_await session.admin().createTopic(kj::str(session.argument(0)), options.value().partitions,
                                                    kj::mv(options.value().changes), validateOnly);
  if (!topic.ok()) co_return session.fail(topic.error());
  if (session.json()) {
    JsonWriter json;
    addSummary(json, topic.value());
    co_return session.print(json);
  }
  auto& made = topic.value();
  session.out().write(kj::str(validateOnly ? "would create" : "created", " topic ", made.name, ": ", made.partitions,
                              made.partitions == 1 ? " partition" : " partitions", ", engine ", made.engine, '\n'));
  co_return session.done();
}

kj::Promise<int> list(Session& session) {
  auto options = topicOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  auto topics = co_await session.admin().listTopics();
  if (session.json()) {
    JsonWriter json;
    json.beginArray();
    for (auto& topic : topics) {
      if (options.value().names) {
        json.value(topic.name);
      } else {
        addSummary(json, topic);
      }
    }
    json.endArray();
    co_return session.print(json);
  }
  if (options.value().names) {
    for (auto& topic : topics)
      session.out().write(kj::str(topic.name, '\n'));
    co_return session.done();
  }
  Table table({"NAME"_kj, "PARTITIONS"_kj, "ENGINE"_kj, "ID"_kj});
  for (auto& topic : topics) {
    table.add(kj::arr(kj::str(topic.name), kj::str(topic.partitions), kj::str(topic.engine), kj::str(topic.id)));
  }
  session.out().write(table.render());
  co_return session.done();
}

void addPartition(JsonWriter& json, const client::PartitionDescription& partition) {
  json.beginObject().key("index").value(partition.index);
  json.key("logStart").value(partition.logStart).key("highWatermark").value(partition.highWatermark);
  json.key("end").value(partition.end).key("durable").value(partition.durable);
  json.key("bytes").value(partition.bytes).key("extents").value(partition.extents);
  json.key("leaderEpoch").value(partition.leaderEpoch).key("engine").value(partition.engine);
  json.key("unsyncedBytes").value(partition.unsyncedBytes).key("unsyncedMs").value(partition.unsyncedMs);
  json.key("core").value(partition.core).key("cleanedUpTo").value(partition.cleanedUpTo);
  json.key("compactionFailure");
  if (partition.compactionFailure.size() > 0) {
    json.value(partition.compactionFailure);
  } else {
    json.null();
  }
  json.key("error");
  KJ_IF_MAYBE(error, partition.error) {
    json.beginObject().key("code").value(errorName(error->code));
    json.key("message").value(error->message).endObject();
  } else {
    json.null();
  }
  json.key("move");
  KJ_IF_MAYBE(move, partition.move) {
    json.beginObject().key("to").value(move->to).key("phase").value(client::phaseName(move->phase));
    json.key("copiedUpTo").value(move->copiedUpTo).key("copied").value(move->copied);
    json.key("total").value(move->total).key("failure");
    if (move->failure.size() > 0) {
      json.value(move->failure);
    } else {
      json.null();
    }
    json.endObject();
  } else {
    json.null();
  }
  json.endObject();
}

// What a partition on its way to another engine does.
kj::String describeMove(const client::PartitionDescription& partition, const client::PartitionMove& move) {
  using Phase = client::PartitionMove::Phase;
  auto where = kj::str("partition ", partition.index, " moves to ", move.to, ": ");
  switch (move.phase) {
    case Phase::kCopying:
    case Phase::kSwitching:
      return kj::str(where, client::phaseName(move.phase), ", ", humanBytes(static_cast<double>(move.copied.value())),
                     " of about ", humanBytes(static_cast<double>(move.total.value())), ", up to offset ",
                     move.copiedUpTo, "\n");
    case Phase::kFailed:
      return kj::str(where, "failed: ", move.failure, "\n");
    case Phase::kWaiting:
    case Phase::kCleaning:
      return kj::str(where, client::phaseName(move.phase), "\n");
  }
  KJ_UNREACHABLE;
}

// Those that differ from their defaults, or all.
void printConfigs(Session& session, const client::TopicDescription& topic, bool all) {
  Table configs({"CONFIG"_kj, "TYPE"_kj, "VALUE"_kj, "DEFAULT"_kj});
  size_t shown = 0;
  for (auto& config : topic.configs) {
    if (config.isDefault && !all) continue;
    ++shown;
    configs.add(kj::arr(kj::str(config.name), kj::str(config.type), kj::str(config.value),
                        config.isDefault ? kj::String() : kj::str(config.defaultValue)));
  }
  auto& out = session.out();
  out.write("\n"_kj);
  if (shown > 0) out.write(configs.render());
  if (shown < topic.configs.size()) {
    out.write(kj::str(topic.configs.size() - shown, shown > 0 ? " more" : "",
                      " configs have their defaults: --all_configs\n"));
  }
}

void printDescription(Session& session, const client::TopicDescription& topic, bool allConfigs) {
  uint64_t bytes = 0;
  for (auto& partition : topic.partitions)
    bytes += partition.bytes.value();
  auto& out = session.out();
  out.write(kj::str("topic ", topic.name, "  id ", topic.id, "  partitions ", topic.partitions.size(), "  size ",
                    humanBytes(static_cast<double>(bytes)), "\n\n"));

  Table partitions({"PARTITION"_kj, "START"_kj, "HIGH-WATERMARK"_kj, "END"_kj, "DURABLE"_kj, "UNSYNCED"_kj, "SIZE"_kj,
                    "EXTENTS"_kj, "ENGINE"_kj, "CORE"_kj});
  for (auto& p : topic.partitions) {
    partitions.add(kj::arr(kj::str(p.index), kj::str(p.logStart), kj::str(p.highWatermark), kj::str(p.end),
                           kj::str(p.durable), describeUnsynced(p.unsyncedBytes, p.unsyncedMs),
                           humanBytes(static_cast<double>(p.bytes.value())), kj::str(p.extents), kj::str(p.engine),
                           kj::str(p.core)));
  }
  out.write(partitions.render());
  for (auto& p : topic.partitions) {
    KJ_IF_MAYBE(error, p.error) {
      out.write(kj::str("\n", error->message, " (", errorName(error->code), ")\n"));
    }
    if (p.compactionFailure.size() > 0) {
      out.write(kj::str("partition ", p.index, " could not be compacted: ", p.compactionFailure, "\n"));
    }
    KJ_IF_MAYBE(move, p.move) out.write(describeMove(p, *move));
  }
  printConfigs(session, topic, allConfigs);
}

kj::Promise<int> describe(Session& session) {
  auto options = topicOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  auto topic = co_await session.admin().describeTopic(kj::str(session.argument(0)));
  if (!topic.ok()) co_return session.fail(topic.error());
  if (!session.json()) {
    printDescription(session, topic.value(), options.value().allConfigs);
    co_return session.done();
  }
  JsonWriter json;
  json.beginObject().key("name").value(topic.value().name).key("id").value(topic.value().id);
  json.key("configs").beginArray();
  for (auto& config : topic.value().configs) {
    json.beginObject().key("name").value(config.name).key("value").value(config.value);
    json.key("isDefault").value(config.isDefault).key("default").value(config.defaultValue);
    json.key("type").value(config.type).key("validValues").value(config.validValues);
    json.key("readOnly").value(config.readOnly).key("documentation").value(config.documentation).endObject();
  }
  json.endArray().key("partitions").beginArray();
  for (auto& partition : topic.value().partitions)
    addPartition(json, partition);
  json.endArray().endObject();
  co_return session.print(json);
}

// The end of a command that changes a topic and has nothing to show but that.
int changed(Session& session, const Result<void>& result, kj::StringPtr what) {
  if (!result.ok()) return session.fail(result.error());
  if (session.json()) {
    JsonWriter json;
    json.beginObject().key("name").value(session.argument(0)).key("result").value(what).endObject();
    return session.print(json);
  }
  session.out().write(kj::str(what, " topic ", session.argument(0), '\n'));
  return session.done();
}

kj::Promise<int> alter(Session& session) {
  auto options = topicOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  if (options.value().changes.size() == 0) co_return session.wrongUsage("nothing to change: give --config or --reset");
  auto result = co_await session.admin().alterTopic(kj::str(session.argument(0)), kj::mv(options.value().changes));
  co_return changed(session, result, "altered");
}

kj::Promise<int> remove(Session& session) {
  auto result = co_await session.admin().deleteTopic(kj::str(session.argument(0)));
  co_return changed(session, result, "deleted");
}

kj::Promise<int> addPartitions(Session& session) {
  auto options = topicOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  KJ_IF_MAYBE(total, options.value().total) {
    auto result = co_await session.admin().addPartitions(kj::str(session.argument(0)), *total);
    co_return changed(session, result, "extended");
  }
  co_return session.wrongUsage("--total is missing: give the number of partitions afterwards");
}

constexpr FlagUse kCreateFlags[] = {{"partitions"_kj}, {"config"_kj}, {"validate_only"_kj}};
constexpr FlagUse kDescribeFlags[] = {{"all_configs"_kj}};
constexpr FlagUse kListFlags[] = {{"names"_kj}};
constexpr FlagUse kAlterFlags[] = {{"config"_kj}, {"reset"_kj}};
constexpr FlagUse kAddPartitionsFlags[] = {{.name = "total"_kj, .required = true}};

constexpr kj::StringPtr kConfigDetails =
    "Configs have Kafka's names, such as retention.ms, segment.bytes or cleanup.policy, and some of Cambium's own, "
    "such as\n"
    "durability and storage.engine. `cambium topic describe --all_configs` shows all of them. A value may contain "
    "commas:\n"
    "--config=cleanup.policy=compact,delete,retention.ms=60000 sets two configs.\n"_kj;

}  // namespace

kj::ArrayPtr<const Command> topicCommands() {
  static const Command commands[] = {
      {"topic create"_kj, "NAME"_kj, "Make a topic"_kj, kConfigDetails, 1, 1, kCreateFlags, create},
      {"topic list"_kj, ""_kj, "List the topics"_kj, ""_kj, 0, 0, kListFlags, list},
      {"topic describe"_kj, "NAME"_kj, "Show a topic's partitions and configs"_kj,
       "Of the configs those that differ from their defaults; with --json all. Offsets of a partition: START is that "
       "of the\n"
       "first record, HIGH-WATERMARK one past the last record that can be read, END one past the last one written; "
       "below\n"
       "DURABLE everything survives a power loss; UNSYNCED is what was appended since, and the age of the oldest of "
       "it.\n"
       "EXTENTS are segments, or buckets touched. CORE is the loop that owns the partition. Why a partition is "
       "offline, "
       "and\n"
       "what to do, stands below, and how far it is on its way to another engine.\n"_kj,
       1, 1, kDescribeFlags, describe},
      {"topic alter"_kj, "NAME"_kj, "Set configs of a topic, or return them to their defaults"_kj, kConfigDetails, 1, 1,
       kAlterFlags, alter},
      {"topic delete"_kj, "NAME"_kj, "Delete a topic with all its records"_kj, ""_kj, 1, 1, nullptr, remove},
      {"topic add-partitions"_kj, "NAME"_kj, "Give a topic more partitions"_kj,
       "Keys may go to other partitions afterwards.\n"_kj, 1, 1, kAddPartitionsFlags, addPartitions},
  };
  return commands;
}

}  // namespace cambium::tools
