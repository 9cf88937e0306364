#include <cstdlib>
#include <gtest/gtest.h>
#include <random>

#include "engine/base/text.h"
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

constexpr int kPartitions = 3;
constexpr int kGroupPartition = 0;

int numberFrom(const char* variable, int otherwise) {
  auto* text = getenv(variable);
  if (text == nullptr) return otherwise;
  return KJ_REQUIRE_NONNULL(parseInteger<int>(text), "not a number", variable, text);
}

// What the test knows of one partition: which records it sent, and up to where they were acknowledged.
struct Oracle {
  int64_t sent = 0;
  int64_t acknowledged = 0;  // all below were
};

// Kills a real broker in the middle of its work, again and again, and holds what it finds afterwards against an oracle.
// Covers what a killed process takes with it; what a power loss takes is the business of the contract suite's faults.
class KillTest : public ::testing::TestWithParam<Deployment> {
 public:
  ~KillTest() noexcept override = default;

 protected:
  void start() {
    auto& deployment = GetParam();
    broker = kj::heap<BrokerProcess>(
        io, CAMBIUMD,
        std::vector<std::string>{
            std::string("--data_dir=") + folder.path().cStr(), "--rpc_listen=127.0.0.1:0",
            "--http_listen=", "--kafka_listen=", std::string("--log_engine=") + deployment.logEngine,
            std::string("--state_engine=") + deployment.stateEngine, "--cores=2"});
    client = connect();
  }
  kj::Own<RpcClient> connect() {
    auto& network = io.provider->getNetwork();
    auto stream = network.parseAddress(broker->address()).wait(io.waitScope)->connect().wait(io.waitScope);
    return kj::heap<RpcClient>(io.waitScope, kj::mv(stream));
  }

  // Sends records to one partition, several appends at a time, until the connection is lost.
  kj::Promise<void> produce(rpc::Partition::Client partition, Oracle& oracle) {
    auto values = std::vector<std::string>();
    auto first = oracle.sent;
    for (int i = 0; i < 3; ++i)
      values.push_back(std::to_string(oracle.sent++));
    return appendLater(partition, values).then([this, partition, &oracle, first](int64_t) mutable {
      // Answers come in order: everything before was answered as well.
      EXPECT_EQ(oracle.acknowledged, first);
      oracle.acknowledged = first + 3;
      return produce(kj::mv(partition), oracle);
    });
  }

  kj::Promise<void> commitOffsets(rpc::GroupOffsets::Client group) {
    auto request = group.commitRequest();
    auto list = request.initOffsets(1);
    list[0].setTopic("words");
    list[0].setPartition(kGroupPartition);
    list[0].setOffset(++committing);
    return request.send().then([this, group](auto&& response) mutable {
      EXPECT_EQ(errorOf(response), "");
      committed = committing;
      return commitOffsets(kj::mv(group));
    });
  }

  // Everything a partition holds has to be a beginning of what was sent since the last look, in order, and hold what
  // was answered.
  void check(int index, Oracle& oracle) {
    auto partition = client->partition("words", index);
    int64_t next = 0, expected = 0;
    for (;;) {
      auto piece = read(io.waitScope, partition, next);
      ASSERT_EQ(piece.error, "");
      for (auto& value : piece.values) {
        ASSERT_EQ(value, std::to_string(expected)) << "partition " << index << ", offset " << expected;
        ++expected;
      }
      next = piece.nextOffset;
      if (next >= piece.highWatermark) break;
    }
    ASSERT_EQ(next, expected) << "a record for each offset";
    EXPECT_GE(expected, oracle.acknowledged) << "partition " << index << " lost what it had acknowledged";
    EXPECT_LE(expected, oracle.sent);
    EXPECT_EQ(expected % 3, 0) << "appends are whole";
    // What was sent and not stored is not sent again: the next record follows what is there.
    oracle.sent = oracle.acknowledged = expected;
  }

  void checkOffsets() {
    auto response = client->group("readers").fetchRequest().send().wait(io.waitScope);
    auto offsets = response.getOffsets();
    int64_t found = offsets.size() == 0 ? 0 : offsets[0].getOffset();
    EXPECT_GE(found, committed) << "an offset that was committed is lost";
    EXPECT_LE(found, committing);
    committed = committing = found;
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder;
  kj::Own<BrokerProcess> broker;
  kj::Own<RpcClient> client;
  Oracle oracles[kPartitions];
  int64_t committing = 0, committed = 0;
};

INSTANTIATE_TEST_SUITE_P(Every, KillTest,
                         ::testing::Values(Deployment{"native", "native", "native"},
                                           Deployment{"rocksdb", "rocksdb", "rocksdb"},
                                           Deployment{"hybrid", "native", "rocksdb"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(KillTest, NothingAcknowledgedIsLost) {
  int kills = numberFrom("CAMBIUM_KILLS", 5);
  int seed = numberFrom("CAMBIUM_SEED", static_cast<int>(std::random_device()() & 0x7fffffff));
  SCOPED_TRACE(kj::str("CAMBIUM_SEED=", seed).cStr());
  std::mt19937 random(static_cast<unsigned>(seed));
  start();
  // Small segments, so that kills meet rolls and several files.
  ASSERT_EQ(client->createTopic("words", kPartitions, {{"segment.bytes", "20000"}}), "");
  int64_t total = 0;
  for (int kill = 0; kill < kills; ++kill) {
    SCOPED_TRACE(kj::str("kill ", kill).cStr());
    std::vector<kj::Own<RpcClient>> producers;
    kj::Vector<kj::Promise<void>> working;
    auto ends = [](kj::Exception&& e) {
      EXPECT_EQ(e.getType(), kj::Exception::Type::DISCONNECTED) << e.getDescription().cStr();
    };
    for (int index = 0; index < kPartitions; ++index) {
      producers.push_back(connect());
      // Two at a time for one partition: the second is on its way while the first is synced.
      auto partition = producers.back()->partition("words", index);
      // Two at a time: the second is on its way while the first is synced.
      for (int i = 0; i < 2; ++i)
        working.add(produce(partition, oracles[index]).catch_(ends));
    }
    working.add(commitOffsets(client->group("readers")).catch_(ends));
    // Topics come and go meanwhile: the kill may hit a change of metadata.
    auto passing = kj::str("passing", kill);
    auto making = client->admin().createTopicRequest();
    making.setName(passing);
    making.setPartitions(2);
    working.add(making.send().ignoreResult().catch_(ends));
    auto all = kj::joinPromises(working.releaseAsArray()).eagerlyEvaluate(nullptr);

    auto moment = std::uniform_int_distribution<int>(0, 300)(random) * kj::MILLISECONDS;
    io.provider->getTimer().afterDelay(moment).wait(io.waitScope);
    broker->kill();
    all.wait(io.waitScope);
    producers.clear();
    client = nullptr;
    start();
    for (int index = 0; index < kPartitions; ++index)
      check(index, oracles[index]);
    checkOffsets();
    auto made = client->createTopic(passing, 2);
    EXPECT_TRUE(made == "" || made.find("topicAlreadyExists") == 0) << made;
    EXPECT_EQ(append(io.waitScope, client->partition(passing, 1), {"x"}), 0);
    if (HasFatalFailure()) return;
    total = oracles[0].sent + oracles[1].sent + oracles[2].sent;
  }
  EXPECT_GT(total, 0) << "the kills came before anything was stored: this shows nothing";
  EXPECT_EQ(broker->terminate(), 0);
}

}  // namespace
}  // namespace cambium
