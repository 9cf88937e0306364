#include <deque>
#include <gtest/gtest.h>
#include <random>

#include "engine/record/batch_builder.h"
#include "tests/crash/broker_process.h"
#include "tests/support/rpc_client.h"
#include "tests/support/temporary_folder.h"

namespace cambium {
namespace {

struct Deployment {
  const char* name;
  const char* logEngine;
  const char* stateEngine;
};

constexpr int kKills = 6;
constexpr int kInFlightMax = 5;  // what a broker can recognise again

// An idempotent producer on brokers that are killed: what was not answered is sent again, all of it, with the same
// sequences. In the end everything is there once, in order.
class ProducerKillTest : public ::testing::TestWithParam<Deployment> {
 public:
  ~ProducerKillTest() noexcept override = default;

 protected:
  void start() {
    auto& deployment = GetParam();
    broker = kj::heap<BrokerProcess>(
        io, CAMBIUMD,
        std::vector<std::string>{
            std::string("--data_dir=") + folder.path().cStr(), "--rpc_listen=127.0.0.1:0",
            "--http_listen=", "--kafka_listen=", std::string("--log_engine=") + deployment.logEngine,
            std::string("--state_engine=") + deployment.stateEngine, "--cores=2"});
    auto& network = io.provider->getNetwork();
    auto stream = network.parseAddress(broker->address()).wait(io.waitScope)->connect().wait(io.waitScope);
    client = kj::heap<RpcClient>(io.waitScope, kj::mv(stream));
  }

  // The batch at a sequence is always the same: one record that says its sequence.
  kj::Promise<void> sendOne(rpc::Partition::Client partition, int32_t sequence) {
    BatchBuilder builder({.producerId = 5, .producerEpoch = 0, .baseSequence = sequence});
    auto value = kj::str(sequence);
    builder.add(TimestampMs(1000), nullptr, value.asBytes().asConst());
    auto request = partition.appendBatchesRequest();
    request.setBatches(builder.finish());
    request.setAcks(rpc::Acks::ALL);
    return request.send().then([this, sequence](auto&& response) {
      EXPECT_EQ(errorOf(response), "") << "sequence " << sequence;
      EXPECT_EQ(response.getAppended().getBaseOffset(), sequence) << "also the second time";
      answered = sequence + 1;
    });
  }
  // Always the next one when one was answered, until the connection is lost or `until` is answered.
  kj::Promise<void> produce(rpc::Partition::Client partition, int32_t until) {
    if (sending >= until) return kj::READY_NOW;
    return sendOne(partition, sending++).then([this, partition, until]() mutable {
      return produce(kj::mv(partition), until);
    });
  }
  kj::Promise<void> produceInFlight(int32_t until) {
    sending = answered;
    kj::Vector<kj::Promise<void>> all;
    auto partition = client->partition("words");
    for (int i = 0; i < kInFlightMax; ++i) {
      all.add(produce(partition, until).catch_([](kj::Exception&& exception) {
        EXPECT_EQ(exception.getType(), kj::Exception::Type::DISCONNECTED) << exception.getDescription().cStr();
      }));
    }
    return kj::joinPromises(all.releaseAsArray());
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder;
  kj::Own<BrokerProcess> broker;
  kj::Own<RpcClient> client;
  int32_t sending = 0, answered = 0;
};

INSTANTIATE_TEST_SUITE_P(Every, ProducerKillTest,
                         ::testing::Values(Deployment{"native", "native", "native"},
                                           Deployment{"rocksdb", "rocksdb", "rocksdb"},
                                           Deployment{"hybrid", "native", "rocksdb"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(ProducerKillTest, EverythingIsThereOnce) {
  auto seed = std::random_device()();
  SCOPED_TRACE(kj::str("seed ", seed).cStr());
  std::mt19937 random(seed);
  start();
  ASSERT_EQ(client->createTopic("words", 1, {{"segment.bytes", "20000"}}), "");
  int32_t sentAgain = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    SCOPED_TRACE(kj::str("kill ", kill).cStr());
    auto producing = produceInFlight(INT32_MAX).eagerlyEvaluate(nullptr);
    auto moment = std::uniform_int_distribution<int>(20, 200)(random) * kj::MILLISECONDS;
    io.provider->getTimer().afterDelay(moment).wait(io.waitScope);
    // A clean stop in between: rows of the table as well as the log's tail.
    if (kill % 3 == 2) {
      EXPECT_EQ(broker->terminate(), 0);
    } else {
      broker->kill();
    }
    producing.wait(io.waitScope);
    sentAgain += sending - answered;
    client = nullptr;
    start();
    if (HasFailure()) return;
  }
  EXPECT_GT(sentAgain, 0) << "nothing was under way at any kill: this shows nothing";
  produceInFlight(answered + 20).wait(io.waitScope);
  int64_t next = 0;
  for (int32_t expected = 0; expected < answered;) {
    auto piece = read(io.waitScope, client->partition("words"), next);
    ASSERT_EQ(piece.error, "");
    ASSERT_FALSE(piece.values.empty());
    for (auto& value : piece.values)
      ASSERT_EQ(value, std::to_string(expected++));
    next = piece.nextOffset;
  }
  EXPECT_EQ(next, answered);
  EXPECT_EQ(read(io.waitScope, client->partition("words"), next).highWatermark, answered);
  EXPECT_EQ(broker->terminate(), 0);
}

}  // namespace
}  // namespace cambium
