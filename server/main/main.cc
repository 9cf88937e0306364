#include <csignal>
#include <cstdio>
#include <unistd.h>

#include <kj/async-unix.h>
#include <kj/debug.h>

#include "backends/native/disk_file_system.h"
#include "engine/base/coroutine.h"
#include "engine/base/thread_work_pool.h"
#include "engine/broker/broker.h"
#include "engine/broker/door_group.h"
#include "server/kafka/kafka_door.h"
#include "server/main/allocator.h"
#include "server/main/http_wiring.h"
#include "server/main/listen_sockets.h"
#include "server/main/logging.h"
#include "server/main/memory_return.h"
#include "server/main/options.h"
#include "server/main/system_world.h"
#include "server/rpc/rpc_door.h"

// cambiumd: wiring only. Parses flags, takes the sockets, hands the real world to a Broker, and stops it on a signal.

namespace cambium {
namespace {

// Sockets of the doors, bound before anything else.
struct Doors {
  Doors(const ServerOptions& options) {
    if (options.kafkaListen.size() > 0) kafka.emplace("kafka_listen"_kj, options.kafkaListen, options.broker.cores);
    if (options.rpcListen.size() > 0) rpc.emplace("rpc_listen"_kj, options.rpcListen, options.broker.cores);
    if (options.httpListen.size() > 0) http.emplace("http_listen"_kj, options.httpListen, 1);
  }
  kj::Maybe<ListenSockets> kafka;
  kj::Maybe<ListenSockets> rpc;
  kj::Maybe<ListenSockets> http;
};

// Empty when the system has none.
kj::String hostName() {
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0) return kj::str();
  return kj::str(name);
}

kj::String readyLine(const ServerOptions& options, const Doors& doors) {
  kj::Vector<kj::String> served;
  KJ_IF_MAYBE(kafka, doors.kafka) served.add(kj::str("Kafka on ", kafka->describe()));
  KJ_IF_MAYBE(rpc, doors.rpc) served.add(kj::str("Cap'n Proto RPC on ", rpc->describe()));
  KJ_IF_MAYBE(http, doors.http) served.add(kj::str("HTTP on ", http->describe()));
  if (served.size() == 0) served.add(kj::str("no door open"));
  return kj::str("cambiumd " CAMBIUM_VERSION " is ready: ", kj::strArray(served, ", "), "; data in ", options.dataDir,
                 " (", options.broker.logEngine, " logs, ", options.broker.stateEngine, " state), ",
                 options.broker.cores, options.broker.cores == 1 ? " event loop\n" : " event loops\n");
}

// Clients that connected to a name are told this name: some compare it with what they connected to.
kafka::KafkaSettings kafkaSettings(const ServerOptions& options, const Doors& doors) {
  kafka::KafkaSettings settings{options.kafka.limits, nullptr};
  KJ_IF_MAYBE(advertised, options.kafka.advertised) {
    settings.advertised = advertised->clone();
  } else KJ_IF_MAYBE(sockets, doors.kafka) {
    if (sockets->hasName()) settings.advertised = kafka::Endpoint{kj::str(sockets->host()), sockets->port()};
  }
  return settings;
}

HttpDoorOptions httpOptions(const ServerOptions& options, const Doors& doors) {
  kj::Vector<kj::String> names;
  for (auto& name : options.httpHosts)
    names.add(kj::str(name));
  names.add(hostName());
  KJ_IF_MAYBE(sockets, doors.http) names.add(kj::str(sockets->host()));
  auto reserve = options.httpConnectionsMax / 4;
  return {.connectionsMax = options.httpConnectionsMax - reserve,
          .reserve = reserve,
          .topicSeriesMax = options.topicSeriesMax,
          .hosts = HttpHosts(names),
          .drainTimeout = 200 * kj::MILLISECONDS};
}

kj::Promise<void> whenAskedToStop(kj::UnixEventPort& port) {
  auto hasSignal = [](siginfo_t&&) {};
  return port.onSignal(SIGTERM).then(hasSignal).exclusiveJoin(port.onSignal(SIGINT).then(hasSignal));
}

// The doors of one loop.
kj::Own<Door> openDoors(LocalBroker& local, LoopContext& loop, const ServerOptions& options, Doors& doors,
                        const Entropy& entropy, ConnectionCounts& counts, SharedBudget& answers) {
  kj::Vector<kj::Own<Door>> open;
  KJ_IF_MAYBE(sockets, doors.kafka) {
    open.add(kj::heap<kafka::KafkaDoor>(local, loop, entropy, kafkaSettings(options, doors), counts.kafka, answers,
                                        sockets->receivers(local.here().index(), loop.io)));
  }
  KJ_IF_MAYBE(sockets, doors.rpc) {
    open.add(kj::heap<RpcDoor>(local, loop, options.rpc, counts.rpc, answers,
                               sockets->receivers(local.here().index(), loop.io)));
  }
  return kj::heap<DoorGroup>(kj::mv(open));
}

kj::Promise<void> serve(Broker& broker, const ServerOptions& options, Doors& doors, kj::UnixEventPort& signals,
                        const Entropy& entropy, ConnectionCounts& counts, SharedBudget& answers) {
  auto starting = broker.start([&](LocalBroker& local, LoopContext& loop) {
    return openDoors(local, loop, options, doors, entropy, counts, answers);
  });
  // A signal during recovery stops as well.
  auto started = starting.then([&] {
    fputs(readyLine(options, doors).cStr(), stderr);
    return kj::Promise<void>(kj::NEVER_DONE);
  });
  co_await started.exclusiveJoin(whenAskedToStop(signals));
}

int run(const ServerOptions& options, LogLevelSwitch& logLevel) {
  // Before any thread: each of them inherits the mask.
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::UnixEventPort::captureSignal(SIGINT);
  signal(SIGPIPE, SIG_IGN);
  Doors doors(options);

  auto io = setupLoop();
  LoopContext loop{io.provider->getTimer(), *io.lowLevelProvider};
  DiskFileSystem files(options.dataDir, options.openFilesMax);
  SystemClock clock;
  SystemEntropy entropy;
  ThreadLoops loops(logLevel);
  DiskEngines engines(files, options.dataDir, options.openFilesMax);
  ConnectionCounts connections(options.kafkaPerAddressMax, options.rpcPerAddressMax);
  SharedBudget answers(options.answers);
  {
    ThreadWorkPool pool(options.syncThreads);
    ThreadWorkPool checkPool(options.broker.cores);
    World world{files, clock, entropy, pool, loops, engines, logLevel, checkPool, readMemoryUse};
    Broker broker(world, options.broker.clone(), loop);
    HttpWiring http(broker, loop, pool, httpOptions(options, doors), connections);
    KJ_IF_MAYBE(sockets, doors.http) http.listen(sockets->receivers(0, loop.io));
    auto returning = returnFreedMemory(loop.timer, clock, pool).eagerlyEvaluate([](kj::Exception&& e) {
      KJ_LOG(ERROR, "freed memory is no longer given back", e);
    });
    auto failure = kj::runCatchingExceptions(
        [&] { serve(broker, options, doors, io.unixEventPort, entropy, connections, answers).wait(io.waitScope); });
    returning = nullptr;
    http.drain().wait(io.waitScope);
    broker.stop().wait(io.waitScope);
    KJ_IF_MAYBE(exception, failure) kj::throwFatalException(kj::mv(*exception));
  }
  return 0;
}

}  // namespace
}  // namespace cambium

int main(int argc, char** argv) {
  auto options = cambium::parseOptions(argc, argv);
  if (!options.ok()) {
    fprintf(stderr, "cambiumd: %s\n", options.error().message.cStr());
    return 2;
  }
  cambium::keepFreedMemory();
  cambium::startLogging(argv[0]);
  cambium::LogLevelSwitch logLevel(options.value().verbose ? cambium::LogLevel::kInfo : cambium::LogLevel::kWarn);
  cambium::LogThread log(logLevel);
  int status = 0;
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { status = cambium::run(options.value(), logLevel); })) {
    fprintf(stderr, "cambiumd: %s\n", exception->getDescription().cStr());
    return 1;
  }
  return status;
}
