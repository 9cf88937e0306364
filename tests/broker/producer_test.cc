#include "engine/record/batch_builder.h"
#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

// Idempotent producers through the door, over restarts. Both partitions, so that both loops are meant where there are
// two.
class ProducerTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words", 2), "");
  }
  // "5..6": the offsets [5, 6) that the batch got or had; or the error.
  std::string send(int index, int64_t producer, int32_t sequence, int16_t epoch = 0) {
    BatchBuilder builder({.producerId = producer, .producerEpoch = epoch, .baseSequence = sequence});
    builder.add(TimestampMs(1000), nullptr, kj::StringPtr("x").asBytes());
    auto request = client().partition("words", index).appendBatchesRequest();
    request.setBatches(builder.finish());
    request.setAcks(rpc::Acks::ALL);
    auto response = request.send().wait(scope());
    if (response.hasError()) return errorOf(response);
    auto appended = response.getAppended();
    return kj::str(appended.getBaseOffset(), "..", appended.getNextOffset()).cStr();
  }
  void sendEight() {
    for (int index : {0, 1}) {
      for (int i = 0; i < 8; ++i)
        ASSERT_EQ(send(index, 7, i), kj::str(i, "..", i + 1).cStr());
    }
  }
  void expectTheLastFive() {
    for (int index : {0, 1}) {
      EXPECT_PRED2(startsWith, send(index, 7, 2), "outOfOrderSequenceNumber: ");
      for (int i = 3; i < 8; ++i)
        EXPECT_EQ(send(index, 7, i), kj::str(i, "..", i + 1).cStr());
      EXPECT_PRED2(startsWith, send(index, 7, 9), "outOfOrderSequenceNumber: ");
      EXPECT_EQ(read(scope(), client().partition("words", index), 0).nextOffset, 8) << "nothing was written twice";
    }
  }
  PartitionKey keyOf(int index) { return {broker->local().topic("words").value()->id(), index}; }

  // What a kill leaves: the files as they are now, with nothing written at the end.
  void restartAsAfterAKill() {
    TemporaryFolder copy{TemporaryFolder::inMemory()};
    auto recursive = std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy(folder.path().cStr(), copy.path().cStr(), recursive);
    disconnect();
    broker = nullptr;
    std::filesystem::remove_all(folder.path().cStr());
    std::filesystem::copy(copy.path().cStr(), folder.path().cStr(), recursive);
    start();
  }
};
CAMBIUM_EVERY_DEPLOYMENT(ProducerTest);

TEST_P(ProducerTest, DuplicatesAreRecognisedAfterACleanRestart) {
  sendEight();
  expectTheLastFive();
  restart();
  expectTheLastFive();
  restart();
  expectTheLastFive();
  EXPECT_EQ(send(0, 7, 8), "8..9");
  EXPECT_EQ(send(1, 7, 0, 1), "8..9");
  EXPECT_PRED2(startsWith, send(1, 7, 8), "invalidProducerEpoch: ");
}

TEST_P(ProducerTest, DuplicatesAreRecognisedAfterAKill) {
  sendEight();
  restartAsAfterAKill();
  expectTheLastFive();
  restart();
  for (int index : {0, 1})
    ASSERT_EQ(send(index, 8, 0), "8..9");
  restartAsAfterAKill();
  for (int index : {0, 1})
    EXPECT_EQ(send(index, 8, 0), "8..9") << "the tail behind the row of the clean stop";
  EXPECT_EQ(send(0, 7, 8), "9..10");
}

TEST_P(ProducerTest, ADamagedRowIsMadeGoodFromTheLog) {
  sendEight();
  restart();
  auto topic = broker->local().topic("words").value()->id();
  StorageEngine* state = nullptr;
  kj::Vector<ProducerRow> rows;
  for (int index : {0, 1})
    rows.add(ProducerRow{ProducerTable::keyOf({kj::str("words-", index), topic}), kj::heapArray<kj::byte>(9), {}});
  for (auto* engine : broker->local().engines()) {
    if (engine->get("producers", rows[0].key) != nullptr) state = engine;
  }
  ASSERT_NE(state, nullptr);
  ProducerTable(*state).commit(rows);
  restartAsAfterAKill();
  expectTheLastFive();
  for (auto* engine : broker->local().engines()) {
    KJ_IF_MAYBE(row, engine->get("producers", rows[1].key)) {
      EXPECT_EQ(KJ_ASSERT_NONNULL(ProducerStates::decode(*row, {})).upTo.value(), 8);
    }
  }
}

TEST_P(ProducerTest, DescriptionsAndDeletion) {
  sendEight();
  send(1, 9, 4, 3);
  auto described = wait(broker->local().producers(keyOf(1)));
  auto& all = described.value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].producerId, 7);
  EXPECT_EQ(all[0].lastSequence, 7);
  EXPECT_EQ(all[1].producerId, 9);
  EXPECT_EQ(all[1].epoch, 3);
  EXPECT_EQ(all[1].lastTimestamp.value(), 1000);
  auto gone = keyOf(1);
  restart();
  auto rows = [&] {
    size_t count = 0;
    for (auto* engine : broker->local().engines()) {
      engine->scan("producers", nullptr, [&](ByteView, ByteView) {
        ++count;
        return true;
      });
    }
    return count;
  };
  EXPECT_EQ(rows(), 2u);
  ASSERT_EQ(client().deleteTopic("words"), "");
  EXPECT_EQ(rows(), 0u);
  EXPECT_EQ(wait(broker->local().producers(gone)).error().code, ErrorCode::kUnknownTopicOrPartition);
  ASSERT_EQ(client().createTopic("words", 2), "");
  EXPECT_EQ(send(1, 7, 5), "0..1") << "a topic made anew knows nobody";
}

TEST_P(ProducerTest, IdsAreNeverHandedOutTwice) {
  EXPECT_EQ(wait(broker->local().newProducerId()).value(), 0);
  EXPECT_EQ(wait(broker->local().newProducerId()).value(), 1);
  restart();
  EXPECT_EQ(wait(broker->local().newProducerId()).value(), 1000);
  restartAsAfterAKill();
  EXPECT_EQ(wait(broker->local().newProducerId()).value(), 2000);
}

}  // namespace
}  // namespace cambium
