#include <random>

#include "tests/broker/kafka_fixture.h"
#include "tests/broker/kafka_requests.h"

namespace cambium::kafka {
namespace {

class KafkaProduceTest : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    createTopic("words", 2);
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaProduceTest);

constexpr int16_t kCorruptMessage = 2;
constexpr int16_t kUnknownTopicOrPartition = 3;
constexpr int16_t kInvalidRequiredAcks = 21;
constexpr int16_t kUnsupportedCompressionType = 76;
constexpr int16_t kInvalidRecord = 87;
constexpr int16_t kUnknownTopicId = 100;

TEST_P(KafkaProduceTest, WhatIsProducedIsFetchedInEveryVersion) {
  int64_t offset = 0;
  for (Version version = 3; version <= 13; ++version) {
    for (int partition : {0, 1})
      EXPECT_EQ(produce("words", partition, batchOf({"a", "b"}), version), (Produced{0, offset})) << version;
    offset += 2;
  }
  auto facts = FetchRequest::kFacts.versions;
  for (Version version = facts.first; version <= facts.last; ++version) {
    EXPECT_EQ(fetch({{"words", 0, 18}, {"words", 1, 20}}, version), "0:[18..19] [20..21] 1:[20..21]") << version;
  }
}

TEST_P(KafkaProduceTest, EveryCodecComesBackAsItWasSent) {
  int64_t offset = 0;
  for (auto codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    auto batch = batchOf({"one", "two"}, {.codec = codec});
    auto sent = kj::heapArray<kj::byte>(batch.asPtr());
    EXPECT_EQ(produce("words", 0, kj::mv(batch)), (Produced{0, offset}));
    auto answer = call(fetchOf({{"words", 0, offset}}), 11);
    auto records = KJ_ASSERT_NONNULL(answer->responses[0].partitions[0].records).view();
    ASSERT_EQ(records.size(), sent.size());
    // All but base offset and leader epoch.
    EXPECT_EQ(records.slice(16, records.size()), sent.slice(16, sent.size()).asConst());
    offset += 2;
  }
}

TEST_P(KafkaProduceTest, BothAcksAnswerAndNoneIsSilent) {
  EXPECT_EQ(produced(call(produceOf("words", 0, batchOf({"a"}), 1), 9).body), (Produced{0, 0}));
  EXPECT_EQ(produced(call(produceOf("words", 0, batchOf({"b"}), -1), 9).body), (Produced{0, 1}));
  kafka().send(produceOf("words", 0, batchOf({"c"}), 0), 9);
  // The next answer is that of the next request.
  EXPECT_EQ(produce("words", 0, batchOf({"d"})), (Produced{0, 3}));
}

// Requests of every size in one write: they share reads and memory, some wait for syncs, partitions of both loops.
TEST_P(KafkaProduceTest, RequestsThatComeTogetherAreAppendedAsTheyWereSent) {
  createTopic("synced", 2, {{"durability", "fsync"}});
  constexpr size_t kSizes[] = {100, 9'000, 60'000, 20, 200'000, 65'000, 600'000, 10'000, 64'000};
  constexpr int kRequests = 60;
  std::minstd_rand random(1);
  ByteWriter frames;
  kj::Vector<kj::Array<kj::byte>> sent;
  for (int i = 0; i < kRequests; ++i) {
    auto value = kj::heapString(kSizes[random() % kj::size(kSizes)]);
    for (auto& c : value)
      c = static_cast<char>('a' + random() % 26);
    auto batch = batchOf({value});
    sent.add(kj::heapArray<kj::byte>(batch.asPtr()));
    frames.bytes(requestFrame(produceOf("synced", i % 2, kj::mv(batch)), 11, i));
  }
  auto answers = exchangeTogether(frames.finish(), kRequests);
  for (int i = 0; i < kRequests; ++i) {
    auto answer = readAnswer<ProduceResponse>(answers[static_cast<size_t>(i)].wait(scope()), 11, i);
    EXPECT_EQ(produced(answer.body), (Produced{0, i / 2}));
  }
  for (int i = 0; i < kRequests; ++i) {
    auto answer = call(fetchOf({{"synced", i % 2, i / 2, 1}}), 11);
    auto records = KJ_ASSERT_NONNULL(answer->responses[0].partitions[0].records).view();
    auto& batch = sent[static_cast<size_t>(i)];
    ASSERT_EQ(records.size(), batch.size()) << i;
    // All but base offset and leader epoch.
    EXPECT_TRUE(records.slice(16, records.size()) == batch.slice(16, batch.size()).asConst()) << i;
  }
}

TEST_P(KafkaProduceTest, PartitionsFailOneByOne) {
  auto request = produceOf("words", 0, batchOf({"a"}));
  auto& bad = request.topicData[0].partitionData.add();
  bad.index = 2;
  bad.records = Records(batchOf({"b"}));
  auto& unknown = request.topicData.add();
  unknown.name = "nowhere";
  unknown.partitionData.add().records = Records(batchOf({"c"}));
  auto answer = call(request, 11);
  ASSERT_EQ(answer->responses.size(), 2u);
  EXPECT_EQ(answer->responses[0].partitionResponses[0].errorCode, 0);
  EXPECT_EQ(answer->responses[0].partitionResponses[1].errorCode, kUnknownTopicOrPartition);
  EXPECT_EQ(answer->responses[1].partitionResponses[0].errorCode, kUnknownTopicOrPartition);
  EXPECT_EQ(answer->responses[1].partitionResponses[0].baseOffset, -1);
  EXPECT_EQ(produce("nowhere", 0, batchOf({"a"}), 13).error, kUnknownTopicId);
  EXPECT_EQ(produce("words", -1, batchOf({"a"})).error, kUnknownTopicOrPartition);
}

TEST_P(KafkaProduceTest, RecordsThatKafkaRefusesAreRefused) {
  for (kj::byte magic : {0, 1}) {
    auto old = batchOf({"a"});
    old[16] = magic;
    EXPECT_EQ(produce("words", 0, kj::mv(old)).error, kInvalidRecord);
  }
  ByteWriter two;
  two.bytes(batchOf({"a"}));
  two.bytes(batchOf({"b"}));
  EXPECT_EQ(produce("words", 0, two.finish()).error, kInvalidRecord);
  EXPECT_EQ(produce("words", 0, nullptr).error, kInvalidRecord);

  auto damaged = batchOf({"a"});
  damaged.back() ^= 1;
  EXPECT_EQ(produce("words", 0, kj::mv(damaged)).error, kCorruptMessage);
  auto whole = batchOf({"a"});
  EXPECT_EQ(produce("words", 0, kj::heapArray<kj::byte>(whole.slice(0, whole.size() - 1))).error, kCorruptMessage);

  auto zstd = [] { return batchOf({"a"}, {.codec = Codec::kZstd}); };
  EXPECT_EQ(produce("words", 0, zstd(), 6).error, kUnsupportedCompressionType);
  EXPECT_EQ(produce("words", 0, zstd(), 7), (Produced{0, 0})) << "nothing before it was appended";
}

// The default durability: a record is shown when it is on the device, which comes behind an answer to acks=1.
TEST_P(KafkaProduceTest, WhoWasAnsweredFindsTheOwnRecord) {
  for (int64_t offset = 0; offset < 100; ++offset) {
    int32_t partition = static_cast<int32_t>(offset % 2);
    auto& asked = offset % 3 == 0 ? otherKafka() : kafka();
    auto sent = produced(call(produceOf("words", partition, batchOf({"a"}), 1), 9).body);
    ASSERT_EQ(sent, (Produced{0, offset / 2}));
    auto latest = asked.call(listOffsetsOf("words", partition, -1), 5).wait(scope());
    EXPECT_EQ(latest->topics[0].partitions[0].offset, sent.baseOffset + 1);
  }
  for (int64_t offset = 50; offset < 100; ++offset) {
    ASSERT_EQ(produced(call(produceOf("words", 0, batchOf({"a"}), 1), 9).body), (Produced{0, offset}));
    EXPECT_EQ(fetch({{"words", 0, offset}}), kj::str("0:[", offset, "..", offset, "]").cStr()) << "without a wait";
  }
  for (int64_t offset = 100; offset < 150; ++offset) {
    ASSERT_EQ(produced(call(produceOf("words", 0, batchOf({"a"}), 1), 9).body), (Produced{0, offset}));
    DeleteRecordsRequest request;
    request.timeoutMs = 1000;
    auto& topic = request.topics.add();
    topic.name = "words";
    auto& one = topic.partitions.add();
    one.partitionIndex = 0;
    one.offset = offset + 1;
    auto answer = call(request, 2);
    EXPECT_EQ(answer->topics[0].partitions[0].errorCode, 0);
    EXPECT_EQ(answer->topics[0].partitions[0].lowWatermark, offset + 1);
  }
}

TEST_P(KafkaProduceTest, RecordsThatAreNullAreRefused) {
  auto request = produceOf("words", 0, nullptr);
  request.topicData[0].partitionData[0].records = nullptr;
  EXPECT_EQ(produced(call(request, 11).body).error, kInvalidRecord);
}

TEST_P(KafkaProduceTest, OddAcksAreRefused) {
  for (int16_t acks : {2, -2}) {
    EXPECT_EQ(produced(call(produceOf("words", 0, batchOf({"a"}), acks), 9).body),
              (Produced{kInvalidRequiredAcks, -1}));
  }
  EXPECT_EQ(fetch({{"words"}}), "0:");
}

}  // namespace
}  // namespace cambium::kafka
