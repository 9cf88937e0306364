#include <sys/socket.h>

#include "tests/broker/kafka_fixture.h"

namespace cambium::kafka {
namespace {

// What is named twice in a request is answered once, or refused.
class KafkaNamedTwiceTest : public KafkaTest {
 public:
  ~KafkaNamedTwiceTest() noexcept override = default;

 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    createTopic("words", 2);
    createTopic("other");
    ASSERT_EQ(produce("words", 0, batchOf({"a", "b"})), (Produced{0, 0}));
  }
  // "words:0=42 words:1=0" of an answer with topics, their partitions and an error code in each.
  template <class Topics>
  static std::string codes(const Topics& topics) {
    std::string text;
    for (auto& topic : topics)
      for (auto& one : topic.partitions)
        text += kj::str(text.empty() ? "" : " ", nameOf(topic), ":", indexOf(one), "=", one.errorCode).cStr();
    return text;
  }

 private:
  template <class T>
  static kj::String nameOf(const T& topic) {
    if constexpr (requires { topic.topic; }) return kj::str(topic.topic);
    if constexpr (requires { topic.name; }) return kj::str(topic.name);
  }
  template <class T>
  static int32_t indexOf(const T& one) {
    if constexpr (requires { one.partition; }) return one.partition;
    if constexpr (requires { one.partitionIndex; }) return one.partitionIndex;
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaNamedTwiceTest);

TEST_P(KafkaNamedTwiceTest, ListOffsets) {
  ListOffsetsRequest request;
  request.replicaId = -1;
  for (auto name : {"words", "words", "other"}) {
    auto& topic = request.topics.add();
    topic.name = Text(name);
    for (int32_t index : {0, 1, 0}) {
      auto& partition = topic.partitions.add();
      partition.partitionIndex = index;
      partition.timestamp = -1;
    }
  }
  EXPECT_EQ(codes(call(request, 7)->topics), "words:0=42 words:1=42 other:0=42 other:1=3");
}

TEST_P(KafkaNamedTwiceTest, Fetch) {
  // What is said last counts: 99 would be out of range.
  EXPECT_EQ(fetch({{"words", 0, 99}, {"words", 1, 0}, {"words", 0, 0}}), "0:[0..1] 1:");
}

TEST_P(KafkaNamedTwiceTest, OffsetForLeaderEpochAndDescribeProducers) {
  OffsetForLeaderEpochRequest epochs;
  DescribeProducersRequest producers;
  for (int i = 0; i < 3; ++i) {
    auto& topic = epochs.topics.add();
    topic.topic = Text("words");
    for (int32_t index : {0, 1, 0}) {
      auto& partition = topic.partitions.add();
      partition.partition = index;
      partition.currentLeaderEpoch = -1;
    }
    auto& other = producers.topics.add();
    other.name = Text("words");
    for (int32_t index : {0, 1, 0})
      other.partitionIndexes.add(index);
  }
  EXPECT_EQ(codes(call(epochs, 3)->topics), "words:0=0 words:1=0");
  EXPECT_EQ(codes(call(producers, 0)->topics), "words:0=0 words:1=0");
}

TEST_P(KafkaNamedTwiceTest, DeleteRecordsDoesWhatIsSaidLast) {
  DeleteRecordsRequest request;
  auto& topic = request.topics.add();
  topic.name = Text("words");
  for (int64_t offset : {2, 1}) {
    auto& partition = topic.partitions.add();
    partition.partitionIndex = 0;
    partition.offset = offset;
  }
  auto answer = call(request, 2);
  EXPECT_EQ(codes(answer->topics), "words:0=0");
  EXPECT_EQ(answer->topics[0].partitions[0].lowWatermark, 1);
}

TEST_P(KafkaNamedTwiceTest, CreatePartitions) {
  CreatePartitionsRequest request;
  for (auto name : {"words", "other", "words"}) {
    auto& topic = request.topics.add();
    topic.name = Text(name);
    topic.count = 3;
  }
  auto answer = call(request, 2);
  ASSERT_EQ(answer->results.size(), 2u);
  EXPECT_EQ(answer->results[0].errorCode, 42);
  EXPECT_EQ(answer->results[1].errorCode, 0);
  EXPECT_EQ(broker->local().topic("words").value()->partitionCount(), 2);
  EXPECT_EQ(broker->local().topic("other").value()->partitionCount(), 3);
}

TEST_P(KafkaNamedTwiceTest, DeleteTopics) {
  createTopic("third");
  createTopic("fourth");
  DeleteTopicsRequest request;
  auto byName = [&](const char* name) { request.topics.add().name = Text(name); };
  auto byId = [&](kj::StringPtr name) { request.topics.add().topicId = idOf(name); };
  byName("words");
  byName("words");
  byId("other");
  byId("other");
  byName("third");
  byId("third");
  byId("fourth");
  request.topics.add();
  auto& both = request.topics.add();
  both.name = Text("fourth");
  both.topicId = idOf("fourth");
  auto answer = call(request, 6);
  std::string text;
  for (auto& one : answer->responses) {
    KJ_IF_MAYBE(name, one.name) text += name->str();
    text += kj::str("=", one.errorCode, " ").cStr();
  }
  EXPECT_EQ(text, "words=42 =42 third=42 fourth=0 =42 fourth=42 ");
  for (auto name : {"words", "other", "third"})
    EXPECT_TRUE(broker->local().topic(kj::StringPtr(name)).ok()) << name;
  EXPECT_FALSE(broker->local().topic("fourth"_kj).ok());
}

TEST_P(KafkaNamedTwiceTest, GroupsOfOffsetFetch) {
  OffsetCommitRequest commit;
  commit.groupId = Text("g");
  commit.generationIdOrMemberEpoch = -1;
  auto& topic = commit.topics.add();
  topic.name = Text("words");
  for (int32_t index : {0, 1}) {
    auto& partition = topic.partitions.add();
    partition.partitionIndex = index;
    partition.committedOffset = 7 + index;
    partition.committedMetadata = Text(kj::str(kj::repeat('m', 4000)));
  }
  ASSERT_EQ(codes(call(commit, 8)->topics), "words:0=0 words:1=0");
  OffsetFetchRequest all;
  for (int i = 0; i < 100; ++i)
    all.groups.add().groupId = Text("g");
  auto answer = call(all, 8);
  EXPECT_LT(answer.frame.size(), 9000u) << "a hundred times the same would be 800 KB";
  ASSERT_EQ(answer->groups.size(), 1u);
  EXPECT_EQ(codes(answer->groups[0].topics), "words:0=0 words:1=0");

  OffsetFetchRequest some;
  auto& group = some.groups.add();
  group.groupId = Text("g");
  auto& wanted = group.topics.emplace();
  for (int i = 0; i < 3; ++i) {
    auto& one = wanted.add();
    one.name = Text("words");
    for (int32_t index : {1, 5, 1})
      one.partitionIndexes.add(index);
  }
  auto named = call(some, 8);
  ASSERT_EQ(named->groups.size(), 1u);
  EXPECT_EQ(codes(named->groups[0].topics), "words:1=0 words:5=0");
  EXPECT_EQ(named->groups[0].topics[0].partitions[0].committedOffset, 8);
  EXPECT_EQ(named->groups[0].topics[0].partitions[1].committedOffset, -1);
}

// More than one piece, of both kinds.
TEST_P(KafkaNamedTwiceTest, AllOffsetsOfALargeGroup) {
  constexpr int32_t kPartitions = 700;
  createTopic("wide", kPartitions);
  OffsetCommitRequest commit;
  commit.groupId = Text("g");
  commit.generationIdOrMemberEpoch = -1;
  auto& topic = commit.topics.add();
  topic.name = Text("wide");
  OffsetFetchRequest some;
  auto& group = some.groups.add();
  group.groupId = Text("g");
  auto& wanted = group.topics.emplace().add();
  wanted.name = Text("wide");
  for (int32_t i = 0; i < kPartitions; ++i) {
    auto& partition = topic.partitions.add();
    partition.partitionIndex = i;
    partition.committedOffset = i;
    // Some pieces end by their bytes, others by their number.
    partition.committedMetadata = Text(kj::str(kj::repeat('m', i < 100 ? 4000 : 1)));
    wanted.partitionIndexes.add(i);
  }
  call(commit, 8);
  OffsetFetchRequest all;
  all.groups.add().groupId = Text("g");
  for (auto* request : {&some, &all}) {
    auto answer = call(*request, 8);
    ASSERT_EQ(answer->groups.size(), 1u);
    EXPECT_EQ(answer->groups[0].errorCode, 0);
    ASSERT_EQ(answer->groups[0].topics.size(), 1u);
    auto& partitions = answer->groups[0].topics[0].partitions;
    ASSERT_EQ(partitions.size(), size_t{kPartitions});
    for (int32_t i = 0; i < kPartitions; ++i) {
      ASSERT_EQ(partitions[i].partitionIndex, i);
      ASSERT_EQ(partitions[i].committedOffset, i);
    }
  }
}

// Long lists are gone through in turns: others are served meanwhile.
class KafkaLongWorkTest : public KafkaTest {
 public:
  ~KafkaLongWorkTest() noexcept override = default;

