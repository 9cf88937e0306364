#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "engine/record/batch_builder.h"
#include "tests/crash/broker_process.h"
#include "tests/support/rpc_client.h"
#include "tests/support/temporary_folder.h"

namespace cambium {
namespace {

struct Direction {
  const char* name;
  const char* stateEngine;
};

constexpr int kKills = 8;
constexpr int kPartitions = 3;
// Of what is there before, so that a kill meets copies and not only switches.
constexpr size_t kValueBytes = 200'000;
constexpr int kLargeBatches = 12;

// A topic that is sent from one engine to the other, again and again, under producers, by brokers that are killed.
class MoveKillTest : public ::testing::TestWithParam<Direction> {
 public:
  ~MoveKillTest() noexcept override = default;

 protected:
  void start() {
    broker = kj::heap<BrokerProcess>(
        io, CAMBIUMD,
        std::vector<std::string>{
            std::string("--data_dir=") + folder.path().cStr(), "--rpc_listen=127.0.0.1:0",
            "--http_listen=", "--kafka_listen=", std::string("--state_engine=") + GetParam().stateEngine, "--cores=2",
            "--move_bytes_per_second=30000000", "--segment_bytes_min=14"});
    auto& network = io.provider->getNetwork();
    auto stream = network.parseAddress(broker->address()).wait(io.waitScope)->connect().wait(io.waitScope);
    client = kj::heap<RpcClient>(io.waitScope, kj::mv(stream));
  }
  void findPartitions() {
    for (int index = 0; index < kPartitions; ++index)
      partitions.add(client->partition("words", index));
  }

  // The batch at a sequence is always the same: one record that says its sequence, some with much behind it.
  kj::Promise<void> sendOne(int index, int32_t sequence) {
    BatchBuilder builder({.producerId = 5, .producerEpoch = 0, .baseSequence = sequence});
    auto value = kj::str(sequence, ' ', kj::repeat('x', sequence < kLargeBatches ? kValueBytes : 10));
    builder.add(TimestampMs(1000), nullptr, value.asBytes().asConst());
    auto request = partitions[index].appendBatchesRequest();
    request.setBatches(builder.finish());
    request.setAcks(rpc::Acks::ALL);
    return request.send().then([this, index, sequence](auto&& response) {
      EXPECT_EQ(errorOf(response), "") << "sequence " << sequence;
      EXPECT_EQ(response.getAppended().getBaseOffset(), sequence) << "also the second time, in either engine";
      answered[index] = sequence + 1;
    });
  }
  kj::Promise<void> produce(int index, int32_t until) {
    if (answered[index] >= until) return kj::READY_NOW;
    return sendOne(index, answered[index]).then([this, index, until] { return produce(index, until); });
  }
  kj::Promise<void> produceAll(int32_t until) {
    kj::Vector<kj::Promise<void>> all;
    for (int index = 0; index < kPartitions; ++index) {
      all.add(produce(index, until).catch_([](kj::Exception&& exception) {
        EXPECT_EQ(exception.getType(), kj::Exception::Type::DISCONNECTED) << exception.getDescription().cStr();
      }));
    }
    return kj::joinPromises(all.releaseAsArray());
  }

  // All that was answered is there, once, in order; of what was not, one batch at most.
  void check(int index) {
    int64_t next = 0;
    for (;;) {
      auto piece = read(io.waitScope, client->partition("words", index), next);
      ASSERT_EQ(piece.error, "");
      for (auto& value : piece.values)
        ASSERT_EQ(value.substr(0, value.find(' ')), std::to_string(next++)) << "partition " << index;
      ASSERT_EQ(piece.nextOffset, next);
      if (next >= piece.highWatermark) break;
    }
    EXPECT_GE(next, answered[index]) << "partition " << index << " lost what it had acknowledged";
    EXPECT_LE(next, answered[index] + 1);
  }
  void awaitArrival(kj::StringPtr engine) {
    auto expected = kj::str(engine, ", ", engine, ", ", engine);
    auto& timer = io.provider->getTimer();
    auto deadline = timer.now() + 60 * kj::SECONDS;
    std::string where;
    while ((where = client->whereIs("words")) != expected.cStr()) {
      ASSERT_LT((timer.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS,
                (deadline - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS)
          << where;
      timer.afterDelay(5 * kj::MILLISECONDS).wait(io.waitScope);
    }
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder;
  kj::Own<BrokerProcess> broker;
  kj::Own<RpcClient> client;
  kj::Vector<rpc::Partition::Client> partitions;
  int32_t answered[kPartitions] = {};
};

INSTANTIATE_TEST_SUITE_P(Every, MoveKillTest,
                         ::testing::Values(Direction{"state_native", "native"}, Direction{"state_rocksdb", "rocksdb"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(MoveKillTest, EverythingIsThereOnceWhicheverEngineItIsIn) {
  auto seed = std::random_device()();
  SCOPED_TRACE(kj::str("seed ", seed).cStr());
  std::mt19937 random(seed);
  start();
  ASSERT_EQ(client->createTopic("words", kPartitions, {{"segment.bytes", "500000"}}), "");
  findPartitions();
  produceAll(kLargeBatches).wait(io.waitScope);
  kj::StringPtr engine = "native";
  int inTheMiddle = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    SCOPED_TRACE(kj::str("kill ", kill).cStr());
    auto producing = produceAll(INT32_MAX).eagerlyEvaluate(nullptr);
    engine = engine == "native" ? "rocksdb"_kj : "native"_kj;
    ASSERT_EQ(client->moveTopic("words", engine), "");
    auto moment = std::uniform_int_distribution<int>(0, 400)(random) * kj::MILLISECONDS;
    io.provider->getTimer().afterDelay(moment).wait(io.waitScope);
    inTheMiddle += client->whereIs("words").find('>') != std::string::npos ? 1 : 0;
    broker->kill();
    producing.wait(io.waitScope);
    partitions.clear();
    client = nullptr;
    start();
    findPartitions();
    // At once, and again when it has arrived.
    for (int index = 0; index < kPartitions; ++index)
      check(index);
    if (HasFailure()) return;
    if (kill % 2 == 0) awaitArrival(engine);
    for (int index = 0; index < kPartitions; ++index)
      check(index);
    if (HasFailure()) return;
  }
  EXPECT_GT(inTheMiddle, 0) << "no kill met a move: this shows nothing";
  awaitArrival(engine);
  produceAll(*std::max_element(std::begin(answered), std::end(answered)) + 5).wait(io.waitScope);
  for (int index = 0; index < kPartitions; ++index)
    check(index);
  EXPECT_EQ(broker->terminate(), 0);
}

}  // namespace
}  // namespace cambium
