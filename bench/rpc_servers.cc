#include "bench/rpc_servers.h"

#include <filesystem>
#include <future>
#include <sys/socket.h>

#include <capnp/rpc-twoparty.h>
#include <kj/async-unix.h>
#include <kj/debug.h>

#include "backends/native/disk_file_system.h"
#include "bench/pair_partition.h"
#include "engine/base/buffered_stream.h"
#include "engine/base/thread_work_pool.h"
#include "engine/broker/broker.h"
#include "server/main/listen_sockets.h"
#include "server/main/system_world.h"
#include "server/rpc/rpc_door.h"

namespace cambium::bench {

namespace {

// Runs `serve(io, announce, stop)` on a thread; destroying it makes `stop` ready and joins.
class ServerThread final : public RpcServer {
 public:
  using Announce = kj::Function<void(kj::String)>;
  using Serve = kj::Function<void(kj::AsyncIoContext&, Announce, kj::Promise<void>)>;

  explicit ServerThread(Serve serve) {
    std::promise<void> ready;
    auto isReady = ready.get_future();
    thread_ = kj::heap<kj::Thread>([this, &ready, serve = kj::mv(serve)]() mutable {
      bool announced = false;
      try {
        auto io = kj::setupAsyncIo();
        auto stop = kj::newPromiseAndCrossThreadFulfiller<void>();
        stop_ = kj::mv(stop.fulfiller);
        auto announce = [&](kj::String address) {
          address_ = kj::mv(address);
          announced = true;
          ready.set_value();
        };
        serve(io, announce, kj::mv(stop.promise));
      } catch (...) {
        if (announced) throw;
        ready.set_exception(std::current_exception());
      }
    });
    isReady.get();
  }
  ~ServerThread() noexcept(false) {
    if (stop_.get() != nullptr) stop_->fulfill();
  }
  kj::StringPtr address() const override { return address_; }

 private:
  kj::String address_;
  kj::Own<kj::CrossThreadPromiseFulfiller<void>> stop_;
  kj::Own<kj::Thread> thread_;  // joins first
};

void serveBroker(kj::StringPtr logEngine, kj::StringPtr folder, kj::AsyncIoContext& io, ServerThread::Announce announce,
                 kj::Promise<void> stop) {
  constexpr size_t kOpenFilesMax = 1024;
  ListenSockets sockets("rpc_listen", "127.0.0.1:0", 1);
  LoopContext loop{io.provider->getTimer(), *io.lowLevelProvider};
  DiskFileSystem files(folder, kOpenFilesMax);
  SystemClock clock;
  SystemEntropy entropy;
  LogLevelSwitch logLevel(LogLevel::kWarn);
  ThreadLoops loops(logLevel);
  DiskEngines engines(files, folder, kOpenFilesMax);
  RpcCounts connections{10'000};
  SharedBudget answers{SharedBudget::Limits{}};
  ThreadWorkPool pool(2);
  ThreadWorkPool checkPool(1);
  World world{files, clock, entropy, pool, loops, engines, logLevel, checkPool};
  BrokerConfig config;
  config.logEngine = kj::str(logEngine);
  config.stateEngine = kj::str("native");
  Broker broker(world, kj::mv(config), loop);
  broker
      .start([&](LocalBroker& local, LoopContext& loop) -> kj::Own<Door> {
        RpcLimits limits;
        limits.sendBufferBytes = kSendBufferBytes;
        return kj::heap<RpcDoor>(local, loop, limits, connections, answers, sockets.receivers(0, loop.io));
      })
      .wait(io.waitScope);
  announce(kj::str(sockets.describe()));
  stop.wait(io.waitScope);
  broker.stop().wait(io.waitScope);
}

// One connection of the pair.
struct PairConnection {
  PairConnection(kj::Own<kj::AsyncIoStream> raw, bool buffered, capnp::Capability::Client bootstrap)
      : stream(buffered ? newBufferedStream(kj::mv(raw)) : kj::mv(raw)),
        network(*stream, capnp::rpc::twoparty::Side::SERVER),
        rpc(network, kj::mv(bootstrap)) {}

  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
};

void servePair(bool buffered, Bytes batch, uint64_t count, kj::AsyncIoContext& io, ServerThread::Announce announce,
               kj::Promise<void> stop) {
  ListenSockets sockets("rpc_listen", "127.0.0.1:0", 1);
  auto receivers = sockets.receivers(0, *io.lowLevelProvider);
  announce(kj::str(sockets.describe()));
  auto accepting = receivers[0]->accept().then([&](kj::Own<kj::AsyncIoStream> stream) -> kj::Promise<void> {
    stream->setsockopt(SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof(kSendBufferBytes));
    auto connection = kj::heap<PairConnection>(kj::mv(stream), buffered, kj::heap<PairPartition>(batch, count));
    auto over = connection->network.onDisconnect();
    return over.attach(kj::mv(connection));
  });
  accepting.exclusiveJoin(kj::mv(stop)).wait(io.waitScope);
}

}  // namespace

kj::Own<RpcServer> startBroker(kj::StringPtr logEngine, kj::String folder) {
  auto cleanUp = kj::defer([path = kj::str(folder)] { std::filesystem::remove_all(path.cStr()); });
  auto serve = [logEngine = kj::str(logEngine), folder = kj::mv(folder)](
                   kj::AsyncIoContext& io, ServerThread::Announce announce, kj::Promise<void> stop) {
    serveBroker(logEngine, folder, io, kj::mv(announce), kj::mv(stop));
  };
  kj::Own<RpcServer> server = kj::heap<ServerThread>(kj::mv(serve));
  return server.attach(kj::mv(cleanUp));
}

kj::Own<RpcServer> startPair(bool buffered, Bytes batch, uint64_t count) {
  auto serve = [=](kj::AsyncIoContext& io, ServerThread::Announce announce, kj::Promise<void> stop) {
    servePair(buffered, batch, count, io, kj::mv(announce), kj::mv(stop));
  };
  return kj::heap<ServerThread>(kj::mv(serve));
}

}  // namespace cambium::bench