 protected:
  static constexpr int32_t kMany = 10'000;

  void SetUp() override {
    KafkaTest::SetUp();
    createTopic("words", 2);
  }
  FairTurns& turns() { return broker->local().here().turns(); }
  // `request` is served in many turns, each of which is short.
  template <class Request>
  void expectTurns(const Request& request, Version version) {
    auto before = turns().given();
    call(request, version);
    EXPECT_GE(turns().given() - before, kMany / 1000u) << Request::kFacts.name;
    // A turn, and what reading a request and sending an answer of this size counts for.
    EXPECT_LE(turns().unitsMost(), 1000u) << Request::kFacts.name;
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaLongWorkTest);

TEST_P(KafkaLongWorkTest, ManyPartitions) {
  ListOffsetsRequest offsets;
  auto& listed = offsets.topics.add();
  listed.name = Text("words");
  OffsetForLeaderEpochRequest epochs;
  auto& asked = epochs.topics.add();
  asked.topic = Text("words");
  DescribeProducersRequest producers;
  auto& described = producers.topics.add();
  described.name = Text("words");
  for (int32_t i = 0; i < kMany; ++i) {
    auto& one = listed.partitions.add();
    one.partitionIndex = i;
    one.timestamp = -1;
    asked.partitions.add().partition = i;
    described.partitionIndexes.add(i);
  }
  expectTurns(offsets, 7);
  expectTurns(epochs, 3);
  expectTurns(producers, 0);
}

TEST_P(KafkaLongWorkTest, FetchesOfManyPartitions) {
  auto request = fetchOf({{"words"}});
  auto& topic = request.topics[0];
  for (int32_t i = 1; i < kMany; ++i) {
    auto& partition = topic.partitions.add();
    partition.partition = i;
    partition.partitionMaxBytes = 1000;
  }
  expectTurns(request, 11);
}

TEST_P(KafkaLongWorkTest, OthersAreServedMeanwhile) {
  auto request = fetchOf({{"words"}});
  for (int32_t i = 1; i < kMany; ++i)
    request.topics[0].partitions.add().partition = i;
  auto bystander = broker->connectKafka();
  auto others = bystander->call(MetadataRequest{}, 9).eagerlyEvaluate(nullptr);
  others.wait(scope());
  auto before = turns().given();
  bool done = false;
  auto large = kafka().call(request, 11).then([&](auto) { done = true; }).eagerlyEvaluate(nullptr);
  // Until it is under way.
  while (turns().given() == before)
    io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(scope());
  bystander->call(MetadataRequest{}, 9).wait(scope());
  EXPECT_FALSE(done);
  large.wait(scope());
}

// A client that sends one small request behind the other, without end, on a loop that looks for I/O while it is busy.
TEST_P(KafkaLongWorkTest, AFloodOfSmallRequestsDoesNotHoldUpOthers) {
  io.waitScope.setBusyPollInterval(16);
  auto bystander = broker->connectKafka();
  bystander->call(MetadataRequest{}, 9).wait(scope());
  auto before = turns().given();
  constexpr size_t kRequests = 10'000;
  size_t answered = 0;
  kj::Vector<kj::Promise<void>> flood;
  for (size_t i = 0; i < kRequests; ++i)
    flood.add(kafka().call(ApiVersionsRequest{}, 0).then([&](auto) { ++answered; }).eagerlyEvaluate(nullptr));
  while (answered == 0)
    io.provider->getTimer().afterDelay(0 * kj::MILLISECONDS).wait(scope());
  bystander->call(MetadataRequest{}, 9).wait(scope());
  EXPECT_LT(answered, kRequests / 2);
  for (auto& one : flood)
    one.wait(scope());
  EXPECT_EQ(answered, kRequests);
  // Some sixty of them in a turn.
  EXPECT_GE(turns().given() - before, kRequests / 100);
}

TEST_P(KafkaLongWorkTest, ElementsBeyondTheBoundAreRefused) {
  ListOffsetsRequest request;
  auto& topic = request.topics.add();
  topic.name = Text("words");
  for (int32_t i = 0; i < 250'000; ++i)
    topic.partitions.add().partitionIndex = i;
  auto greedy = broker->connectKafka();
  greedy->send(request, 7);
  EXPECT_EQ(greedy->readToEnd().wait(scope()), 0u);
}

// All configs of a resource are resolved in one go.
TEST_P(KafkaLongWorkTest, AChangeOfManyConfigsIsRefused) {
  constexpr int8_t kDelete = 1;
  IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.add();
  resource.resourceType = 32;
  resource.resourceName = "readers";
  auto addUpTo = [&](size_t count) {
    while (resource.configs.size() < count) {
      auto& config = resource.configs.add();
      config.name = Text(kj::str("c", resource.configs.size()));
      config.configOperation = kDelete;
    }
  };
  addUpTo(19'000);
  EXPECT_EQ(call(request, 1)->responses[0].errorCode, 0) << "what is not there may be taken away";
  addUpTo(21'000);
  auto greedy = broker->connectKafka();
  greedy->send(request, 1);
  EXPECT_EQ(greedy->readToEnd().wait(scope()), 0u);
}

// Answers that nobody takes are bounded in all.
class KafkaAnswerRoomTest : public KafkaTest {
 public:
  ~KafkaAnswerRoomTest() noexcept override = default;

 protected:
  KafkaAnswerRoomTest() {
    answers = {.all = mebibytes(8), .perAddress = mebibytes(4)};
    kafkaLimits.sendBufferBytes = 16 << 10;
    kafkaLimits.pressedUntakenMsMax = 100;
  }
  void SetUp() override {
    KafkaTest::SetUp();
    createTopic("words", 1, {{"max.message.bytes", "3000000"}});
    for (int i = 0; i < 8; ++i)
      ASSERT_EQ(produce("words", 0, batchOfSize(1'000'000)), (Produced{0, i}));
  }
  kj::Own<KafkaClient> deafClient(unsigned loop = 0) {
    auto deaf = broker->connectKafka(loop);
    int small = 4096;
    deaf->stream().setsockopt(SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    return deaf;
  }
  FetchRequest fetchAll() {
    auto request = fetchOf({{"words", 0, 0, INT32_MAX}});
    request.maxBytes = INT32_MAX;
    return request;
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaAnswerRoomTest);

TEST_P(KafkaAnswerRoomTest, ManyDeafClientsHoldNoMoreThanTheBound) {
  kj::Vector<kj::Own<KafkaClient>> deaf;
  for (unsigned i = 0; i < 20; ++i) {
    deaf.add(deafClient(i % GetParam().cores));
    deaf.back()->send(fetchAll(), 11);
    deaf.back()->written().wait(scope());
  }
  uint64_t most = 0;
  broker->awaitTrue("room is short", [&] { return broker->answers().waiting() > 0; });
  broker->awaitTrue("those who are deaf are cut off until nobody waits", [&] {
    most = kj::max(most, broker->answers().held().value());
    return broker->answers().waiting() == 0;
  });
  EXPECT_LE(most, mebibytes(4).value());
  // Others are served, small answers at once.
  EXPECT_EQ(kafka().call(MetadataRequest{}, 9).wait(scope())->topics.size(), 1u);
  EXPECT_EQ(show(kafka().call(fetchOf({{"words", 0, 0, 1}}), 11).wait(scope()).body), "0:[0..0]");
  deaf.clear();
  broker->awaitKafkaConnections(kafkas.size());
  broker->awaitTrue("all room is given back", [&] { return broker->answers().held() == Bytes(0); });
}

TEST_P(KafkaAnswerRoomTest, AnswersBecomeSmallerAndTheClientGetsEverything) {
  auto deaf = deafClient();
  deaf->send(fetchAll(), 11);
  deaf->written().wait(scope());
  broker->awaitTrue("an answer is held", [&] { return broker->answers().held() > mebibytes(0); });
  int64_t next = 0;
  for (int i = 0; i < 8; ++i) {
    auto answer = kafka().call(fetchOf({{"words", 0, next, INT32_MAX}}), 11).wait(scope());
    EXPECT_EQ(show(answer.body), kj::str("0:[", next, "..", next, "]").cStr());
    ++next;
  }
}

}  // namespace
}  // namespace cambium::kafka
