#include "tests/broker/kafka_fixture.h"

namespace cambium::kafka {
namespace {

class KafkaFetchTest : public KafkaTest {
 protected:
  KafkaFetchTest() { kafkaLimits.afterEndMsMax = 20; }
  void SetUp() override {
    KafkaTest::SetUp();
    createTopic("words", 3);
  }
  void fill(int partition, int batches, size_t bytes = 1000) {
    for (int i = 0; i < batches; ++i)
      ASSERT_EQ(produce("words", partition, batchOfSize(bytes)).error, 0);
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaFetchTest);

TEST_P(KafkaFetchTest, AnOffsetInsideABatchGivesTheWholeBatch) {
  produce("words", 0, batchOf({"a", "b", "c"}));
  produce("words", 0, batchOf({"d"}));
  EXPECT_EQ(fetch({{"words", 0, 0}}), "0:[0..2] [3..3]");
  EXPECT_EQ(fetch({{"words", 0, 1}}), "0:[0..2] [3..3]");
  EXPECT_EQ(fetch({{"words", 0, 3}}), "0:[3..3]");
  EXPECT_EQ(fetch({{"words", 0, 4}}), "0:");
}

TEST_P(KafkaFetchTest, AtLeastOneBatchHoweverSmallTheLimits) {
  fill(0, 2);
  fill(1, 2);
  EXPECT_EQ(fetch({{"words", 0, 0, 1}}), "0:[0..0]");
  auto request = fetchOf({{"words", 0}, {"words", 1}});
  request.maxBytes = 1;
  EXPECT_EQ(show(call(request, 11).body), "0:[0..0] 1:");
  request.maxBytes = 0;
  EXPECT_EQ(show(call(request, 11).body), "0:[0..0] 1:");
}

TEST_P(KafkaFetchTest, LimitsHoldForPartitionsAndForAllTogether) {
  for (int partition : {0, 1, 2})
    fill(partition, 4);
  EXPECT_EQ(fetch({{"words", 0, 0, 2500}, {"words", 1, 0, 1500}}), "0:[0..0] [1..1] 1:[0..0]");
  auto request = fetchOf({{"words", 0, 0, 2500}, {"words", 1, 0, 2500}, {"words", 2, 0, 2500}});
  request.maxBytes = 3500;
  auto answer = call(request, 11);
  // Loops read at the same time: which of the others gets the rest depends on where they lie.
  EXPECT_PRED2(startsWith, show(answer.body), "0:[0..0] [1..1] 1:");
  size_t bytes = 0;
  for (auto& topic : answer->responses) {
    for (auto& one : topic.partitions)
      bytes += KJ_ASSERT_NONNULL(one.records).size();
  }
  EXPECT_GT(bytes, 3000u);
  EXPECT_LE(bytes, 3500u);
}

TEST_P(KafkaFetchTest, ALongPollIsWokenByAProduceFromAnotherConnection) {
  // Longer than any test may take: only the produce can end it.
  auto waiting = kafka().call(fetchOf({{"words", 0}, {"words", 1}}, 600'000), 11);
  broker->awaitWaiting(2);
  auto other = broker->connectKafka(GetParam().cores - 1);
  EXPECT_EQ(produced(other->call(produceOf("words", 1, batchOf({"a"})), 11).wait(scope()).body), (Produced{0, 0}));
  EXPECT_EQ(show(waiting.wait(scope()).body), "0: 1:[0..0]");
}

TEST_P(KafkaFetchTest, ALongPollEndsWhenTheTimeIsUp) {
  EXPECT_EQ(show(call(fetchOf({{"words", 0}}, 20), 11).body), "0:");
  auto many = fetchOf({{"words", 0}}, 20);
  many.minBytes = 1 << 20;
  fill(0, 1);
  EXPECT_EQ(show(call(many, 11).body), "0:[0..0]");
  EXPECT_EQ(show(call(fetchOf({{"words", 1}}, -5), 11).body), "1:");
}

TEST_P(KafkaFetchTest, ALongPollIsDroppedWithItsConnection) {
  auto gone = broker->connectKafka();
  auto waiting = gone->call(fetchOf({{"words", 0}}, 600'000), 11);
  broker->awaitWaiting(1);
  {
    auto dropped = kj::mv(waiting);
    gone->shutdownWrite();
    gone = nullptr;
  }
  broker->awaitWaiting(0);
}

TEST_P(KafkaFetchTest, ErrorsAreToldPerPartition) {
  fill(0, 1);
  fill(1, 1);
  EXPECT_EQ(fetch({{"words", 0}, {"words", 7}, {"nowhere", 0}}), "0:[0..0] 7:!3 0:!3");
  EXPECT_EQ(fetch({{"words", 0, 2}, {"words", 1, -1}}), "0:!1 1:!1");
  EXPECT_EQ(fetch({{"nowhere", 0}}, 13), "0:!100");
  auto request = fetchOf({{"words", 0}, {"words", 1}, {"words", 2}}, 600'000);
  int32_t epoch = call(MetadataRequest{nullptr}, 9)->topics[0].partitions[0].leaderEpoch;
  request.topics[0].partitions[0].currentLeaderEpoch = epoch;
  request.topics[1].partitions[0].currentLeaderEpoch = epoch + 1;
  EXPECT_EQ(show(call(request, 11).body), "0:[0..0] 1:!75 2:");
  if (epoch > 0) {
    request.topics[1].partitions[0].currentLeaderEpoch = epoch - 1;
    EXPECT_EQ(show(call(request, 11).body), "0:[0..0] 1:!74 2:");
  }
}

// --- Sessions (KIP-227)

class KafkaFetchSessionTest : public KafkaFetchTest {
 public:
  ~KafkaFetchSessionTest() noexcept override = default;

 protected:
  FetchResponse send(FetchRequest request) {
    auto answer = call(request, 12);
    held.add(kj::mv(answer.frame));
    session = answer->sessionId;
    return kj::mv(answer.body);
  }
  FetchRequest next(std::initializer_list<Wanted> changes = {}) {
    auto request = fetchOf(changes);
    request.sessionId = session;
    request.sessionEpoch = epoch++;
    return request;
  }
  std::string open(std::initializer_list<Wanted> all) {
    epoch = 1;
    auto request = fetchOf(all);
    request.sessionEpoch = 0;
    return show(send(kj::mv(request)));
  }

  int32_t session = 0;
  int32_t epoch = 1;
  kj::Vector<kj::Array<kj::byte>> held;
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaFetchSessionTest);

TEST_P(KafkaFetchSessionTest, OnlyWhatChangedIsTold) {
  EXPECT_EQ(open({{"words", 0}, {"words", 1}}), "0: 1:");
  ASSERT_NE(session, 0);
  auto id = session;
  EXPECT_EQ(show(send(next())), "");
  EXPECT_EQ(session, id);
  fill(1, 1);
  EXPECT_EQ(show(send(next())), "1:[0..0]");
  EXPECT_EQ(show(send(next({{"words", 1, 1}}))), "");
  EXPECT_EQ(show(send(next({{"words", 2}}))), "2:") << "a new partition is told for the first time";
  fill(2, 1);
  EXPECT_EQ(show(send(next())), "2:[0..0]");
}

TEST_P(KafkaFetchSessionTest, ForgottenPartitionsAreNotServed) {
  open({{"words", 0}, {"words", 1}});
  auto request = next();
  auto& forgotten = request.forgottenTopicsData.add();
  forgotten.topic = "words";
  forgotten.partitions.add(0);
  EXPECT_EQ(show(send(kj::mv(request))), "");
  fill(0, 1);
  fill(1, 1);
  EXPECT_EQ(show(send(next())), "1:[0..0]");
}

TEST_P(KafkaFetchSessionTest, WrongEpochsAndUnknownSessionsAreRefused) {
  open({{"words", 0}});
  auto id = session;
  EXPECT_EQ(show(send(next())), "");
  epoch = 1;
  EXPECT_EQ(show(send(next())), "!71");
  session = id;
  epoch = 7;
  EXPECT_EQ(show(send(next())), "!71");
  session = id;
  epoch = 2;
  EXPECT_EQ(show(send(next())), "") << "a refusal changes nothing";
  session = id ^ 0x5555;
  EXPECT_EQ(show(send(next())), "!70");
}

TEST_P(KafkaFetchSessionTest, ASessionIsClosedByAFinalRequest) {
  open({{"words", 0}});
  auto id = session;
  auto last = fetchOf({{"words", 0}});
  last.sessionId = id;
  last.sessionEpoch = -1;
  EXPECT_EQ(show(send(kj::mv(last))), "0:");
  EXPECT_EQ(session, 0);
  session = id;
  EXPECT_EQ(show(send(next())), "!70");
}

TEST_P(KafkaFetchSessionTest, ASessionIsByNameOrById) {
  open({{"words", 0}});
  auto request = next();
  EXPECT_EQ(call(request, 13)->errorCode, 106);
}

TEST_P(KafkaFetchSessionTest, PartitionsTakeTurns) {
  for (int partition : {0, 1, 2})
    fill(partition, 4);
  // Room for one partition's batch in each answer.
  auto small = [&](FetchRequest request) {
    request.maxBytes = 1100;
    return show(send(kj::mv(request)));
  };
  auto first = fetchOf({{"words", 0, 0, 1100}, {"words", 1, 0, 1100}, {"words", 2, 0, 1100}});
  first.sessionEpoch = 0;
  EXPECT_EQ(small(kj::mv(first)), "0:[0..0] 1: 2:");
  EXPECT_EQ(small(next({{"words", 0, 1, 1100}})), "1:[0..0]");
  EXPECT_EQ(small(next({{"words", 1, 1, 1100}})), "2:[0..0]");
  EXPECT_EQ(small(next({{"words", 2, 1, 1100}})), "0:[1..1]");
}

}  // namespace
}  // namespace cambium::kafka
