#include "tests/broker/kafka_fixture.h"
#include "tests/broker/kafka_requests.h"

// Answers that clients and tools look at closely. The values are those of Apache Kafka 4.3.1, asked the same.

namespace cambium::kafka {
namespace {

class KafkaAnswersTest : public KafkaTest {
 protected:
  int16_t create(kj::StringPtr name, Version version = 7, int32_t partitions = 1, int16_t replicas = 1) {
    CreateTopicsRequest request;
    auto& topic = request.topics.add();
    topic.name = Text(kj::str(name));
    topic.numPartitions = partitions;
    topic.replicationFactor = replicas;
    return call(request, version)->topics[0].errorCode;
  }

  int16_t commit(kj::StringPtr group, int32_t generation, kj::StringPtr member, Version version) {
    OffsetCommitRequest request;
    request.groupId = Text(kj::str(group));
    request.generationIdOrMemberEpoch = generation;
    request.memberId = Text(kj::str(member));
    auto& topic = request.topics.add();
    topic.name = "words";
    topic.topicId = idOf("words");
    auto& partition = topic.partitions.add();
    partition.partitionIndex = 0;
    partition.committedOffset = 1;
    return call(request, version)->topics[0].partitions[0].errorCode;
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaAnswersTest);

TEST_P(KafkaAnswersTest, TopicsAreMadeWithTheBrokersDefaultsInEveryVersion) {
  auto facts = CreateTopicsRequest::kFacts.versions;
  for (Version version = facts.first; version <= facts.last; ++version) {
    auto name = kj::str("topic-", version);
    EXPECT_EQ(create(name, version, -1, -1), 0) << version;
    EXPECT_EQ(broker->local().topic(name).value()->partitionCount(), 1);
    EXPECT_EQ(create("other", version, 1, -2), 38) << version;
    EXPECT_EQ(create("other", version, -2, -1), 37) << version;
  }
}

TEST_P(KafkaAnswersTest, AConfigWithoutAValueIsRefused) {
  CreateTopicsRequest request;
  auto& topic = request.topics.add();
  topic.name = "words";
  topic.numPartitions = 1;
  topic.replicationFactor = 1;
  topic.configs.add().name = "retention.ms";
  EXPECT_EQ(call(request, 7)->topics[0].errorCode, 40);
  EXPECT_EQ(client().listTopics(), "");
}

TEST_P(KafkaAnswersTest, TopicsThatDifferInDotAndUnderscoreOnlyAreRefused) {
  EXPECT_EQ(create("a.b"), 0);
  EXPECT_EQ(create("a_b"), 17);
  EXPECT_EQ(create("a.b"), 36);
  EXPECT_EQ(create("a-b"), 0);
  EXPECT_EQ(create("a_b.c"), 0);
  EXPECT_EQ(create("a.b_c"), 17);
  EXPECT_PRED2(startsWith, otherClient().createTopic("a_b"), "invalidTopicException: ") << "at every door";
  restart();
  kafkas.clear();
  kafkas.push_back(broker->connectKafka());
  EXPECT_EQ(create("a_b"), 17) << "also after a restart";
  DeleteTopicsRequest request;
  request.topics.add().name = Text("a.b");
  EXPECT_EQ(call(request, 6)->responses[0].errorCode, 0);
  EXPECT_EQ(create("a_b"), 0);
}

TEST_P(KafkaAnswersTest, OfTwoSuchTopicsAtTheSameTimeOneIsMade) {
  CreateTopicsRequest request;
  for (auto name : {"x.y", "x_y"}) {
    auto& topic = request.topics.add();
    topic.name = name;
    topic.numPartitions = 1;
    topic.replicationFactor = 1;
  }
  auto first = kafka().call(request, 7);
  auto second = otherKafka().call(request, 7);
  auto one = first.wait(scope());
  auto two = second.wait(scope());
  int made = 0;
  for (auto* answer : {&one, &two})
    for (auto& topic : (*answer)->topics)
      made += topic.errorCode == 0 ? 1 : 0;
  EXPECT_EQ(made, 1);
  EXPECT_EQ(client().listTopics().find(' '), std::string::npos) << client().listTopics();
}

TEST_P(KafkaAnswersTest, AReaderOfCommittedRecordsIsToldThatNothingWasAborted) {
  createTopic("words", 2);
  produce("words", 0, batchOf({"a"}));
  auto request = fetchOf({{"words", 0, 0}, {"words", 1, 0}});
  for (int8_t isolation : {0, 1}) {
    request.isolationLevel = isolation;
    auto answer = call(request, 11);
    for (auto& partition : answer->responses[0].partitions) {
      EXPECT_EQ(partition.errorCode, 0);
      EXPECT_EQ(partition.abortedTransactions != nullptr, isolation == 1) << int{isolation};
      KJ_IF_MAYBE(aborted, partition.abortedTransactions) EXPECT_EQ(aborted->size(), 0u);
    }
  }
}

TEST_P(KafkaAnswersTest, WithoutAnAuthorizerEverythingIsAllowed) {
  constexpr int32_t kNotAsked = INT32_MIN;
  createTopic("words");
  MetadataRequest metadata;
  metadata.topics.emplace().add().name = Text("words");
  auto silent = call(metadata, 8);
  EXPECT_EQ(silent->clusterAuthorizedOperations, kNotAsked);
  EXPECT_EQ(silent->topics[0].topicAuthorizedOperations, kNotAsked);
  metadata.includeClusterAuthorizedOperations = true;
  metadata.includeTopicAuthorizedOperations = true;
  auto told = call(metadata, 8);
  EXPECT_EQ(told->clusterAuthorizedOperations, 8096);
  EXPECT_EQ(told->topics[0].topicAuthorizedOperations, 3576);

  DescribeClusterRequest cluster;
  EXPECT_EQ(call(cluster, 2)->clusterAuthorizedOperations, kNotAsked);
  cluster.includeClusterAuthorizedOperations = true;
  EXPECT_EQ(call(cluster, 2)->clusterAuthorizedOperations, 8096);

  DescribeTopicPartitionsRequest partitions;
  partitions.topics.add().name = "words";
  EXPECT_EQ(call(partitions, 0)->topics[0].topicAuthorizedOperations, 3576);

  ASSERT_EQ(commit("simple", -1, "", 8), 0);
  DescribeGroupsRequest groups;
  groups.groups.add("simple");
  groups.groups.add("nowhere");
  EXPECT_EQ(call(groups, 5)->groups[0].authorizedOperations, kNotAsked);
  groups.includeAuthorizedOperations = true;
  EXPECT_EQ(call(groups, 5)->groups[0].authorizedOperations, 3400);
  EXPECT_EQ(call(groups, 5)->groups[1].authorizedOperations, 3400) << "shown as dead";
  EXPECT_EQ(call(groups, 6)->groups[1].authorizedOperations, kNotAsked) << "an error";
}

TEST_P(KafkaAnswersTest, ACommitToAGroupThatIsNotThereSaysSo) {
  createTopic("words");
  EXPECT_EQ(commit("nowhere", 3, "m", 8), 22);
  EXPECT_EQ(commit("nowhere", 3, "m", 9), 69);
  EXPECT_EQ(commit("nowhere", 3, "", 9), 69);
  EXPECT_EQ(commit("nowhere", 0, "m", 10), 69);
  // Without a generation anybody may: a group of offsets only.
  EXPECT_EQ(commit("simple", -1, "", 8), 0);
  EXPECT_EQ(commit("named", -1, "m", 9), 0);
  for (Version version : {8, 9, 10}) {
    EXPECT_EQ(commit("simple", 3, "m", version), 25) << version;
    EXPECT_EQ(commit("simple", 3, "", version), 25) << version;
    EXPECT_EQ(commit("simple", 0, "m", version), 25) << version;
    EXPECT_EQ(commit("simple", -1, "m", version), 0) << version;
  }
}

TEST_P(KafkaAnswersTest, AClientThatIsNotWellNamedIsRefused) {
  auto answered = [&](const char* name, const char* softwareVersion, Version version = 3) {
    auto answer = call(ApiVersionsRequest{Text(name), Text(softwareVersion)}, version);
    EXPECT_EQ(answer->apiKeys.size() > 0, answer->errorCode == 0);
    return answer->errorCode;
  };
  for (auto good : {"a", "apache-kafka-java", "x.1", "9"})
    EXPECT_EQ(answered(good, "4.3.1"), 0) << good;
  for (auto bad : {"a b!", "", "-a", "a-", ".", "a_b", "a/b", "\x80"}) {
    EXPECT_EQ(answered(bad, "4.3.1"), 42) << bad;
    EXPECT_EQ(answered("a", bad, 4), 42) << bad;
  }
  EXPECT_EQ(call(ApiVersionsRequest{Text("a b!"), Text("")}, 2)->errorCode, 0) << "it does not say";
}

TEST_P(KafkaAnswersTest, FeaturesAreTold) {
  for (Version version : {3, 4}) {
    auto answer = call(ApiVersionsRequest{Text("tester"), Text("1.0")}, version);
    ASSERT_EQ(answer->supportedFeatures.size(), 1u);
    EXPECT_EQ(answer->supportedFeatures[0].name.str(), "metadata.version");
    EXPECT_EQ(answer->supportedFeatures[0].minVersion, 30);
    EXPECT_EQ(answer->supportedFeatures[0].maxVersion, 30);
    ASSERT_EQ(answer->finalizedFeatures.size(), 1u);
    EXPECT_EQ(answer->finalizedFeatures[0].name.str(), "metadata.version");
    EXPECT_EQ(answer->finalizedFeatures[0].minVersionLevel, 30);
    EXPECT_EQ(answer->finalizedFeatures[0].maxVersionLevel, 30);
  }
  auto epoch = call(ApiVersionsRequest{Text("tester"), Text("1.0")}, 3)->finalizedFeaturesEpoch;
  EXPECT_GE(epoch, 0);
  createTopic("words");
  EXPECT_GE(call(ApiVersionsRequest{Text("tester"), Text("1.0")}, 3)->finalizedFeaturesEpoch, epoch);
  EXPECT_EQ(call(ApiVersionsRequest{}, 2)->supportedFeatures.size(), 0u);
}

TEST_P(KafkaAnswersTest, FeaturesStayAtTheirLevel) {
  auto update = [&](const char* feature, int16_t level, Version version) {
    UpdateFeaturesRequest request;
    auto& one = request.featureUpdates.add();
    one.feature = feature;
    one.maxVersionLevel = level;
    auto answer = call(request, version);
    EXPECT_EQ(answer->results.size(), version < 2 && answer->errorCode == 0 ? 1u : 0u);
    return answer->errorCode;
  };
  for (Version version : {0, 1, 2}) {
    EXPECT_EQ(update("nowhere", 1, version), 95);
    EXPECT_EQ(update("transaction.version", 2, version), 95);
    EXPECT_EQ(update("metadata.version", 29, version), 95);
    EXPECT_EQ(update("metadata.version", 31, version), 95);
    EXPECT_EQ(update("metadata.version", 30, version), 0);
    EXPECT_EQ(call(UpdateFeaturesRequest{}, version)->errorCode, 0);
  }
}

TEST_P(KafkaAnswersTest, TheGroupWithoutANameHasACoordinator) {
  FindCoordinatorRequest old;
  EXPECT_EQ(call(old, 2)->errorCode, 0);
  EXPECT_EQ(call(old, 2)->nodeId, 1);
  FindCoordinatorRequest request;
  request.coordinatorKeys.add("");
  EXPECT_EQ(call(request, 6)->coordinators[0].errorCode, 0);
}

TEST_P(KafkaAnswersTest, ThereIsOneLogDirectory) {
  createTopic("words", 2);
  auto own = kj::str(broker->local().deviceSpace().folder);
  auto altered = [&](kj::StringPtr path, const char* topic, std::initializer_list<int32_t> partitions) {
    AlterReplicaLogDirsRequest request;
    auto& dir = request.dirs.add();
    dir.path = Text(kj::str(path));
    auto& wanted = dir.topics.add();
    wanted.name = topic;
    for (auto partition : partitions)
      wanted.partitions.add(partition);
    std::string codes;
    auto answer = call(request, 2);
    for (auto& one : answer->results)
      for (auto& partition : one.partitions)
        codes += kj::str(one.topicName, "-", partition.partitionIndex, "=", partition.errorCode, " ").cStr();
    return codes;
  };
  EXPECT_EQ(altered(own, "words", {1, 0, 0}), "words-0=0 words-1=0 ");
  EXPECT_EQ(altered(own, "words", {2, -1}), "words--1=3 words-2=3 ");
  EXPECT_EQ(altered(own, "nowhere", {0}), "nowhere-0=3 ");
  EXPECT_EQ(altered("/elsewhere", "words", {0}), "words-0=57 ");
  EXPECT_EQ(altered("/elsewhere", "nowhere", {0}), "nowhere-0=57 ");
  EXPECT_EQ(altered("", "words", {0}), "words-0=57 ");
  EXPECT_EQ(call(AlterReplicaLogDirsRequest{}, 1)->results.size(), 0u);
}

TEST_P(KafkaAnswersTest, NamesThatNoTopicCanHaveAreToldApart) {
  for (auto [name, code] : {std::pair<const char*, int16_t>{"a b", 17}, {"..", 17}, {"", 17}, {"unknown", 3}}) {
    MetadataRequest metadata;
    metadata.topics.emplace().add().name = Text(name);
    metadata.allowAutoTopicCreation = false;
    EXPECT_EQ(call(metadata, 12)->topics[0].errorCode, code) << name;

    DescribeTopicPartitionsRequest partitions;
    partitions.topics.add().name = name;
    EXPECT_EQ(call(partitions, 0)->topics[0].errorCode, code) << name;

    DescribeProducersRequest producers;
    auto& topic = producers.topics.add();
    topic.name = name;
    topic.partitionIndexes.add(0);
    EXPECT_EQ(call(producers, 0)->topics[0].partitions[0].errorCode, code) << name;
  }
}

TEST_P(KafkaAnswersTest, ALeaderEpochBelowMinusOneIsBehind) {
  createTopic("words");
  for (auto [epoch, code] : {std::pair<int32_t, int16_t>{-1, 0}, {-2, 74}, {INT32_MIN, 74}, {INT32_MAX, 75}}) {
    EXPECT_EQ(call(listOffsetsOf("words", 0, -1, epoch), 4)->topics[0].partitions[0].errorCode, code) << epoch;
    // A fetch takes every number below 0 for one that is not said.
    auto fetch = fetchOf({{"words", 0, 0}});
    fetch.topics[0].partitions[0].currentLeaderEpoch = epoch;
    EXPECT_EQ(call(fetch, 11)->responses[0].partitions[0].errorCode, epoch < 0 ? 0 : code) << epoch;
  }
}

TEST_P(KafkaAnswersTest, AnElectionIsOfAKnownType) {
  createTopic("words");
  struct Case {
    int8_t type;
    int16_t code;
    int16_t ofPartition;
  };
  for (auto& [type, code, ofPartition] : {Case{0, 0, 84}, Case{1, 0, 84}, Case{2, 42, 42}, Case{-1, 42, 42}}) {
    ElectLeadersRequest request;
    request.electionType = type;
    auto& topic = request.topicPartitions.emplace().add();
    topic.topic = "words";
    topic.partitions.add(0);
    auto answer = call(request, 2);
    EXPECT_EQ(answer->errorCode, code) << int{type};
    EXPECT_EQ(answer->replicaElectionResults[0].partitionResult[0].errorCode, ofPartition) << int{type};
  }
}

TEST_P(KafkaAnswersTest, OnlyOffsetsOfPartitionsThatAreThereAreDeleted) {
  createTopic("words");
  ASSERT_EQ(commit("g", -1, "", 8), 0);
  OffsetDeleteRequest request;
  request.groupId = "g";
  auto& words = request.topics.add();
  words.name = "words";
  for (int32_t partition : {7, 0, -1})
    words.partitions.add().partitionIndex = partition;
  auto& unknown = request.topics.add();
  unknown.name = "unknown";
  unknown.partitions.add().partitionIndex = 0;
  auto answer = call(request, 0);
  EXPECT_EQ(answer->errorCode, 0);
  EXPECT_EQ(answer->topics[0].partitions[0].errorCode, 3);
  EXPECT_EQ(answer->topics[0].partitions[1].errorCode, 0);
  EXPECT_EQ(answer->topics[0].partitions[2].errorCode, 3);
  EXPECT_EQ(answer->topics[1].partitions[0].errorCode, 3);
  request.groupId = "";
  EXPECT_EQ(call(request, 0)->errorCode, 24);
}

TEST_P(KafkaAnswersTest, AFetchOfOffsetsIsAnsweredWhoeverAsks) {
  createTopic("words");
  ASSERT_EQ(commit("g", -1, "", 8), 0);
  for (auto member : {"", "unknown"}) {
    for (int32_t epoch : {-1, 0, 7}) {
      OffsetFetchRequest request;
      auto& group = request.groups.add();
      group.groupId = "g";
      group.memberId = Text(member);
      group.memberEpoch = epoch;
      auto answer = call(request, 9);
      EXPECT_EQ(answer->groups[0].errorCode, 0) << member << " " << epoch;
      EXPECT_EQ(answer->groups[0].topics[0].partitions[0].committedOffset, 1);
    }
  }
}

TEST_P(KafkaAnswersTest, OnlyWhoAsksByIdIsToldThatATopicIsUnknown) {
  OffsetFetchRequest byName;
  byName.groupId = "g";
  auto& topic = byName.topics.emplace().add();
  topic.name = "";
  topic.partitionIndexes.add(0);
  EXPECT_EQ(call(byName, 7)->topics[0].partitions[0].errorCode, 0);
  OffsetFetchRequest byId;
  auto& group = byId.groups.add();
  group.groupId = "g";
  group.topics.emplace().add().partitionIndexes.add(0);
  EXPECT_EQ(call(byId, 9)->groups[0].topics[0].partitions[0].errorCode, 0);
  EXPECT_EQ(call(byId, 10)->groups[0].topics[0].partitions[0].errorCode, 100);
}

TEST_P(KafkaAnswersTest, ASyncSaysItsProtocol) {
  SyncGroupRequest request;
  request.groupId = "g";
  request.generationId = 1;
  request.memberId = "m";
  EXPECT_EQ(call(request, 4)->errorCode, 25);
  EXPECT_EQ(call(request, 5)->errorCode, 23);
  request.protocolType = Text("consumer");
  EXPECT_EQ(call(request, 5)->errorCode, 23);
  request.protocolName = Text("range");
  EXPECT_EQ(call(request, 5)->errorCode, 25);
}

}  // namespace
}  // namespace cambium::kafka
