#include "client/producer.h"

#include "tests/unit/client/client_fixture.h"

namespace cambium::client {
namespace {

using Outcome = FakeBroker::Outcome;
using Strings = std::vector<std::string>;

class ProducerTest : public ClientTest {
 public:
  ~ProducerTest() noexcept override = default;

 protected:
  ProducerTest() { broker.addTopic("words", 1); }

  kj::Own<Producer> make(ProducerOptions options = {}) { return kj::heap<Producer>(connection, clock, options); }
  static kj::Promise<Result<Delivered>> send(Producer& producer, const std::string& value,
                                             kj::Maybe<PartitionIndex> partition = nullptr) {
    return producer.send({.topic = "words"_kj,
                          .partition = partition,
                          .key = nullptr,
                          .value = kj::StringPtr(value.c_str(), value.size()).asBytes(),
                          .headers = nullptr,
                          .timestamp = nullptr});
  }
};

TEST_F(ProducerTest, DeliversWithOffsets) {
  broker.append("words", 0, {"there", "before"});
  auto producer = make();
  auto a = send(*producer, "a");
  auto b = send(*producer, "b");
  auto delivered = run(kj::mv(b));
  ASSERT_TRUE(delivered.ok());
  EXPECT_EQ(delivered.value().offset, Offset(3));
  EXPECT_EQ(delivered.value().partition, PartitionIndex(0));
  EXPECT_EQ(delivered.value().timestamp, TimestampMs(1'700'000'000'000));
  EXPECT_EQ(run(kj::mv(a)).value().offset, Offset(2));
  EXPECT_EQ(broker.values("words", 0), (Strings{"there", "before", "a", "b"}));
  EXPECT_EQ(broker.appends[0].acks, rpc::Acks::ALL);
  EXPECT_EQ(producer->stats().recordsDelivered, 2u);
  EXPECT_EQ(producer->stats().bytesBuffered, 0u);
}

TEST_F(ProducerTest, LingersForMoreRecords) {
  auto producer = make({.lingerMs = 20});
  auto a = send(*producer, "a");
  pass(15);
  auto b = send(*producer, "b");
  EXPECT_TRUE(run(kj::mv(a)).ok());
  EXPECT_TRUE(run(kj::mv(b)).ok());
  ASSERT_EQ(broker.appends.size(), 1u);
  EXPECT_EQ(ms(broker.appends[0].at), 20);
  EXPECT_EQ(broker.appends[0].values, (Strings{"a", "b"}));
}

TEST_F(ProducerTest, WithoutLingeringOneTurnIsOneBatch) {
  auto producer = make({.lingerMs = 0});
  auto a = send(*producer, "a");
  auto b = send(*producer, "b");
  EXPECT_TRUE(run(kj::mv(b)).ok());
  ASSERT_EQ(broker.appends.size(), 1u);
  EXPECT_EQ(nowMs(), 0);
}

TEST_F(ProducerTest, FullBatchesDoNotLinger) {
  auto producer = make({.lingerMs = 60'000, .batchBytesMax = 1'000});
  std::vector<kj::Promise<Result<Delivered>>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(send(*producer, std::string(100, static_cast<char>('a' + i))));
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(run(kj::mv(all[i])).ok());
  EXPECT_EQ(nowMs(), 0);
  for (auto& append : broker.appends)
    EXPECT_LE(append.values.size(), 9u);
  EXPECT_TRUE(run(producer->flush()).ok());
  EXPECT_EQ(nowMs(), 0);
  EXPECT_EQ(broker.values("words", 0).size(), 20u);
}

TEST_F(ProducerTest, ARecordLargerThanABatchGoesAlone) {
  auto producer = make({.lingerMs = 1, .batchBytesMax = 1'000});
  auto a = send(*producer, "a");
  auto b = send(*producer, std::string(5'000, 'x'));
  auto c = send(*producer, "c");
  EXPECT_TRUE(run(kj::mv(c)).ok());
  ASSERT_EQ(broker.appends.size(), 3u);
  EXPECT_EQ(broker.appends[1].values.size(), 1u);
}

TEST_F(ProducerTest, CompressesEveryCodec) {
  for (auto codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    auto producer = make({.codec = codec});
    EXPECT_TRUE(run(send(*producer, std::string(1'000, 'z'))).ok());
    EXPECT_EQ(broker.appends.back().codec, static_cast<int>(codec));
    EXPECT_EQ(broker.appends.back().values, Strings{std::string(1'000, 'z')});
  }
}

TEST_F(ProducerTest, BatchesFillWhileOneIsOnTheWay) {
  auto producer = make({.lingerMs = 1});
  broker.script = {Outcome::kAcceptLater};
  auto a = send(*producer, "a");
  pass(2);
  ASSERT_EQ(broker.appends.size(), 1u);
  auto b = send(*producer, "b");
  pass(10);
  auto c = send(*producer, "c");
  pass(10);
  ASSERT_EQ(broker.appends.size(), 1u);
  broker.release();
  EXPECT_TRUE(run(kj::mv(c)).ok());
  ASSERT_EQ(broker.appends.size(), 2u);
  EXPECT_EQ(broker.appends[1].values, (Strings{"b", "c"}));
}

TEST_F(ProducerTest, SeveralBatchesInFlightWhenAllowed) {
  auto producer = make({.batchBytesMax = 1, .inFlightPerPartitionMax = 3});
  broker.always = Outcome::kAcceptLater;
  for (int i = 0; i < 5; ++i)
    auto dropped = send(*producer, std::to_string(i));
  settle();
  EXPECT_EQ(broker.appends.size(), 3u);
  broker.always = Outcome::kAccept;
  broker.release();
  EXPECT_TRUE(run(producer->flush()).ok());
  EXPECT_EQ(broker.values("words", 0), (Strings{"0", "1", "2", "3", "4"}));
}

TEST_F(ProducerTest, RefusedBatchIsSentAgainBeforeAllOthers) {
  auto producer = make({.lingerMs = 0, .batchBytesMax = 1, .retryBackoffMs = 100});
  broker.script = {Outcome::kRefuse, Outcome::kOverloaded, Outcome::kAccept, Outcome::kRefuse};
  for (int i = 0; i < 5; ++i)
    auto dropped = send(*producer, std::to_string(i));
  EXPECT_TRUE(run(producer->flush()).ok());
  EXPECT_EQ(broker.values("words", 0), (Strings{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(producer->stats().batchesRetried, 3u);
  // 100, then 200 after the second failure in a row; 100 again after a success.
  EXPECT_EQ(ms(broker.appends[1].at), 100);
  EXPECT_EQ(ms(broker.appends[2].at), 300);
  EXPECT_EQ(nowMs(), 400);
}

TEST_F(ProducerTest, LostConnectionIsMadeAgainAndOrderHolds) {
  for (uint32_t inFlight : {1u, 4u}) {
    broker.topics.clear();
    broker.addTopic("words", 1);
    auto producer = make({.batchBytesMax = 1, .inFlightPerPartitionMax = inFlight});
    broker.script = {Outcome::kAccept, Outcome::kHang};
    for (int i = 0; i < 6; ++i)
      auto dropped = send(*producer, std::to_string(i));
    settle();
    broker.cut();
    broker.script.clear();
    EXPECT_TRUE(run(producer->flush()).ok());
    auto values = broker.values("words", 0);
    // At least once; the first sight of each is in order.
    Strings firsts;
    for (auto& value : values) {
      if (std::find(firsts.begin(), firsts.end(), value) == firsts.end()) firsts.push_back(value);
    }
    if (inFlight == 1) EXPECT_EQ(values, (Strings{"0", "1", "2", "3", "4", "5"}));
    EXPECT_EQ(firsts.size(), 6u);
  }
  EXPECT_GE(broker.connections, 3);
}

TEST_F(ProducerTest, AnswerLostMeansTwiceThere) {
  auto producer = make({.lingerMs = 0});
  broker.script = {Outcome::kAcceptAndCut};
  EXPECT_EQ(run(send(*producer, "a")).value().offset, Offset(1));
  EXPECT_EQ(broker.values("words", 0), (Strings{"a", "a"}));
}

TEST_F(ProducerTest, WaitsForABrokerThatIsDown) {
  broker.down = true;
  auto producer = make();
  auto a = send(*producer, "a");
  pass(10'000);
  EXPECT_FALSE(a.poll(waitScope));
  broker.down = false;
  EXPECT_TRUE(run(kj::mv(a)).ok());
}

TEST_F(ProducerTest, DeliveryTimeoutFailsWithTheReason) {
  broker.down = true;
  auto producer = make({.deliveryTimeoutMs = 3'000});
  auto result = run(send(*producer, "a"));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kRequestTimedOut);
  EXPECT_NE(std::string(result.error().message.cStr()).find("is the broker running?"), std::string::npos)
      << result.error().message.cStr();
  EXPECT_EQ(nowMs(), 3'000);
}

TEST_F(ProducerTest, DeliveryTimeoutOfABrokerThatDoesNotAnswer) {
  auto producer = make({.lingerMs = 0, .deliveryTimeoutMs = 3'000});
  broker.script = {Outcome::kHang};
  auto a = send(*producer, "a");
  pass(1'000);
  auto b = send(*producer, "b");
  auto result = run(kj::mv(a));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(nowMs(), 3'000);
  EXPECT_TRUE(run(kj::mv(b)).ok());
}

TEST_F(ProducerTest, RetriesEndWhereTheyAreBounded) {
  auto producer = make({.lingerMs = 0, .retriesMax = 2});
  broker.always = Outcome::kRefuse;
  auto result = run(send(*producer, "a"));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kStorageError);
  EXPECT_EQ(broker.appends.size(), 3u);
}

TEST_F(ProducerTest, FatalErrorsAreNotRetried) {
  auto producer = make({.lingerMs = 0});
  broker.script = {Outcome::kTooLarge};
  auto result = run(send(*producer, "a"));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kMessageTooLarge);
  EXPECT_EQ(broker.appends.size(), 1u);
  auto flushed = run(producer->flush());
  ASSERT_FALSE(flushed.ok());
  EXPECT_EQ(flushed.error().code, ErrorCode::kMessageTooLarge);
  EXPECT_TRUE(run(producer->flush()).ok());  // told once
}

TEST_F(ProducerTest, UnknownTopicAndPartitionFailAtOnce) {
  auto producer = make({.lingerMs = 0});
  auto topic = run(producer->send({.topic = "nowhere"_kj,
                                   .partition = nullptr,
                                   .key = nullptr,
                                   .value = nullptr,
                                   .headers = nullptr,
                                   .timestamp = nullptr}));
  ASSERT_FALSE(topic.ok());
  EXPECT_EQ(topic.error().code, ErrorCode::kUnknownTopicOrPartition);
  auto partition = run(send(*producer, "a", PartitionIndex(7)));
  ASSERT_FALSE(partition.ok());
  EXPECT_EQ(partition.error().code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(nowMs(), 0);
}

TEST_F(ProducerTest, FullBufferHoldsSendersBack) {
  auto producer = make({.lingerMs = 0, .batchBytesMax = 100, .bufferBytesMax = 1'000});
  broker.always = Outcome::kAcceptLater;
  std::vector<kj::Promise<Result<Delivered>>> all;
  int before = 0;
  while (producer->whenRoom().poll(waitScope)) {
    all.push_back(send(*producer, std::string(50, 'a')));
    ASSERT_LT(++before, 100);
  }
  EXPECT_EQ(before, 6);  // about 170 bytes each with what a record costs
  auto room = producer->whenRoom();
  all.push_back(send(*producer, "waits"));
  pass(1'000);
  EXPECT_FALSE(room.poll(waitScope));
  EXPECT_EQ(producer->stats().recordsBuffered, 7u);
  broker.always = Outcome::kAccept;
  broker.release();
  run(kj::mv(room));
  for (auto& each : all)
    EXPECT_TRUE(run(kj::mv(each)).ok());
  EXPECT_EQ(broker.values("words", 0).back(), "waits");
  EXPECT_EQ(producer->stats().bytesBuffered, 0u);
}

TEST_F(ProducerTest, AcksNoneResolvesWhenTheBrokerHasReceived) {
  auto producer = make({.acks = Acks::kNone, .lingerMs = 0});
  broker.script = {Outcome::kAcceptLater};
  auto sent = send(*producer, "a");
  auto flushed = producer->flush();
  settle();
  ASSERT_EQ(broker.appends.size(), 1u);
  EXPECT_EQ(broker.appends[0].acks, rpc::Acks::NONE);
  EXPECT_FALSE(sent.poll(waitScope));
  EXPECT_FALSE(flushed.poll(waitScope));
  broker.release();
  EXPECT_TRUE(run(kj::mv(flushed)).ok());
  auto result = run(kj::mv(sent));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().offset, kNoOffset);
}

TEST_F(ProducerTest, AcksNoneReportsAndRetriesNothing) {
  auto producer = make({.acks = Acks::kNone, .lingerMs = 0});
  for (auto outcome : {Outcome::kRefuse, Outcome::kTooLarge, Outcome::kOverloaded, Outcome::kCut, Outcome::kHang}) {
    broker.appends.clear();
    broker.script = {outcome};
    auto result = run(send(*producer, "a"));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.value().offset, kNoOffset);
    EXPECT_TRUE(run(producer->flush()).ok());
    EXPECT_EQ(broker.appends.size(), 1u);
  }
  EXPECT_TRUE(run(send(*producer, "b")).ok());
  EXPECT_EQ(broker.values("words", 0), Strings{"b"});
  EXPECT_EQ(producer->stats().batchesRetried, 0u);
}

TEST_F(ProducerTest, ABatchThatCannotBeMadeFailsAlone) {
  for (auto acks : {Acks::kAll, Acks::kNone}) {
    auto producer = make({.acks = acks, .codec = static_cast<Codec>(7), .lingerMs = 0, .batchBytesMax = 1});
    auto a = send(*producer, "a");
    auto b = send(*producer, "b");
    auto flushed = run(producer->flush());
    ASSERT_FALSE(flushed.ok());
    EXPECT_NE(std::string(flushed.error().message.cStr()).find("could not be made"), std::string::npos);
    EXPECT_FALSE(run(kj::mv(a)).ok());
    EXPECT_FALSE(run(kj::mv(b)).ok());
    EXPECT_EQ(producer->stats().recordsFailed, 2u);
    EXPECT_EQ(producer->stats().bytesBuffered, 0u);
    EXPECT_TRUE(run(producer->close()).ok());
  }
  EXPECT_TRUE(broker.appends.empty());
}

// The record is admitted while its partition still waits for the lingering of a batch that was flushed before.
TEST_F(ProducerTest, WhatAFlushAdmitsDoesNotLinger) {
  broker.addTopic("words", 2);
  auto producer = make({.lingerMs = 60'000, .bufferBytesMax = 100});
  auto first = send(*producer, "x", PartitionIndex(1));
  EXPECT_TRUE(run(producer->flush()).ok());
  auto fills = send(*producer, std::string(100, 'a'), PartitionIndex(0));
  auto waits = send(*producer, "y", PartitionIndex(1));
  EXPECT_TRUE(run(producer->flush()).ok());
  EXPECT_EQ(nowMs(), 0);
  EXPECT_EQ(broker.values("words", 1), (Strings{"x", "y"}));
}

// Many times full and free again: every waiter is woken, each time.
TEST_F(ProducerTest, RoomComesAndGoes) {
  auto producer = make({.lingerMs = 0, .bufferBytesMax = 1});
  for (int i = 0; i < 100; ++i) {
    auto sent = send(*producer, "a");
    auto room = producer->whenRoom();
    run(kj::mv(room));
    EXPECT_TRUE(run(kj::mv(sent)).ok());
  }
  EXPECT_EQ(broker.values("words", 0).size(), 100u);
}

TEST_F(ProducerTest, FlushWaitsOnlyForWhatWasThere) {
  auto producer = make({.lingerMs = 60'000});
  auto a = send(*producer, "a");
  broker.script = {Outcome::kAcceptLater};
  auto flushed = producer->flush();
  settle();
  auto b = send(*producer, "b");
  EXPECT_FALSE(flushed.poll(waitScope));
  broker.release();
  EXPECT_TRUE(run(kj::mv(flushed)).ok());
  EXPECT_LT(nowMs(), 60'000);
  EXPECT_TRUE(run(kj::mv(a)).ok());
}

TEST_F(ProducerTest, CloseFlushesAndRefusesFurther) {
  auto producer = make({.lingerMs = 60'000});
  auto a = send(*producer, "a");
  EXPECT_TRUE(run(producer->close()).ok());
  EXPECT_TRUE(run(kj::mv(a)).ok());
  auto late = run(send(*producer, "b"));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kInvalidRequest);
}

TEST_F(ProducerTest, KeysDecideThePartition) {
  broker.addTopic("words", 5);
  auto producer = make();
  for (auto key : {"abc"_kj, "foobar"_kj, "21"_kj}) {
    auto sent = run(producer->send({.topic = "words"_kj,
                                    .partition = nullptr,
                                    .key = ByteView(key.asBytes()),
                                    .value = ByteView(key.asBytes()),
                                    .headers = nullptr,
                                    .timestamp = TimestampMs(5)}));
    EXPECT_EQ(sent.value().partition, keyedPartition(key.asBytes(), 5));
    EXPECT_EQ(sent.value().timestamp, TimestampMs(5));
  }
}

TEST_F(ProducerTest, NoticesAddedPartitions) {
  auto producer = make({.lingerMs = 0, .metadataAgeMsMax = 1'000, .partitioner = PartitionerKind::kRoundRobin});
  EXPECT_TRUE(run(send(*producer, "a")).ok());
  broker.topics["words"].partitions.resize(2);
  pass(1'001);
  EXPECT_TRUE(run(send(*producer, "b")).ok());
  settle();
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(run(send(*producer, "c")).ok());
  EXPECT_FALSE(broker.values("words", 1).empty());
}

TEST_F(ProducerTest, DroppedProducerFailsItsPromises) {
  auto producer = make({.lingerMs = 60'000});
  auto a = send(*producer, "a");
  settle();
  producer = nullptr;
  EXPECT_ANY_THROW((void)run(kj::mv(a)));
}

}  // namespace
}  // namespace cambium::client
