#include <cstdlib>
#include <gtest/gtest.h>
#include <random>

#include "engine/base/text.h"
#include "tests/crash/kill_producers.h"
#include "tests/support/rpc_client.h"
#include "tests/support/temporary_folder.h"

namespace cambium {
namespace {

struct Deployment {
  const char* name;
  const char* logEngine;
  const char* stateEngine;
};

int numberFrom(const char* variable, int otherwise) {
  auto* text = getenv(variable);
  if (text == nullptr) return otherwise;
  return KJ_REQUIRE_NONNULL(parseInteger<int>(text), "not a number", variable, text);
}

// Kills a real broker in the middle of its work, again and again, and holds what it finds afterwards against an oracle
// file. CAMBIUM_KILLS says how often, for each deployment. Covers what a killed process takes with it; what a power
// loss takes is the business of crash_points_test.
class KillTest : public ::testing::TestWithParam<Deployment> {
 public:
  ~KillTest() noexcept override = default;

 protected:
  KillTest() {
    producers.push_back(kj::heap<KafkaKillProducer>(io, oracle, "kafka-idempotent", 0, true));
    producers.push_back(kj::heap<KafkaKillProducer>(io, oracle, "kafka-plain", 1, false));
    producers.push_back(kj::heap<LibraryKillProducer>(io, oracle, "library", 2));
    // Two into one partition.
    producers.push_back(kj::heap<KafkaKillProducer>(io, oracle, "kafka-idempotent-too", 2, true));
  }

  void start() {
    auto& deployment = GetParam();
    broker = kj::heap<BrokerProcess>(
        io, CAMBIUMD,
        std::vector<std::string>{
            std::string("--data_dir=") + folder.path("data").cStr(), "--rpc_listen=127.0.0.1:0",
            "--http_listen=", "--kafka_listen=127.0.0.1:0", std::string("--log_engine=") + deployment.logEngine,
            std::string("--state_engine=") + deployment.stateEngine, "--cores=2", "--segment_bytes_min=14"});
    auto& network = io.provider->getNetwork();
    auto stream = network.parseAddress(broker->address()).wait(io.waitScope)->connect().wait(io.waitScope);
    client = kj::heap<RpcClient>(io.waitScope, kj::mv(stream));
  }

  kj::Promise<void> commitOffsets(rpc::GroupOffsets::Client group) {
    auto request = group.commitRequest();
    auto list = request.initOffsets(1);
    list[0].setTopic("words");
    list[0].setPartition(0);
    list[0].setOffset(++committing);
    return request.send().then([this, group](auto&& response) mutable {
      EXPECT_EQ(errorOf(response), "");
      committed = committing;
      return commitOffsets(kj::mv(group));
    });
  }

  void checkOffsets() {
    auto response = client->group("readers").fetchRequest().send().wait(io.waitScope);
    auto offsets = response.getOffsets();
    int64_t found = offsets.size() == 0 ? 0 : offsets[0].getOffset();
    EXPECT_GE(found, committed) << "an offset that was committed is lost";
    EXPECT_LE(found, committing);
    committed = committing = found;
  }

  // Where each producer's records are, in the order of the partition. Reads on from where the last look ended.
  struct Found {
    std::map<std::string, std::vector<std::pair<int64_t, int64_t>>> records;  // number, offset
    int64_t next = 0;
  };
  void readOn(int32_t index, Found& found) {
    auto partition = client->partition("words", index);
    for (;;) {
      auto piece = read(io.waitScope, partition, found.next);
      ASSERT_EQ(piece.error, "");
      auto offset = found.next;
      for (auto& value : piece.values) {
        auto colon = value.find(':');
        ASSERT_NE(colon, std::string::npos) << "nobody sent this: " << value;
        found.records[value.substr(0, colon)].emplace_back(std::stoll(value.substr(colon + 1)), offset++);
      }
      ASSERT_EQ(piece.nextOffset, offset) << "a record for each offset";
      found.next = piece.nextOffset;
      if (found.next >= piece.highWatermark) return;
    }
  }

