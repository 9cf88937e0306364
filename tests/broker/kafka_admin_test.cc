#include "tests/broker/kafka_fixture.h"
#include "tests/broker/kafka_requests.h"

namespace cambium::kafka {
namespace {

class KafkaAdminTest : public KafkaTest {};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaAdminTest);

CreateTopicsRequest createOf(kj::StringPtr name, int32_t partitions, int16_t replicas = 1) {
  CreateTopicsRequest request;
  auto& topic = request.topics.add();
  topic.name = Text(kj::str(name));
  topic.numPartitions = partitions;
  topic.replicationFactor = replicas;
  return request;
}

TEST_P(KafkaAdminTest, TopicsAreCreatedInEveryVersion) {
  auto facts = CreateTopicsRequest::kFacts.versions;
  for (Version version = facts.first; version <= facts.last; ++version) {
    auto name = kj::str("topic", version);
    auto answer = call(createOf(name, 3), version);
    ASSERT_EQ(answer->topics[0].errorCode, 0) << version;
    if (version >= 7) {
      EXPECT_EQ(answer->topics[0].topicId, idOf(name));
    }
    EXPECT_EQ(broker->local().topic(name).value()->partitionCount(), 3);
    EXPECT_EQ(call(createOf(name, 3), version)->topics[0].errorCode, 36);
  }
}

TEST_P(KafkaAdminTest, WrongWishesForTopicsAreRefused) {
  auto error = [&](CreateTopicsRequest request, Version version = 7) {
    return call(request, version)->topics[0].errorCode;
  };
  EXPECT_EQ(error(createOf("no name", 1)), 17);
  EXPECT_EQ(error(createOf("", 1)), 17);
  EXPECT_EQ(error(createOf("a", 0)), 37);
  EXPECT_EQ(error(createOf("a", -2)), 37);
  EXPECT_EQ(error(createOf("a", INT32_MAX)), 37);
  EXPECT_EQ(error(createOf("a", 1, 3)), 38);
  auto config = createOf("a", 1);
  config.topics[0].configs.add(CreateTopicsRequest::Topic::Config{"retention.ms", Text("soon")});
  EXPECT_EQ(error(kj::mv(config)), 40);
  auto twice = createOf("a", 1);
  twice.topics.add().name = "a";
  auto answer = call(twice, 7);
  ASSERT_EQ(answer->topics.size(), 1u);
  EXPECT_EQ(answer->topics[0].errorCode, 42);
  auto trial = createOf("a", 2);
  trial.validateOnly = true;
  EXPECT_EQ(error(kj::mv(trial)), 0);
  EXPECT_EQ(client().listTopics(), "");
  EXPECT_EQ(error(createOf("a", -1, -1)), 0);
  EXPECT_EQ(client().listTopics(), "a/1");
}

TEST_P(KafkaAdminTest, TopicsAreDeletedByNameAndById) {
  createTopic("a");
  createTopic("b");
  createTopic("c");
  DeleteTopicsRequest old;
  old.topicNames.add("a");
  old.topicNames.add("nowhere");
  auto answer = call(old, 4);
  EXPECT_EQ(answer->responses[0].errorCode, 0);
  EXPECT_EQ(answer->responses[1].errorCode, 3);
  DeleteTopicsRequest request;
  request.topics.add().name = Text("b");
  request.topics.add().topicId = idOf("c");
  kj::byte noise[16] = {9, 9};
  request.topics.add().topicId = Uuid::fromBytes(noise);
  auto byId = call(request, 6);
  EXPECT_EQ(byId->responses[0].errorCode, 0);
  EXPECT_EQ(byId->responses[1].errorCode, 0);
  EXPECT_EQ(byId->responses[2].errorCode, 100);
  EXPECT_EQ(client().listTopics(), "");
}

TEST_P(KafkaAdminTest, PartitionsAreAdded) {
  createTopic("a", 2);
  auto grow = [&](kj::StringPtr name, int32_t count, bool trial = false) {
    CreatePartitionsRequest request;
    auto& topic = request.topics.add();
    topic.name = Text(kj::str(name));
    topic.count = count;
    request.validateOnly = trial;
    return call(request, 3)->results[0].errorCode;
  };
  EXPECT_EQ(grow("a", 2), 37);
  EXPECT_EQ(grow("a", 1), 37);
  EXPECT_EQ(grow("nowhere", 3), 3);
  EXPECT_EQ(grow("a", INT32_MAX), 37);
  EXPECT_EQ(grow("a", 4, true), 0);
  EXPECT_EQ(client().listTopics(), "a/2");
  EXPECT_EQ(grow("a", 4), 0);
  EXPECT_EQ(client().listTopics(), "a/4");
  EXPECT_EQ(produce("a", 3, batchOf({"x"})), (Produced{0, 0}));
}

TEST_P(KafkaAdminTest, RecordsAreDeletedUpToAnOffset) {
  createTopic("a", 2);
  for (int i = 0; i < 4; ++i)
    produce("a", 1, batchOf({"x"}));
  auto removed = [&](kj::StringPtr name, int32_t partition, int64_t offset) {
    DeleteRecordsRequest request;
    auto& topic = request.topics.add();
    topic.name = Text(kj::str(name));
    topic.partitions.add(DeleteRecordsRequest::Topic::Partition{partition, offset});
    auto answer = call(request, 2);
    auto& one = answer->topics[0].partitions[0];
    return std::pair<int, int64_t>(one.errorCode, one.lowWatermark);
  };
  EXPECT_EQ(removed("a", 1, 2), std::pair(0, int64_t{2}));
  EXPECT_EQ(fetch({{"a", 1, 1}}), "1:!1");
  EXPECT_EQ(fetch({{"a", 1, 2}}), "1:[2..2] [3..3]");
  EXPECT_EQ(removed("a", 1, 1).second, 2) << "never back";
  EXPECT_EQ(removed("a", 1, 9).first, 1);
  EXPECT_EQ(removed("a", 1, -2).first, 1);
  EXPECT_EQ(removed("a", 1, -1), std::pair(0, int64_t{4}));
  EXPECT_EQ(removed("a", 2, 0).first, 3);
  EXPECT_EQ(removed("nowhere", 0, 0).first, 3);
}

TEST_P(KafkaAdminTest, OffsetsAreFoundByEverySpecialTimestamp) {
  createTopic("a", 2);
  produce("a", 1, batchOf({"x", "y", "z"}));  // 1000, 1001, 1002
  produce("a", 1, batchOf({"x"}));            // 1000
  auto found = [&](int64_t timestamp, Version version = 11, int32_t partition = 1, int32_t epoch = -1) {
    auto answer = call(listOffsetsOf("a", partition, timestamp, epoch), version);
    auto& one = answer->topics[0].partitions[0];
    return std::tuple<int, int64_t, int64_t>(one.errorCode, one.offset, one.timestamp);
  };
  using Found = std::tuple<int, int64_t, int64_t>;
  auto facts = ListOffsetsRequest::kFacts.versions;
  for (Version version = facts.first; version <= facts.last; ++version) {
    EXPECT_EQ(found(-1, version), Found(0, 4, -1)) << version;
    EXPECT_EQ(found(-2, version), Found(0, 0, -1)) << version;
    EXPECT_EQ(found(1001, version), Found(0, 1, 1001)) << version;
  }
  EXPECT_EQ(found(0), Found(0, 0, 1000));
  EXPECT_EQ(found(1003), Found(0, -1, -1));
  EXPECT_EQ(found(-3), Found(0, 2, 1002));
  EXPECT_EQ(found(-3, 6), Found(35, -1, -1));
  EXPECT_EQ(found(-4), Found(0, 0, -1));
  EXPECT_EQ(found(-4, 7), Found(35, -1, -1));
  EXPECT_EQ(found(-5), Found(0, -1, -1));
  EXPECT_EQ(found(-5, 8), Found(35, -1, -1));
  EXPECT_EQ(found(-6), Found(0, -1, -1));
  EXPECT_EQ(found(-6, 10), Found(35, -1, -1));
  EXPECT_EQ(found(-7), Found(35, -1, -1));
  EXPECT_EQ(found(INT64_MIN), Found(35, -1, -1));
  EXPECT_EQ(found(-1, 11, 0), Found(0, 0, -1)) << "an empty partition";
  EXPECT_EQ(found(-3, 11, 0), Found(0, -1, -1));
  EXPECT_EQ(found(-1, 11, 2), Found(3, -1, -1));
  EXPECT_EQ(found(-1, 11, 1, 1000), Found(75, -1, -1));
}

TEST_P(KafkaAdminTest, TheEndOfALeaderEpochIsTold) {
  createTopic("a");
  produce("a", 0, batchOf({"x", "y"}));
  int32_t epoch = call(MetadataRequest{nullptr}, 9)->topics[0].partitions[0].leaderEpoch;
  auto ends = [&](int32_t asked, int32_t partition = 0) {
    auto answer = call(endOfEpochOf("a", partition, asked), 4);
    auto& end = answer->topics[0].partitions[0];
    return std::tuple<int, int, int64_t>(end.errorCode, end.leaderEpoch, end.endOffset);
  };
  EXPECT_EQ(ends(epoch), std::tuple(0, epoch, int64_t{2}));
  EXPECT_EQ(ends(epoch + 1), std::tuple(0, -1, int64_t{-1}));
  EXPECT_EQ(ends(epoch, 1), std::tuple(3, -1, int64_t{-1}));
}

TEST_P(KafkaAdminTest, TheClusterIsDescribed) {
  auto answer = call(DescribeClusterRequest{}, 1);
  EXPECT_EQ(answer->errorCode, 0);
  ASSERT_EQ(answer->brokers.size(), 1u);
  EXPECT_EQ(answer->controllerId, answer->brokers[0].brokerId);
  EXPECT_EQ(kj::str(answer->brokers[0].host, ":", answer->brokers[0].port), broker->kafkaAddress());
}

}  // namespace
}  // namespace cambium::kafka
