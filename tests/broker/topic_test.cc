#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

using TopicTest = BrokerTest;
CAMBIUM_EVERY_DEPLOYMENT(TopicTest);

TEST_P(TopicTest, CreateListDescribeDelete) {
  EXPECT_EQ(client().listTopics(), "");
  EXPECT_EQ(client().createTopic("words", 3), "");
  EXPECT_EQ(otherClient().createTopic("letters"), "");
  for (auto& each : clients)
    EXPECT_EQ(each->listTopics(), "letters/1 words/3");

  auto described = otherClient().topic("words").describeRequest().send().wait(scope());
  auto topic = described.getTopic();
  EXPECT_EQ(topic.getPartitions().size(), 3u);
  for (auto partition : topic.getPartitions()) {
    EXPECT_FALSE(partition.hasError()) << describe(partition.getError());
    EXPECT_EQ(partition.getEnd(), 0);
    EXPECT_EQ(partition.getEngine(), GetParam().logEngine);
  }
  EXPECT_EQ(topic.getPartitions()[0].getCore() != topic.getPartitions()[1].getCore(), GetParam().cores == 2);

  EXPECT_EQ(otherClient().deleteTopic("words"), "");
  for (auto& each : clients)
    EXPECT_EQ(each->listTopics(), "letters/1");
  EXPECT_PRED2(startsWith, client().errorOfTopic("words"), "unknownTopicOrPartition: there is no topic named words");
  EXPECT_EQ(broker->total().partitions, 1u);
}

TEST_P(TopicTest, ConfigsAreKeptAndGoBackToTheirDefaults) {
  ASSERT_EQ(client().createTopic("words", 1, {{"retention.ms", "5000"}, {"durability", "os"}}), "");
  ASSERT_EQ(client().alterTopic("words", {{"retention.ms", "reset"}, {"max.message.bytes", "2000"}}), "");
  restart();
  auto described = client().topic("words").describeRequest().send().wait(scope());
  std::string own;
  for (auto config : described.getTopic().getConfigs()) {
    if (!config.getIsDefault()) own += kj::str(config.getName(), "=", config.getValue(), " ").cStr();
    EXPECT_GT(config.getDocumentation().size(), 10u) << config.getName().cStr();
  }
  EXPECT_EQ(own, "durability=os max.message.bytes=2000 ");
}

TEST_P(TopicTest, AlteredConfigsAreInForceAtOnce) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  for (int index = 0; index < 2; ++index)
    append(scope(), client().partition("words", index), {std::string(500, 'x')});
  ASSERT_EQ(otherClient().alterTopic("words", {{"max.message.bytes", "200"}}), "");
  for (int index = 0; index < 2; ++index) {
    auto refused = kj::runCatchingExceptions(
        [&] { append(scope(), client().partition("words", index), {std::string(500, 'x')}); });
    EXPECT_PRED2(contains, KJ_ASSERT_NONNULL(refused).getDescription().cStr(), "max.message.bytes");
  }
}

TEST_P(TopicTest, TimestampsOfRecordsAreHeldAgainstTheTopic) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  auto now = SystemClock().now().value();
  // The error of a record that is so many milliseconds off the clock.
  auto send = [&](int index, int64_t off) {
    auto request = otherClient().partition("words", index).appendRequest();
    request.setAcks(rpc::Acks::ALL);
    request.initRecords(1)[0].setTimestamp(now + off);
    return errorOf(request.send().wait(scope()));
  };
  for (int index = 0; index < 2; ++index) {
    EXPECT_EQ(send(index, 0), "");
    EXPECT_EQ(send(index, -100'000'000), "");
    EXPECT_PRED2(startsWith, send(index, 2 * 3'600'000), "invalidTimestamp: ");
  }
  ASSERT_EQ(client().alterTopic("words", {{"message.timestamp.before.max.ms", "3600000"},
                                          {"message.timestamp.after.max.ms", "9000000"}}),
            "");
  for (int index = 0; index < 2; ++index) {
    EXPECT_EQ(send(index, 2 * 3'600'000), "");
    EXPECT_PRED2(startsWith, send(index, -2 * 3'600'000), "invalidTimestamp: ");
  }
  // The broker's own time makes the producer's irrelevant.
  ASSERT_EQ(client().alterTopic("words", {{"message.timestamp.type", "LogAppendTime"}}), "");
  for (int index = 0; index < 2; ++index)
    EXPECT_EQ(send(index, -2 * 3'600'000), "");
}

