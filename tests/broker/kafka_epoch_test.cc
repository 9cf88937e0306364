#include "tests/broker/kafka_fixture.h"
#include "tests/broker/kafka_requests.h"

namespace cambium::kafka {
namespace {

// Leader epochs as clients see them; every start of the broker begins a new one.
class KafkaEpochTest : public KafkaTest {
 public:
  ~KafkaEpochTest() noexcept override = default;

 protected:
  void startAnew() {
    restart();
    for (unsigned loop = 0; loop < GetParam().cores; ++loop)
      kafkas.push_back(broker->connectKafka(loop));
  }
  int32_t epochOf(int32_t partition = 0) {
    auto answer = call(MetadataRequest{nullptr}, 9);
    for (auto& one : answer->topics[0].partitions) {
      if (one.partitionIndex == partition) return one.leaderEpoch;
    }
    return -1;
  }
  // "error epoch offset" of the end of an epoch.
  std::string endOf(int32_t epoch, int32_t clientsEpoch = -1, int32_t partition = 0) {
    auto answer = call(endOfEpochOf("words", partition, epoch, clientsEpoch), 4);
    auto& end = answer->topics[0].partitions[0];
    return kj::str(end.errorCode, " ", end.leaderEpoch, " ", end.endOffset).cStr();
  }
  // "error offset epoch".
  std::string find(int64_t timestamp, int32_t clientsEpoch = -1) {
    auto answer = call(listOffsetsOf("words", 0, timestamp, clientsEpoch), 7);
    auto& one = answer->topics[0].partitions[0];
    return kj::str(one.errorCode, " ", one.offset, " ", one.leaderEpoch).cStr();
  }
  // What a fetch says to somebody whose last record is of an epoch: batches, or where the logs part.
  std::string fetchBehind(int64_t offset, int32_t lastEpoch, int32_t clientsEpoch = -1) {
    auto request = fetchOf({{"words", 0, offset}});
    request.topics[0].partitions[0].lastFetchedEpoch = lastEpoch;
    request.topics[0].partitions[0].currentLeaderEpoch = clientsEpoch;
    auto answer = call(request, 12);
    auto& one = answer->responses[0].partitions[0];
    KJ_IF_MAYBE(end, one.divergingEpoch) return kj::str("diverging ", end->epoch, " ", end->endOffset).cStr();
    return show(answer.body);
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaEpochTest);

constexpr int16_t kFenced = 74, kUnknown = 75;

TEST_P(KafkaEpochTest, EachStartBeginsAnEpoch) {
  createTopic("words", 2);
  auto first = epochOf();
  produce("words", 0, batchOf({"a", "b", "c"}));
  startAnew();
  EXPECT_EQ(epochOf(), first + 1);
  EXPECT_EQ(epochOf(1), first + 1);
  EXPECT_EQ(endOf(first), kj::str("0 ", first, " 3").cStr());
  EXPECT_EQ(endOf(first + 1), kj::str("0 ", first + 1, " 3").cStr());
  produce("words", 0, batchOf({"d"}));
  startAnew();
  startAnew();
  produce("words", 0, batchOf({"e"}));
  EXPECT_EQ(endOf(first), kj::str("0 ", first, " 3").cStr());
  EXPECT_EQ(endOf(first + 1), kj::str("0 ", first + 1, " 4").cStr());
  EXPECT_EQ(endOf(first + 2), kj::str("0 ", first + 1, " 4").cStr()) << "that run wrote nothing";
  EXPECT_EQ(endOf(first + 3), kj::str("0 ", first + 3, " 5").cStr());
  EXPECT_EQ(endOf(first + 4), "0 -1 -1");
  EXPECT_EQ(find(-2), kj::str("0 0 ", first).cStr());
  EXPECT_EQ(find(-1), kj::str("0 5 ", first + 3).cStr());
}

TEST_P(KafkaEpochTest, WhoHasRecordsOfAnEpochThatEndedEarlierIsTold) {
  createTopic("words");
  auto first = epochOf();
  produce("words", 0, batchOf({"a", "b", "c"}));
  startAnew();
  produce("words", 0, batchOf({"d", "e"}));
  EXPECT_EQ(fetchBehind(4, first), kj::str("diverging ", first, " 3").cStr());
  EXPECT_EQ(fetchBehind(99, first + 1), kj::str("diverging ", first + 1, " 5").cStr());
  EXPECT_EQ(fetchBehind(3, first), "0:[3..4]");
  EXPECT_EQ(fetchBehind(3, -1), "0:[3..4]");
  EXPECT_EQ(fetchBehind(99, -1), "0:!1");
  EXPECT_EQ(fetchBehind(3, first + 2), "0:!1");
}

TEST_P(KafkaEpochTest, ADivergenceEndsALongPoll) {
  createTopic("words");
  auto first = epochOf();
  produce("words", 0, batchOf({"a"}));
  startAnew();
  auto request = fetchOf({{"words", 0, 5}}, 600'000);
  request.topics[0].partitions[0].lastFetchedEpoch = first;
  auto answer = call(request, 12);
  EXPECT_EQ(KJ_ASSERT_NONNULL(answer->responses[0].partitions[0].divergingEpoch).endOffset, 1);
}

TEST_P(KafkaEpochTest, WhatAClientBelievesOfTheLeaderIsChecked) {
  createTopic("words");
  produce("words", 0, batchOf({"a"}));
  startAnew();
  auto now = epochOf();
  auto fenced = kj::str("0:!", kFenced), unknown = kj::str("0:!", kUnknown);
  EXPECT_EQ(fetchBehind(0, -1, now), "0:[0..0]");
  EXPECT_EQ(fetchBehind(0, -1, now - 1), fenced.cStr());
  EXPECT_EQ(fetchBehind(0, -1, now + 1), unknown.cStr());
  EXPECT_EQ(find(-1, now), kj::str("0 1 ", now).cStr());
  EXPECT_EQ(find(-1, now - 1), kj::str(kFenced, " -1 -1").cStr());
  EXPECT_EQ(find(-1, now + 1), kj::str(kUnknown, " -1 -1").cStr());
  EXPECT_EQ(endOf(now, now), kj::str("0 ", now, " 1").cStr());
  EXPECT_EQ(endOf(now, now - 1), kj::str(kFenced, " -1 -1").cStr());
  EXPECT_EQ(endOf(now, now + 1), kj::str(kUnknown, " -1 -1").cStr());
}

TEST_P(KafkaEpochTest, EpochsGoAlongToAnotherEngine) {
  createTopic("words");
  auto first = epochOf();
  produce("words", 0, batchOf({"a", "b"}));
  startAnew();
  produce("words", 0, batchOf({"c"}));
  auto to = GetParam().logEngine == std::string("native") ? "rocksdb"_kj : "native"_kj;
  ASSERT_EQ(client().moveTopic("words", to), "");
  broker->awaitTrue("the log has arrived", [&] { return client().whereIs("words") == to.cStr(); });
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(endOf(first), kj::str("0 ", first, " 2").cStr()) << turn;
    EXPECT_EQ(endOf(first + 1), kj::str("0 ", first + 1, " 3").cStr()) << turn;
    startAnew();
  }
}

}  // namespace
}  // namespace cambium::kafka