  struct Sums {
    size_t acknowledged = 0, lost = 0, duplicated = 0, invented = 0, misplaced = 0;
  };
  // All records of one producer, against what the oracle file says.
  void compare(KillProducer& producer, const OracleFile::Told& told, Sums& sums) {
    auto& records = found[producer.partition()].records[producer.name().cStr()];
    std::map<int64_t, int64_t> places;
    int64_t last = -1;
    for (auto& [number, offset] : records) {
      if (!told.sent.contains(number)) ++sums.invented;
      if (!places.emplace(number, offset).second) ++sums.duplicated;
      EXPECT_GT(number, last) << producer.name().cStr() << ": out of order at offset " << offset;
      last = number;
    }
    for (auto& [number, offset] : told.acknowledged) {
      ++sums.acknowledged;
      auto place = places.find(number);
      if (place == places.end()) {
        ++sums.lost;
      } else if (place->second != offset) {
        ++sums.misplaced;
      }
    }
  }
  Sums compareAll() {
    Sums sums;
    auto told = oracle.read();
    for (auto& producer : producers)
      compare(*producer, told[producer->name().cStr()], sums);
    EXPECT_EQ(sums.lost, 0u);
    EXPECT_EQ(sums.duplicated, 0u);
    EXPECT_EQ(sums.invented, 0u);
    EXPECT_EQ(sums.misplaced, 0u) << "acknowledged at another offset";
    return sums;
  }

  // Everybody works until the broker goes, by force or (now and then) cleanly.
  void workAndEnd(int round, kj::Duration moment, kj::StringPtr passing) {
    kj::Vector<kj::Promise<void>> working;
    for (auto& producer : producers)
      working.add(producer->run(*broker));
    auto ends = [](kj::Exception&& e) {
      EXPECT_EQ(e.getType(), kj::Exception::Type::DISCONNECTED) << e.getDescription().cStr();
    };
    working.add(commitOffsets(client->group("readers")).catch_(ends));
    // Topics come and go meanwhile: the kill may hit a change of metadata.
    auto making = client->admin().createTopicRequest();
    making.setName(passing);
    making.setPartitions(2);
    working.add(making.send().ignoreResult().catch_(ends));
    auto all = kj::joinPromises(working.releaseAsArray()).eagerlyEvaluate(nullptr);
    io.provider->getTimer().afterDelay(moment).wait(io.waitScope);
    if (round % 4 == 3) {
      EXPECT_EQ(broker->terminate(), 0);
    } else {
      broker->kill();
      ++killed;
    }
    all.wait(io.waitScope);
    for (auto& producer : producers)
      producer->reset();
    client = nullptr;
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder;
  OracleFile oracle{folder.path("oracle")};
  kj::Own<BrokerProcess> broker;
  kj::Own<RpcClient> client;
  std::vector<kj::Own<KillProducer>> producers;
  std::map<int32_t, Found> found;
  int64_t committing = 0, committed = 0;
  int killed = 0;
};

INSTANTIATE_TEST_SUITE_P(Every, KillTest,
                         ::testing::Values(Deployment{"native", "native", "native"},
                                           Deployment{"rocksdb", "rocksdb", "rocksdb"},
                                           Deployment{"hybrid", "native", "rocksdb"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(KillTest, NothingAcknowledgedIsLostAndNothingIsThereTwice) {
  int kills = numberFrom("CAMBIUM_KILLS", 4);
  int seed = numberFrom("CAMBIUM_SEED", static_cast<int>(std::random_device()() & 0x7fffffff));
  SCOPED_TRACE(kj::str("CAMBIUM_SEED=", seed).cStr());
  std::mt19937 random(static_cast<unsigned>(seed));
  start();
  // Small segments, so that kills meet rolls and several files.
  ASSERT_EQ(client->createTopic("words", 3, {{"segment.bytes", "20000"}}), "");
  Sums sums;
  for (int round = 0; killed < kills; ++round) {
    SCOPED_TRACE(kj::str("round ", round).cStr());
    auto passing = kj::str("passing", round);
    workAndEnd(round, std::uniform_int_distribution<int>(20, 300)(random) * kj::MILLISECONDS, passing);
    start();
    for (int index = 0; index < 3; ++index)
      readOn(index, found[index]);
    checkOffsets();
    sums = compareAll();
    auto made = client->createTopic(passing, 2);
    EXPECT_TRUE(made == "" || made.find("topicAlreadyExists") == 0) << made;
    EXPECT_EQ(append(io.waitScope, client->partition(passing, 1), {"x"}), 0);
    EXPECT_EQ(client->deleteTopic(passing), "");
    if (HasFailure()) return;
  }
  // Once more from the beginning, not only what came last.
  found.clear();
  for (int index = 0; index < 3; ++index)
    readOn(index, found[index]);
  sums = compareAll();
  EXPECT_GT(sums.acknowledged, 0u) << "the kills came before anything was stored: this shows nothing";
  printf("%s: %d kills, %zu acknowledged, %zu lost, %zu duplicated\n", GetParam().name, killed, sums.acknowledged,
         sums.lost, sums.duplicated);
  EXPECT_EQ(broker->terminate(), 0);
}

}  // namespace
}  // namespace cambium