TEST_P(TopicTest, PartitionsAreAddedAndServe) {
  ASSERT_EQ(client().createTopic("words", 1), "");
  auto first = client().partition("words", 0);
  append(scope(), first, {"a"});
  ASSERT_EQ(client().addPartitions("words", 4), "");
  for (int index = 1; index < 4; ++index) {
    EXPECT_EQ(append(scope(), otherClient().partition("words", index), {"b"}), 0);
  }
  EXPECT_EQ(append(scope(), first, {"c"}), 1) << "what was open goes on";
  restart();
  EXPECT_EQ(client().listTopics(), "words/4");
  EXPECT_EQ(read(scope(), client().partition("words", 3), 0).values, std::vector<std::string>{"b"});
}

TEST_P(TopicTest, AReaderOfADeletedTopicIsTold) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  auto one = readLater(client().partition("words", 0), 0, {.waitMsMax = 60'000});
  auto two = readLater(otherClient().partition("words", 1), 0, {.waitMsMax = 60'000});
  broker->awaitWaiting(2);
  EXPECT_EQ(client().deleteTopic("words"), "");
  EXPECT_PRED2(startsWith, wait(kj::mv(one)).error, "unknownTopicOrPartition: ");
  EXPECT_PRED2(startsWith, wait(kj::mv(two)).error, "unknownTopicOrPartition: ");
}

TEST_P(TopicTest, ATopicMadeAnewIsAnotherOne) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  auto old = client().topic("words");
  auto oldPartition = client().partition("words", 0);
  append(scope(), oldPartition, {"old", "older"});
  ASSERT_EQ(client().deleteTopic("words"), "");
  ASSERT_EQ(client().createTopic("words", 2), "");
  EXPECT_EQ(read(scope(), otherClient().partition("words", 0), 0).highWatermark, 0);
  EXPECT_PRED2(startsWith, read(scope(), oldPartition, 0).error, "unknownTopicOrPartition: ");
  EXPECT_PRED2(contains, errorOf(old.describeRequest().send().wait(scope())), "made anew");
  EXPECT_EQ(append(scope(), client().partition("words", 0), {"new"}), 0);
  restart();
  EXPECT_EQ(read(scope(), client().partition("words", 0), 0).values, std::vector<std::string>{"new"});
}

// Deletions and creations of one name at the same time, from both loops: whoever wins, what is left serves.
TEST_P(TopicTest, DeletionsAndCreationsOfOneNameRace) {
  ASSERT_EQ(client().createTopic("words", 3), "");
  for (int round = 0; round < 5; ++round) {
    kj::Vector<kj::Promise<void>> racing;
    for (int i = 0; i < 4; ++i) {
      auto remove = (i % 2 == 0 ? client() : otherClient()).admin().deleteTopicRequest();
      remove.setName("words");
      racing.add(remove.send().ignoreResult());
      auto make = (i % 2 == 0 ? otherClient() : client()).admin().createTopicRequest();
      make.setName("words");
      make.setPartitions(3);
      racing.add(make.send().ignoreResult());
    }
    wait(kj::joinPromises(racing.releaseAsArray()));
    auto made = client().createTopic("words", 3);
    EXPECT_TRUE(made == "" || startsWith(made, "topicAlreadyExists")) << made;
    EXPECT_EQ(broker->total().partitionsOffline, 0u);
    for (int index = 0; index < 3; ++index)
      EXPECT_EQ(append(scope(), client().partition("words", index), {"x"}), 0);
    EXPECT_EQ(client().deleteTopic("words"), "");
    EXPECT_EQ(client().createTopic("words", 3), "");
  }
}

TEST_P(TopicTest, NamesUpToTheLimitWork) {
  std::string longest(249, 'x');
  ASSERT_EQ(client().createTopic(longest.c_str(), 2), "");
  EXPECT_EQ(append(scope(), client().partition(longest.c_str(), 1), {"a"}), 0);
  restart();
  EXPECT_EQ(read(scope(), client().partition(longest.c_str(), 1), 0).values, std::vector<std::string>{"a"});
  EXPECT_EQ(client().deleteTopic(longest.c_str()), "");
  EXPECT_EQ(client().createTopic(longest.c_str(), 2), "");
  EXPECT_EQ(read(scope(), client().partition(longest.c_str(), 1), 0).highWatermark, 0);
}

TEST_P(TopicTest, TheEngineIsChosenPerTopic) {
  for (const char* engine : {"native", "rocksdb"}) {
    ASSERT_EQ(client().createTopic(engine, 2, {{"storage.engine", engine}}), "");
    EXPECT_EQ(append(scope(), client().partition(engine, 1), {engine}), 0);
  }
  restart();
  for (const char* engine : {"native", "rocksdb"}) {
    EXPECT_EQ(read(scope(), client().partition(engine, 1), 0).values, std::vector<std::string>{engine});
    auto described = client().topic(engine).describeRequest().send().wait(scope());
    EXPECT_EQ(described.getTopic().getPartitions()[1].getEngine(), engine);
    EXPECT_EQ(client().deleteTopic(engine), "");
  }
}

TEST_P(TopicTest, BadWishesAreRefusedWithTheirReason) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  EXPECT_EQ(client().createTopic("words"), "topicAlreadyExists: topic words exists already");
  EXPECT_PRED2(startsWith, client().createTopic(""), "invalidTopicException: ");
  EXPECT_PRED2(contains, client().createTopic("a b"), "position 1");
  EXPECT_PRED2(contains, client().createTopic(std::string(250, 'x').c_str()), "at most 249");
  EXPECT_PRED2(startsWith, client().createTopic("none", 0), "invalidPartitions: ");
  EXPECT_PRED2(startsWith, client().createTopic("none", -7), "invalidPartitions: ");
  EXPECT_PRED2(contains, client().createTopic("many", 5000), "--partitions_max");
  EXPECT_PRED2(contains, client().createTopic("odd", 1, {{"retention.days", "1"}}),
               "there is no config named \"retention.days\"");
  EXPECT_PRED2(contains, client().createTopic("odd", 1, {{"durability", "maybe"}}),
               "config durability=maybe is not valid: expected one of fsync, interval, os");
  EXPECT_PRED2(contains, client().createTopic("odd", 1, {{"storage.engine", "tape"}}), "native or rocksdb");
  EXPECT_PRED2(contains, client().createTopic("odd", 1, {{"segment.ms", "1000"}, {"segment.ms", "2000"}}),
               "named twice");
  EXPECT_PRED2(contains, client().createTopic("odd", 1, {{"storage.engine", "native"}, {"storage.engine", "rocksdb"}}),
               "named twice");
  EXPECT_PRED2(startsWith, client().deleteTopic("nothing"), "unknownTopicOrPartition: ");
  EXPECT_PRED2(startsWith, client().alterTopic("nothing", {}), "unknownTopicOrPartition: ");
  EXPECT_PRED2(startsWith, client().addPartitions("nothing", 3), "unknownTopicOrPartition: ");
  EXPECT_PRED2(contains, client().addPartitions("words", 2), "can only grow");
  EXPECT_PRED2(contains, client().addPartitions("words", INT32_MIN), "can only grow");
  EXPECT_PRED2(contains, client().addPartitions("words", INT32_MAX), "--partitions_max");
  EXPECT_PRED2(startsWith, client().errorOfPartition("words", 2),
               "unknownTopicOrPartition: topic words has partitions 0 to 1, not 2");
  EXPECT_PRED2(startsWith, client().errorOfPartition("words", -1), "unknownTopicOrPartition: ");
  EXPECT_EQ(client().createTopic("wish", 1, {}, true), "");
  EXPECT_EQ(client().listTopics(), "words/2") << "nothing was made of a wish to validate, nor of a wrong one";
}

TEST_P(TopicTest, LongListsOfConfigsAreRefused) {
  RpcClient::Settings many(limits.listEntriesMax + 1, {"retention.ms", "reset"});
  ASSERT_EQ(client().createTopic("words"), "");
  EXPECT_PRED2(startsWith, client().createTopic("letters", 1, many), "invalidRequest: a request has 10001 configs");
  EXPECT_PRED2(startsWith, client().alterTopic("words", many), "invalidRequest: a request has 10001 configs");
  EXPECT_EQ(client().listTopics(), "words/1");
}

TEST_P(TopicTest, TheLimitOfPartitionsHoldsForWishesAtTheSameTime) {
  kj::Vector<kj::Promise<int>> wishes;
  for (int i = 0; i < 5; ++i) {
    auto request = (i % 2 == 0 ? client() : otherClient()).admin().createTopicRequest();
    request.setName(kj::str("topic", i));
    request.setPartitions(300);
    wishes.add(request.send().then([](auto&& response) { return response.hasError() ? 0 : 1; }));
  }
  int made = 0;
  for (int one : wait(kj::joinPromises(wishes.releaseAsArray())))
    made += one;
  EXPECT_EQ(made, 3) << "1000 in all";
  EXPECT_EQ(broker->total().partitions, 900u);
}

}  // namespace
}  // namespace cambium
