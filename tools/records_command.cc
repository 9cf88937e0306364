#include "tools/command.h"
#include "tools/session.h"

namespace cambium::tools {
namespace {

kj::Promise<int> remove(Session& session) {
  auto options = recordsOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  auto topic = session.argument(0);
  KJ_IF_MAYBE(partition, options.value().partition) {
    auto start = co_await session.admin().deleteRecords(kj::str(topic), *partition, options.value().before);
    if (!start.ok()) co_return session.fail(start.error());
    if (session.json()) {
      JsonWriter json;
      json.beginObject().key("topic").value(topic).key("partition").value(*partition);
      json.key("logStart").value(start.value()).endObject();
      co_return session.print(json);
    }
    session.out().write(kj::str(topic, " partition ", *partition, " begins at offset ", start.value(), " now\n"));
    co_return session.done();
  }
  co_return session.wrongUsage("--partition is missing: records are deleted partition by partition");
}

constexpr FlagUse kDeleteFlags[] = {
    {.name = "partition"_kj, .description = "N: of this partition"_kj, .required = true},
    {.name = "before"_kj, .required = true},
};

}  // namespace

kj::ArrayPtr<const Command> recordsCommands() {
  static const Command commands[] = {
      {"records delete"_kj, "TOPIC"_kj, "Delete the oldest records of a partition"_kj,
       "Everything below --before can no longer be read; the space comes back in whole segments.\n"_kj, 1, 1,
       kDeleteFlags, remove},
  };
  return commands;
}

}  // namespace cambium::tools
