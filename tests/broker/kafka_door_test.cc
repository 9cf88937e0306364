#include "tests/broker/kafka_fixture.h"

namespace cambium::kafka {
namespace {

// The door as a socket: versions, order, what is answered at all; and metadata.
class KafkaDoorTest : public KafkaTest {};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaDoorTest);

kj::Array<kj::byte> apiVersionsFrame(Version version) {
  ByteWriter out;
  out.int32(10);
  out.int16(18);
  out.int16(version);
  out.int32(77);
  out.int16(-1);
  return out.finish();
}

TEST_P(KafkaDoorTest, ApiVersionsInAVersionOfTheFutureIsAnsweredInVersion0) {
  auto frame = kafka().exchange(apiVersionsFrame(99)).wait(scope());
  auto answer = readAnswer<ApiVersionsResponse>(kj::mv(frame), 0, 77);
  EXPECT_EQ(answer->errorCode, 35);
  EXPECT_EQ(answer->apiKeys.size(), apis().size());
  // The connection goes on.
  auto again = call(ApiVersionsRequest{}, 0);
  EXPECT_EQ(again->errorCode, 0);
}

TEST_P(KafkaDoorTest, ApiVersionsListsWhatIsServed) {
  for (Version version = 0; version <= 4; ++version) {
    auto answer = call(ApiVersionsRequest{Text("tester"), Text("1.0")}, version);
    EXPECT_EQ(answer->errorCode, 0);
    ASSERT_EQ(answer->apiKeys.size(), apis().size());
    for (auto& entry : answer->apiKeys) {
      auto& api = KJ_ASSERT_NONNULL(findApi(entry.apiKey));
      EXPECT_EQ(entry.minVersion, api.advertisedFirst);
      EXPECT_EQ(entry.maxVersion, api.served.last);
    }
  }
}

TEST_P(KafkaDoorTest, AVersionThatIsNotServedEndsTheConnection) {
  MetadataRequest request;
  auto frame = requestFrame(request, 13, 1);
  frame[7] = 14;
  EXPECT_THROW(kafka().exchange(kj::mv(frame)).wait(scope()), kj::Exception);
  kafkas.front() = broker->connectKafka();
  EXPECT_EQ(kafka().call(request, 13).wait(scope())->brokers.size(), 1u);
}

TEST_P(KafkaDoorTest, AnswersComeInTheOrderOfTheRequests) {
  createTopic("words");
  kj::Vector<kj::Promise<void>> answers;
  kj::Vector<int> order;
  auto note = [&](auto promise, int number) {
    answers.add(promise.then([&order, number](auto&&) { order.add(number); }).eagerlyEvaluate(nullptr));
  };
  note(kafka().call(produceOf("words", 0, batchOf({"a"})), 11), 0);
  note(kafka().call(fetchOf({{"words", 0, 1}}, 50), 11), 1);  // waits
  note(kafka().call(MetadataRequest{}, 9), 2);
  note(kafka().call(produceOf("words", 0, batchOf({"b"})), 11), 3);
  kafka().send(produceOf("words", 0, batchOf({"c"}), 0), 11);  // gets no answer
  note(kafka().call(ApiVersionsRequest{}, 3), 4);
  for (auto& answer : answers)
    answer.wait(scope());
  EXPECT_STREQ(kj::strArray(order, " ").cStr(), "0 1 2 3 4");
  // Nobody waited for the third one to be safe.
  EXPECT_EQ(show(call(fetchOf({{"words", 0, 2}}, 600'000), 11).body), "0:[2..2]");
}

TEST_P(KafkaDoorTest, ProducesAreAppendedBeforeThoseInFrontAreAnswered) {
  createTopic("words", 1, {{"durability", "fsync"}});
  constexpr int kProduces = 32;
  // All in one write: a broker that waited for each sync would make as many syncs as there are requests.
  ByteWriter frames;
  for (int i = 0; i < kProduces; ++i)
    frames.bytes(requestFrame(produceOf("words", 0, batchOf({"a"})), 11, i));
  auto answers = exchangeTogether(frames.finish(), kProduces);
  for (int i = 0; i < kProduces; ++i) {
    auto answer = readAnswer<ProduceResponse>(answers[static_cast<size_t>(i)].wait(scope()), 11, i);
    EXPECT_EQ(produced(answer.body), (Produced{0, i}));
  }
  auto total = broker->total();
  EXPECT_EQ(total.gone.appends, 32u);
  EXPECT_GE(total.gone.syncs, 1u);
  EXPECT_LT(total.gone.syncs, 32u);
}

TEST_P(KafkaDoorTest, WhatWasSentIsAnsweredAfterTheClientHasEndedItsSide) {
  createTopic("words");
  auto answer = kafka().call(produceOf("words", 0, batchOf({"a"})), 11);
  kafka().shutdownWrite();
  EXPECT_EQ(produced(answer.wait(scope()).body), (Produced{0, 0}));
  EXPECT_EQ(kafka().readToEnd().wait(scope()), 0u);
}

TEST_P(KafkaDoorTest, MetadataNamesTheAddressThatTheClientUses) {
  createTopic("words", 2);
  for (Version version = 0; version <= 13; ++version) {
    MetadataRequest all;
    if (version == 0) all.topics.emplace();  // version 0 says it with an empty array
    auto answer = call(all, version);
    ASSERT_EQ(answer->brokers.size(), 1u);
    EXPECT_EQ(kj::str(answer->brokers[0].host, ":", answer->brokers[0].port), broker->kafkaAddress());
    ASSERT_EQ(answer->topics.size(), 1u) << version;
    EXPECT_EQ(KJ_ASSERT_NONNULL(answer->topics[0].name).view(), "words");
    EXPECT_EQ(answer->topics[0].partitions.size(), 2u);
    if (version >= 10) {
      EXPECT_EQ(answer->topics[0].topicId, idOf("words"));
    }
  }
}

MetadataRequest metadataOf(kj::StringPtr topic, bool mayCreate) {
  MetadataRequest request;
  request.topics.emplace().add().name = Text(kj::str(topic));
  request.allowAutoTopicCreation = mayCreate;
  return request;
}

TEST_P(KafkaDoorTest, MissingTopicsAreMadeWhenTheClientAllowsIt) {
  EXPECT_EQ(call(metadataOf("fresh", false), 9)->topics[0].errorCode, 3);
  EXPECT_EQ(client().listTopics(), "");
  auto made = call(metadataOf("fresh", true), 9);
  EXPECT_EQ(made->topics[0].errorCode, 0);
  EXPECT_EQ(made->topics[0].partitions.size(), 1u);
  EXPECT_EQ(client().listTopics(), "fresh/1");
  // Version 3 cannot say no.
  EXPECT_EQ(call(metadataOf("older", false), 3)->topics[0].errorCode, 0);
  EXPECT_EQ(call(metadataOf("not a name", true), 9)->topics[0].errorCode, 17);
}

// Whoever may connect may not fill the broker with topics that nobody has asked for.
TEST_P(KafkaDoorTest, AClientHasFewTopicsMadeByNamingThem) {
  kafkas.clear();
  autoCreateBurst = 3;
  restart();
  kafkas.push_back(broker->connectKafka(0));
  kafkas.push_back(broker->connectKafka(GetParam().cores - 1));
  MetadataRequest request;
  request.allowAutoTopicCreation = true;
  auto& topics = request.topics.emplace();
  for (int i = 0; i < 10; ++i)
    topics.add().name = Text(kj::str("wish-", i));
  auto answer = call(request, 9);
  int made = 0;
  for (auto& topic : answer->topics) {
    if (topic.errorCode == 0) ++made;
    if (topic.errorCode != 0) EXPECT_EQ(topic.errorCode, 5) << "as for a topic that is just being made";
  }
  // One comes back each second.
  EXPECT_GE(made, 3);
  EXPECT_LE(made, 6);
  // Another connection, perhaps of another loop, is of the same address.
  auto more = otherKafka().call(metadataOf("another", true), 9).wait(scope());
  auto known = otherKafka().call(metadataOf("wish-0", true), 9).wait(scope());
  EXPECT_EQ(known->topics[0].errorCode, 0);
  EXPECT_TRUE(more->topics[0].errorCode == 5 || more->topics[0].errorCode == 0);
  createTopic("asked-for");
}

TEST_P(KafkaDoorTest, TopicsAreFoundById) {
  createTopic("words");
  MetadataRequest request;
  request.topics.emplace().add().topicId = idOf("words");
  kj::byte noise[16] = {1, 2, 3};
  KJ_ASSERT_NONNULL(request.topics).add().topicId = Uuid::fromBytes(noise);
  for (Version version : {Version(12), Version(13)}) {
    auto answer = call(request, version);
    ASSERT_EQ(answer->topics.size(), 2u);
    EXPECT_EQ(KJ_ASSERT_NONNULL(answer->topics[0].name).view(), "words");
    EXPECT_EQ(answer->topics[1].errorCode, 100);
  }
}

}  // namespace
}  // namespace cambium::kafka
