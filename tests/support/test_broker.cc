#include "tests/support/test_broker.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/broker/door_group.h"

namespace cambium {

TestBroker::TestBroker(kj::AsyncIoContext& io, kj::StringPtr dataDir, Options options)
    : io_(io),
      options_(options),
      kafka_{options.kafkaLimits, nullptr},
      clock_(options.clockShiftMs),
      files_(dataDir, 256),
      engines_(options.files.orDefault(files_), dataDir, 256),
      counts_(options.connectionsPerAddressMax),
      answers_(options.answers),
      kafkaCounts_(options.connectionsPerAddressMax),
      pool_(2),
      loop_{io.provider->getTimer(), *io.lowLevelProvider},
      world_{
          options.files.orDefault(files_), clock_, entropy_, pool_, loops_, engines_, logLevel_, pool_, readMemoryUse} {
  auto& deployment = options_.deployment;
  for (unsigned i = 0; i < deployment.cores; ++i) {
    sockets_.push_back(kj::heap<ListenSockets>("rpc_listen", "127.0.0.1:0", 1));
    kafkaSockets_.push_back(kj::heap<ListenSockets>("kafka_listen", "127.0.0.1:0", 1));
  }
  BrokerConfig config{.cores = deployment.cores,
                      .logEngine = kj::str(deployment.logEngine),
                      .stateEngine = kj::str(deployment.stateEngine),
                      .partitionsMax = options_.partitionsMax,
                      .autoCreateBurst = options_.autoCreateBurst,
                      .groupInitialRebalanceDelayMs = 0,
                      .offsetsSegmentBytes = options_.offsetsSegmentBytes,
                      .segmentBytesMin = options_.segmentBytesMin,
                      .retentionCheckMs = options_.retentionCheckMs,
                      .cleanerBackoffMs = options_.cleanerBackoffMs,
                      .moveBytesPerSecond = options_.moveBytesPerSecond,
                      .diskReserveBytes = static_cast<int64_t>(options_.diskReserve.value())};
  broker_ = kj::heap<Broker>(world_, kj::mv(config), loop_);
  auto failure = kj::runCatchingExceptions([&] {
    auto starting = broker_->start([this](LocalBroker& local, LoopContext& loop) -> kj::Own<Door> {
      auto index = local.here().index();
      kj::Vector<kj::Own<Door>> doors;
      doors.add(
          kj::heap<RpcDoor>(local, loop, options_.limits, counts_, answers_, sockets_[index]->receivers(0, loop.io)));
      doors.add(kj::heap<kafka::KafkaDoor>(local, loop, entropy_, kafka_, kafkaCounts_, answers_,
                                           kafkaSockets_[index]->receivers(0, loop.io)));
      return kj::heap<DoorGroup>(kj::mv(doors));
    });
    KJ_IF_MAYBE(turns, options_.startTurnsMax) {
      for (unsigned turn = 0; turn < *turns && !starting.poll(io_.waitScope); ++turn) {
        io_.provider->getTimer().afterDelay(100 * kj::MICROSECONDS).wait(io_.waitScope);
      }
      return;
    }
    starting.wait(io_.waitScope);
  });
  KJ_IF_MAYBE(exception, failure) {
    stop();
    kj::throwFatalException(kj::mv(*exception));
  }
}

TestBroker::~TestBroker() noexcept(false) {
  if (broker_.get() != nullptr) stop();
}

void TestBroker::stop() {
  stopLater().wait(io_.waitScope);
}

kj::Promise<void> TestBroker::stopLater() {
  return broker_->stop().then([this] { broker_ = nullptr; });
}

kj::Own<RpcClient> TestBroker::connect(unsigned loop) {
  auto& network = io_.provider->getNetwork();
  auto stream = network.parseAddress(address(loop)).wait(io_.waitScope)->connect().wait(io_.waitScope);
  return kj::heap<RpcClient>(io_.waitScope, kj::mv(stream));
}

kj::Own<kafka::KafkaClient> TestBroker::connectKafka(unsigned loop) {
  auto& network = io_.provider->getNetwork();
  auto stream = network.parseAddress(kafkaAddress(loop)).wait(io_.waitScope)->connect().wait(io_.waitScope);
  return kj::heap<kafka::KafkaClient>(kj::mv(stream));
}

ShardReport TestBroker::total() {
  ShardReport total;
  for (auto& report : broker_->local().reports().wait(io_.waitScope)) {
    total.partitions += report.partitions;
    total.partitionsOffline += report.partitionsOffline;
    total.waiting += report.waiting;
    total.gone.add(report.gone);
    for (auto& topic : report.topics)
      total.gone.add(topic.metrics);
  }
  return total;
}

void TestBroker::awaitWaiting(size_t count) {
  awaitTrue("waiting", [&] { return total().waiting == count; });
}

void TestBroker::awaitConnections(uint64_t count) {
  awaitTrue("connections", [&] { return counts_.connections.open == count; });
}

void TestBroker::awaitKafkaConnections(uint64_t count) {
  awaitTrue("Kafka connections", [&] { return kafkaCounts_.open == count; });
}

void TestBroker::awaitTrue(kj::StringPtr what, kj::FunctionParam<bool()> condition) {
  auto& timer = io_.provider->getTimer();
  auto deadline = timer.now() + 10 * kj::SECONDS;
  while (!condition()) {
    KJ_REQUIRE(timer.now() < deadline, "it did not come about", what);
    // Sockets and other loops go on meanwhile.
    timer.afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
  }
}

}  // namespace cambium
