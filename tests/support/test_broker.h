#pragma once

#include <atomic>
#include <vector>

#include <kj/async-io.h>

#include "backends/native/disk_file_system.h"
#include "engine/base/thread_work_pool.h"
#include "engine/broker/broker.h"
#include "server/kafka/kafka_door.h"
#include "server/main/listen_sockets.h"
#include "server/main/system_world.h"
#include "server/rpc/rpc_door.h"
#include "tests/support/kafka_client.h"
#include "tests/support/rpc_client.h"

namespace cambium {

// What is chosen when a broker is started.
struct Deployment {
  const char* name;
  const char* logEngine;
  const char* stateEngine;
  unsigned cores;
};

// The system's clock, whose time of day a test moves.
class ShiftedClock final : public Clock {
 public:
  explicit ShiftedClock(const std::atomic<int64_t>* shiftMs) : shiftMs_(shiftMs) {}
  TimestampMs now() const override { return clock_.now() + (shiftMs_ == nullptr ? 0 : shiftMs_->load()); }
  int64_t steadyNs() const override { return clock_.steadyNs(); }

 private:
  SystemClock clock_;
  const std::atomic<int64_t>* shiftMs_;
};

// The broker that cambiumd runs, in the test's process: real files in `dataDir`, real threads, real sockets on free
// ports, an RPC door and a Kafka door for each loop. The first loop is the test's. Stops, when it runs, on destruction.
class TestBroker {
 public:
  struct Options {
    Deployment deployment;
    int32_t partitionsMax = 1000;
    RpcLimits limits{};
    // None, so that a test does not depend on how full the machine is.
    Bytes diskReserve{0};
    // Instead of the real file system below the data directory; rooted there as well.
    kj::Maybe<FileSystem&> files{};
    kafka::KafkaLimits kafkaLimits{};
    SharedBudget::Limits answers{};
    size_t connectionsPerAddressMax = 10'000;  // of each door
    Bytes moveBytesPerSecond{0};
    // Set: the start is dropped after so many turns of the loop, if it has not come to its end by then; only stop() may
    // follow.
    kj::Maybe<unsigned> startTurnsMax{};
    // Of retention and compaction.
    int64_t retentionCheckMs = 300'000;
    int64_t cleanerBackoffMs = 15'000;
    int32_t offsetsSegmentBytes = 16 << 20;
    // None, so that small logs can have several segments.
    int64_t segmentBytesMin = 1;
    // Topics that a client may have made by naming them.
    int32_t autoCreateBurst = 1000;
    // How far the broker's wall clock is off the system's, to be moved at any time; null: not at all.
    std::atomic<int64_t>* clockShiftMs = nullptr;
  };

  // Throws what Broker and its start() throw.
  TestBroker(kj::AsyncIoContext& io, kj::StringPtr dataDir, Options options);
  ~TestBroker() noexcept(false);
  KJ_DISALLOW_COPY(TestBroker);

  // Once.
  void stop();
  kj::Promise<void> stopLater();

  // A connection to the door of one loop.
  kj::Own<RpcClient> connect(unsigned loop = 0);
  // "127.0.0.1:port" of one loop's door.
  kj::StringPtr address(unsigned loop = 0) { return sockets_[loop]->describe(); }
  // The same for the Kafka door.
  kj::Own<kafka::KafkaClient> connectKafka(unsigned loop = 0);
  kj::StringPtr kafkaAddress(unsigned loop = 0) { return kafkaSockets_[loop]->describe(); }

  // The engine's calls, on the first loop.
  LocalBroker& local() { return broker_->local(); }
  // All loops together.
  ShardReport total();
  // Of all loops and doors.
  SharedBudget& answers() { return answers_; }
  // Returns when so many long polls and appends wait; throws after ten seconds.
  void awaitWaiting(size_t count);
  // The same for connections.
  void awaitConnections(uint64_t count);
  void awaitKafkaConnections(uint64_t count);
  // What the doors of all loops count.
  const RpcCounts& rpcCounts() const { return counts_; }
  const DoorCounts& kafkaCounts() const { return kafkaCounts_; }
  // … when the condition holds.
  void awaitTrue(kj::StringPtr what, kj::FunctionParam<bool()> condition);

 private:
  kj::AsyncIoContext& io_;
  Options options_;
  kafka::KafkaSettings kafka_;
  ShiftedClock clock_;
  SystemEntropy entropy_;
  DiskFileSystem files_;
  LogLevelSwitch logLevel_{LogLevel::kWarn};
  ThreadLoops loops_{logLevel_};
  DiskEngines engines_;
  RpcCounts counts_;
  SharedBudget answers_;
  DoorCounts kafkaCounts_;
  ThreadWorkPool pool_;
  LoopContext loop_;
  World world_;
  std::vector<kj::Own<ListenSockets>> sockets_;
  std::vector<kj::Own<ListenSockets>> kafkaSockets_;
  kj::Own<Broker> broker_;
};

}  // namespace cambium
