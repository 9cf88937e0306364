#include "tools/command.h"
#include "tools/session.h"
#include "tools/table.h"

namespace cambium::tools {
namespace {

kj::String describe(const client::DiskStatus& disk) {
  auto size = [](Bytes bytes) { return humanBytes(static_cast<double>(bytes.value())); };
  auto reserve = disk.reserve == Bytes(0) ? kj::str("no reserve") : kj::str("reserve ", size(disk.reserve));
  return kj::str(size(disk.free), " free of ", size(disk.total), ", ", reserve,
                 disk.full ? "; FULL: nothing is appended until records or topics are deleted" : "",
                 disk.readOnly == "" ? kj::str() : kj::str("; READ-ONLY: ", disk.readOnly));
}

void addDisk(JsonWriter& json, const client::DiskStatus& disk) {
  json.key("disk").beginObject().key("freeBytes").value(disk.free).key("totalBytes").value(disk.total);
  json.key("reserveBytes").value(disk.reserve).key("full").value(disk.full);
  json.key("readOnly").value(disk.readOnly).endObject();
}

kj::Promise<int> info(Session& session) {
  auto info = co_await session.admin().info();
  if (session.json()) {
    JsonWriter json;
    json.beginObject().key("address").value(session.connection().address()).key("version").value(info.version);
    json.key("clusterId").value(info.clusterId).key("brokerId").value(info.brokerId).key("cores").value(info.cores);
    json.key("logEngine").value(info.logEngine).key("stateEngine").value(info.stateEngine);
    addDisk(json, info.disk);
    json.key("partitions").value(info.partitions).key("partitionsOffline").value(info.partitionsOffline);
    json.key("offline").beginArray();
    for (auto& one : info.offline) {
      json.beginObject().key("partition").value(one.partition).key("code").value(errorName(one.error.code));
      json.key("message").value(one.error.message).endObject();
    }
    json.endArray().key("unsyncedBytes").value(info.unsyncedBytes).key("unsyncedMs").value(info.unsyncedMs);
    json.key("ownMemoryBytes").value(info.ownMemory).key("mappedFileBytes").value(info.mappedFiles);
    json.endObject();
    co_return session.print(json);
  }
  session.out().write(kj::str(
      "address       ", session.connection().address(), "\nversion       ", info.version, "\ncluster id    ",
      info.clusterId, "\nbroker id     ", info.brokerId, "\ncores         ", info.cores, "\nlog engine    ",
      info.logEngine, "\nstate engine  ", info.stateEngine, "\ndisk          ", describe(info.disk), "\nmemory        ",
      humanBytes(static_cast<double>(info.ownMemory.value())), ", and ",
      humanBytes(static_cast<double>(info.mappedFiles.value())), " of mapped files", "\npartitions    ",
      info.partitions, info.partitionsOffline == 0 ? kj::str() : kj::str(", ", info.partitionsOffline, " OFFLINE"),
      "\nunsynced      ", describeUnsynced(info.unsyncedBytes, info.unsyncedMs), '\n'));
  for (auto& one : info.offline)
    session.out().write(kj::str('\n', one.error.message, '\n'));
  if (info.partitionsOffline > info.offline.size())
    session.out().write(kj::str("\n… and ", info.partitionsOffline - info.offline.size(), " more\n"));
  co_return session.done();
}

void addConfig(JsonWriter& json, const client::ConfigEntry& config) {
  json.beginObject().key("name").value(config.name).key("value").value(config.value);
  json.key("source").value(config.source).key("default").value(config.defaultValue).key("type").value(config.type);
  json.key("readOnly").value(config.readOnly).key("documentation").value(config.documentation).endObject();
}

kj::Promise<int> showConfigs(Session& session, bool everyBroker) {
  auto configs = co_await session.admin().describeBrokerConfig(everyBroker);
  if (!configs.ok()) co_return session.fail(configs.error());
  if (session.json()) {
    JsonWriter json;
    json.beginArray();
    for (auto& config : configs.value())
      addConfig(json, config);
    json.endArray();
    co_return session.print(json);
  }
  Table table({"CONFIG"_kj, "VALUE"_kj, "FROM"_kj, "CAN BE SET"_kj});
  for (auto& config : configs.value()) {
    table.add(kj::arr(kj::str(config.name), kj::str(config.value), kj::str(config.source),
                      kj::str(config.readOnly ? "" : "yes")));
  }
  session.out().write(table.render());
  co_return session.done();
}

kj::Promise<int> config(Session& session) {
  auto options = brokerConfigOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  bool everyBroker = options.value().everyBroker;
  if (options.value().changes.size() == 0) co_return co_await showConfigs(session, everyBroker);
  auto altered = co_await session.admin().alterBrokerConfig(everyBroker, kj::mv(options.value().changes));
  if (!altered.ok()) co_return session.fail(altered.error());
  if (session.json()) co_return co_await showConfigs(session, everyBroker);
  session.out().write(kj::str("altered the configs of ", everyBroker ? "every broker" : "the broker", '\n'));
  co_return session.done();
}

constexpr FlagUse kConfigFlags[] = {
    {"config"_kj, "NAME=VALUE[,…]: set configs"_kj},
    {"reset"_kj, "NAME[,…]: take away what was set"_kj},
    {"every_broker"_kj},
};

}  // namespace

kj::ArrayPtr<const Command> brokerCommands() {
  static const Command commands[] = {
      {"broker info"_kj, ""_kj, "Show the broker's version, identity, engines and state"_kj,
       "LOG ENGINE is that of topics which do not choose one, STATE ENGINE that of offsets and metadata. DISK is that\n"
       "of the data directory: while less than the reserve is free, nothing is appended, no topic or partition is "
       "made,\n"
       "and everything else goes on; while it is read-only, only reads do. MEMORY is the process's own; pages of "
       "mapped\n"
       "files are no reason to worry: the system takes them back when it needs them. UNSYNCED is what a power loss "
       "would\n"
       "take now. Partitions that are offline follow, with what to do.\n"_kj,
       0, 0, nullptr, info},
      {"broker config"_kj, ""_kj, "Show the broker's configs, or set them while it runs"_kj,
       "FROM says where a value comes from: what is set for this broker counts more than what is set for every "
       "broker,\n"
       "that more than the command line, and that more than the default. Only configs that say so can be set while "
       "the\n"
       "broker runs; what is set stays, also over restarts, until --reset takes it away. Names are those of Kafka's\n"
       "tools (kafka-configs --entity-type brokers), and some of Cambium's own.\n"_kj,
       0, 0, kConfigFlags, config},
  };
  return commands;
}

}  // namespace cambium::tools
