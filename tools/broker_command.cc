#include "tools/command.h"
#include "tools/session.h"

namespace cambium::tools {
namespace {

kj::Promise<int> info(Session& session) {
  auto info = co_await session.admin().info();
  if (session.json()) {
    JsonWriter json;
    json.beginObject().key("address").value(session.connection().address()).key("version").value(info.version);
    json.key("clusterId").value(info.clusterId).key("brokerId").value(info.brokerId).key("cores").value(info.cores);
    json.key("logEngine").value(info.logEngine).key("stateEngine").value(info.stateEngine).endObject();
    co_return session.print(json);
  }
  session.out().write(kj::str("address       ", session.connection().address(), "\nversion       ", info.version,
                              "\ncluster id    ", info.clusterId, "\nbroker id     ", info.brokerId, "\ncores         ",
                              info.cores, "\nlog engine    ", info.logEngine, "\nstate engine  ", info.stateEngine,
                              '\n'));
  co_return session.done();
}

}  // namespace

kj::ArrayPtr<const Command> brokerCommands() {
  static const Command commands[] = {
      {"broker info"_kj, ""_kj, "Show the broker's version, identity and engines"_kj,
       "LOG ENGINE is that of topics which do not choose one, STATE ENGINE that of offsets and metadata.\n"_kj, 0, 0,
       nullptr, info},
  };
  return commands;
}

}  // namespace cambium::tools
