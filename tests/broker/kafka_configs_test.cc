#include "tests/broker/kafka_fixture.h"

// Configs of topics, brokers, groups, subscriptions of client metrics and loggers, as tools read and change them. The
// values are those of Apache Kafka 4.3.1, asked the same, where nothing else is said.

namespace cambium::kafka {
namespace {

constexpr int8_t kTopic = 2;
constexpr int8_t kBroker = 4;
constexpr int8_t kLogger = 8;
constexpr int8_t kMetrics = 16;
constexpr int8_t kGroup = 32;
constexpr int8_t kSet = 0;
constexpr int8_t kDelete = 1;
constexpr int8_t kAppend = 2;

class KafkaConfigsTest : public KafkaTest {
 protected:
  struct Step {
    const char* name;
    int8_t operation;
    kj::Maybe<const char*> value;
  };

  int16_t alter(int8_t type, const char* name, std::initializer_list<Step> steps, bool validateOnly = false) {
    IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.add();
    resource.resourceType = type;
    resource.resourceName = name;
    for (auto& step : steps) {
      auto& config = resource.configs.add();
      config.name = step.name;
      config.configOperation = step.operation;
      KJ_IF_MAYBE(value, step.value) config.value = Text(*value);
    }
    request.validateOnly = validateOnly;
    auto answer = otherKafka().call(request, 1).wait(scope());
    EXPECT_EQ(answer->responses[0].errorMessage != nullptr, answer->responses[0].errorCode != 0);
    return answer->responses[0].errorCode;
  }
  int16_t set(int8_t type, const char* resource, const char* name, const char* value) {
    return alter(type, resource, {{name, kSet, value}});
  }
  int16_t unset(int8_t type, const char* resource, const char* name) {
    return alter(type, resource, {{name, kDelete, nullptr}});
  }

  // The older way: all configs of a resource at once.
  int16_t replace(int8_t type, const char* name, const char* config, const char* value) {
    AlterConfigsRequest request;
    auto& resource = request.resources.add();
    resource.resourceType = type;
    resource.resourceName = name;
    auto& entry = resource.configs.add();
    entry.name = config;
    entry.value = Text(value);
    return call(request, 2)->responses[0].errorCode;
  }

  Answer<DescribeConfigsResponse> describe(int8_t type, const char* name,
                                           std::initializer_list<const char*> keys = {}) {
    DescribeConfigsRequest request;
    auto& resource = request.resources.add();
    resource.resourceType = type;
    resource.resourceName = name;
    if (keys.size() > 0) {
      auto& wanted = resource.configurationKeys.emplace();
      for (auto key : keys)
        wanted.add(key);
    }
    request.includeSynonyms = true;
    return call(request, 4);
  }
  int16_t errorOfDescribe(int8_t type, const char* name) { return describe(type, name)->results[0].errorCode; }

  // "1000 from 2 [name=1000/2 other=5/5]": a config's value, its source, and what would count without it.
  std::string shown(int8_t type, const char* name, const char* key) {
    auto answer = describe(type, name, {key});
    std::string text;
    for (auto& config : answer->results[0].configs) {
      std::string synonyms;
      for (auto& synonym : config.synonyms) {
        auto value = synonym.value.map([](Text& v) { return v.str(); }).orDefault(std::string("null"));
        if (!synonyms.empty()) synonyms += " ";
        synonyms += kj::str(synonym.name, "=", value.c_str(), "/", synonym.source).cStr();
      }
      auto value = config.value.map([](Text& v) { return v.str(); }).orDefault(std::string("null"));
      text += kj::str(value.c_str(), " from ", config.configSource, " [", synonyms.c_str(), "]").cStr();
    }
    return text;
  }

  // "2/words 4/1 8/1": types and names.
  std::string listed(std::initializer_list<int> types, Version version = 1) {
    ListConfigResourcesRequest request;
    for (auto type : types)
      request.resourceTypes.add(static_cast<int8_t>(type));
    auto answer = call(request, version);
    EXPECT_EQ(answer->errorCode, 0);
    kj::Vector<kj::String> all;
    for (auto& resource : answer->configResources) {
      if (resource.resourceName.view() == "__consumer_offsets") continue;
      all.add(version == 0 ? kj::str(resource.resourceName)
                           : kj::str(resource.resourceType, "/", resource.resourceName));
    }
    return kj::strArray(all, " ").cStr();
  }

  const BrokerConfig& config() { return broker->local().facts().config; }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaConfigsTest);

constexpr char kLeaderRate[] = "leader.replication.throttled.rate";
constexpr char kFollowerRate[] = "follower.replication.throttled.rate";

// What kafka-reassign-partitions.sh does with --throttle, --verify and --cancel.
TEST_P(KafkaConfigsTest, ThrottlesOfReplicationAreKept) {
  EXPECT_EQ(unset(kBroker, "1", kLeaderRate), 0) << "also where there is none";
  EXPECT_EQ(shown(kBroker, "1", kLeaderRate), "");
  EXPECT_EQ(set(kBroker, "1", kLeaderRate, "1000"), 0);
  EXPECT_EQ(shown(kBroker, "1", kLeaderRate), "1000 from 2 [leader.replication.throttled.rate=1000/2]");
  EXPECT_EQ(set(kBroker, "", kFollowerRate, "77"), 0);
  EXPECT_EQ(shown(kBroker, "", kFollowerRate), "77 from 3 [follower.replication.throttled.rate=77/3]");
  EXPECT_EQ(shown(kBroker, "1", kFollowerRate), "77 from 3 [follower.replication.throttled.rate=77/3]");
  EXPECT_EQ(set(kBroker, "1", "replica.alter.log.dirs.io.max.bytes.per.second", "5"), 0);
  EXPECT_EQ(set(kBroker, "1", kLeaderRate, "-1"), 42);
  EXPECT_EQ(set(kBroker, "1", kLeaderRate, "fast"), 42);
  restart();
  kafkas.push_back(broker->connectKafka());
  EXPECT_EQ(shown(kBroker, "1", kLeaderRate), "1000 from 2 [leader.replication.throttled.rate=1000/2]");
  EXPECT_EQ(unset(kBroker, "1", kLeaderRate), 0);
  EXPECT_EQ(shown(kBroker, "1", kLeaderRate), "");
}

TEST_P(KafkaConfigsTest, ConfigsOfABrokerTakeEffectAndGoBack) {
  constexpr char kName[] = "log.cleaner.backoff.ms";
  EXPECT_EQ(shown(kBroker, "1", kName), "15000 from 5 [log.cleaner.backoff.ms=15000/5]");
  EXPECT_EQ(set(kBroker, "", kName, "20000"), 0);
  EXPECT_EQ(set(kBroker, "1", kName, "500"), 0);
  EXPECT_EQ(config().cleanerBackoffMs.get(), 500);
  EXPECT_EQ(shown(kBroker, "1", kName),
            "500 from 2 [log.cleaner.backoff.ms=500/2 log.cleaner.backoff.ms=20000/3 log.cleaner.backoff.ms=15000/5]");
  EXPECT_EQ(unset(kBroker, "1", kName), 0);
  EXPECT_EQ(config().cleanerBackoffMs.get(), 20000);
  restart();
  kafkas.push_back(broker->connectKafka());
  EXPECT_EQ(config().cleanerBackoffMs.get(), 20000);
  EXPECT_EQ(unset(kBroker, "", kName), 0);
  EXPECT_EQ(config().cleanerBackoffMs.get(), 15000);
  EXPECT_EQ(set(kBroker, "1", kName, "soon"), 42);
  EXPECT_EQ(set(kBroker, "", kName, "-1"), 42);
  EXPECT_EQ(config().cleanerBackoffMs.get(), 15000);
}

// Kafka cannot change these two while it runs.
TEST_P(KafkaConfigsTest, TopicsAreMadeAsTheConfigSaysNow) {
  MetadataRequest request;
  request.allowAutoTopicCreation = true;
  auto& topic = request.topics.emplace().add();
  topic.name = Text("first");
  EXPECT_EQ(set(kBroker, "1", "num.partitions", "3"), 0);
  auto made = call(request, 8);
  EXPECT_EQ(made->topics[0].partitions.size(), 3u);
  EXPECT_EQ(set(kBroker, "1", "auto.create.topics.enable", "false"), 0);
  topic.name = Text("second");
  EXPECT_EQ(call(request, 8)->topics[0].errorCode, 3);
}

TEST_P(KafkaConfigsTest, RetentionLooksAsOftenAsTheConfigSaysNow) {
  createTopic("words", 1, {{"segment.bytes", "150"}, {"retention.bytes", "0"}});
  for (int i = 0; i < 5; ++i)
    produce("words", 0, batchOf({"some words"}));
  // Until now the next look was minutes away.
  EXPECT_EQ(set(kBroker, "1", "log.retention.check.interval.ms", "1"), 0);
  broker->awaitTrue("old segments are gone", [&] { return fetch({{"words", 0, 0}}) == "0:!1"; });
}

TEST_P(KafkaConfigsTest, WrongWishesForBrokersAreRefused) {
  EXPECT_EQ(set(kBroker, "2", kLeaderRate, "1"), 42) << "another broker";
  EXPECT_EQ(set(kBroker, "x", kLeaderRate, "1"), 42);
  EXPECT_EQ(alter(kBroker, "2", {}), 42);
  EXPECT_EQ(errorOfDescribe(kBroker, "2"), 42);
  EXPECT_EQ(errorOfDescribe(kBroker, "x"), 42);
  EXPECT_EQ(set(kBroker, "1", "broker.id", "5"), 42);
  EXPECT_EQ(set(kBroker, "1", "advertised.listeners", "PLAINTEXT://x:1"), 42);
  EXPECT_EQ(alter(kBroker, "1", {{kLeaderRate, kSet, "1"}, {kLeaderRate, kSet, "2"}}), 42) << "named twice";
  EXPECT_EQ(alter(kBroker, "1", {{kLeaderRate, kAppend, "1"}}), 40) << "no list";
  EXPECT_EQ(alter(kBroker, "1", {{kLeaderRate, kSet, nullptr}}), 42);
  EXPECT_EQ(alter(kBroker, "1", {{kLeaderRate, 9, "1"}}), 42);
  EXPECT_EQ(alter(kBroker, "1", {{kLeaderRate, kSet, "1"}, {"broker.id", kSet, "5"}}), 42);
  EXPECT_EQ(alter(kBroker, "1", {{kLeaderRate, kSet, "1"}}, true), 0) << "only asked";
  EXPECT_EQ(shown(kBroker, "1", kLeaderRate), "") << "all or none";
  EXPECT_EQ(unset(kBroker, "1", "nonsense"), 0);
  EXPECT_EQ(replace(kBroker, "1", kLeaderRate, "5"), 0);
  EXPECT_EQ(replace(kBroker, "1", kFollowerRate, "6"), 0);
  EXPECT_EQ(shown(kBroker, "1", kLeaderRate), "") << "all at once";
  EXPECT_EQ(replace(kBroker, "1", "broker.id", "5"), 42);
}

TEST_P(KafkaConfigsTest, MinInsyncReplicasIsSetForAllBrokers) {
  createTopic("words");
  EXPECT_EQ(shown(kTopic, "words", "min.insync.replicas"),
            "1 from 3 [min.insync.replicas=1/3 min.insync.replicas=1/5]");
  EXPECT_EQ(shown(kBroker, "", "min.insync.replicas"), "1 from 3 [min.insync.replicas=1/3]");
  EXPECT_EQ(shown(kBroker, "1", "min.insync.replicas"), "1 from 3 [min.insync.replicas=1/3 min.insync.replicas=1/5]");
}

TEST_P(KafkaConfigsTest, SynonymsOfTopicConfigsAreThoseOfKafka) {
  createTopic("words");
  EXPECT_EQ(shown(kTopic, "words", "retention.ms"), "604800000 from 5 []");
  EXPECT_EQ(shown(kTopic, "words", "segment.ms"), "604800000 from 5 []");
  EXPECT_EQ(shown(kTopic, "words", "compression.type"), "producer from 5 [compression.type=producer/5]");
  EXPECT_EQ(shown(kTopic, "words", "remote.storage.enable"), "false from 5 []");
  EXPECT_EQ(set(kTopic, "words", "retention.ms", "5"), 0);
  EXPECT_EQ(shown(kTopic, "words", "retention.ms"), "5 from 1 [retention.ms=5/1]");
  EXPECT_EQ(set(kTopic, "words", "compression.type", "zstd"), 0);
  EXPECT_EQ(shown(kTopic, "words", "compression.type"),
            "zstd from 1 [compression.type=zstd/1 compression.type=producer/5]");
}

TEST_P(KafkaConfigsTest, ConfigsOfGroupsAreKept) {
  constexpr char kName[] = "consumer.session.timeout.ms";
  EXPECT_EQ(describe(kGroup, "g1")->results[0].configs.size(), 17u);
  EXPECT_EQ(shown(kGroup, "g1", kName), "45000 from 5 [group.consumer.session.timeout.ms=45000/5]");
  EXPECT_EQ(set(kGroup, "g1", kName, "50000"), 0);
  EXPECT_EQ(shown(kGroup, "g1", kName),
            "50000 from 8 [consumer.session.timeout.ms=50000/8 group.consumer.session.timeout.ms=45000/5]");
  EXPECT_EQ(set(kGroup, "g1", kName, "1"), 40);
  EXPECT_EQ(set(kGroup, "g1", "nonsense", "1"), 40);
  EXPECT_EQ(unset(kGroup, "g1", "nonsense"), 0);
  EXPECT_EQ(set(kGroup, "", kName, "50000"), 42);
  EXPECT_EQ(errorOfDescribe(kGroup, ""), 42);
  EXPECT_EQ(listed({kGroup}), "32/g1");
  EXPECT_EQ(replace(kGroup, "g1", "share.auto.offset.reset", "earliest"), 0);
  EXPECT_EQ(shown(kGroup, "g1", kName), "45000 from 5 [group.consumer.session.timeout.ms=45000/5]");
  EXPECT_EQ(unset(kGroup, "g1", "share.auto.offset.reset"), 0);
  EXPECT_EQ(listed({kGroup}), "");
}

TEST_P(KafkaConfigsTest, SubscriptionsOfClientMetricsAreKept) {
  EXPECT_EQ(shown(kMetrics, "m1", "interval.ms"), "300000 from 5 []");
  EXPECT_EQ(alter(kMetrics, "m1", {{"interval.ms", kSet, "5000"}, {"metrics", kSet, "org.apache.kafka.,x"}}), 0);
  EXPECT_EQ(set(kMetrics, "m1", "match", "client_id=a.*"), 0);
  EXPECT_EQ(shown(kMetrics, "m1", "interval.ms"), "5000 from 7 [interval.ms=5000/7]");
  EXPECT_EQ(shown(kMetrics, "m1", "metrics"), "org.apache.kafka.,x from 7 [metrics=org.apache.kafka.,x/7]");
  EXPECT_EQ(set(kMetrics, "m1", "interval.ms", "1"), 42);
  EXPECT_EQ(set(kMetrics, "m1", "nonsense", "1"), 42);
  EXPECT_EQ(set(kMetrics, "m1", "match", "client_id=("), 40);
  EXPECT_EQ(alter(kMetrics, "m1", {{"metrics", kAppend, "y"}}), 40);
  EXPECT_EQ(set(kMetrics, "", "interval.ms", "5000"), 42);
  EXPECT_EQ(errorOfDescribe(kMetrics, ""), 42);
  restart();
  kafkas.push_back(broker->connectKafka());
  EXPECT_EQ(listed({}, 0), "m1");
  EXPECT_EQ(alter(kMetrics, "m1",
                  {{"interval.ms", kDelete, nullptr}, {"metrics", kDelete, nullptr}, {"match", kDelete, nullptr}}),
            0);
  EXPECT_EQ(listed({}, 0), "");
}

TEST_P(KafkaConfigsTest, NamesThatNoTopicCanHaveAreToldApart) {
  for (auto [name, code] : {std::pair<const char*, int16_t>{"a b", 17}, {"..", 17}, {"", 17}, {"unknown", 3}}) {
    EXPECT_EQ(errorOfDescribe(kTopic, name), code) << name;
    int16_t ofChange = *name == '\0' ? 42 : code;  // which would be the configs of all topics
    EXPECT_EQ(set(kTopic, name, "retention.ms", "5"), ofChange) << name;
    AlterConfigsRequest request;
    auto& resource = request.resources.add();
    resource.resourceType = kTopic;
    resource.resourceName = name;
    EXPECT_EQ(call(request, 2)->responses[0].errorCode, ofChange) << name;
  }
}

TEST_P(KafkaConfigsTest, AConfigIsNotChangedTwiceAtOnce) {
  createTopic("words");
  AlterConfigsRequest request;
  auto& resource = request.resources.add();
  resource.resourceType = kTopic;
  resource.resourceName = "words";
  for (auto value : {"5", "6"}) {
    auto& config = resource.configs.add();
    config.name = "retention.ms";
    config.value = Text(value);
  }
  EXPECT_EQ(call(request, 2)->responses[0].errorCode, 42);
  EXPECT_EQ(alter(kTopic, "words", {{"retention.ms", kSet, "5"}, {"retention.ms", kDelete, nullptr}}), 42);
  EXPECT_EQ(alter(kTopic, "words", {{"cleanup.policy", kAppend, ""}}), 40);
}

// There is one logger, for everything; Kafka has one for each of its classes.
TEST_P(KafkaConfigsTest, TheLevelOfTheLoggerCanBeChanged) {
  EXPECT_EQ(shown(kLogger, "1", "root"), "WARN from 6 []");
  EXPECT_EQ(set(kLogger, "1", "root", "DEBUG"), 0);
  EXPECT_EQ(shown(kLogger, "1", "root"), "DEBUG from 6 []");
  EXPECT_TRUE(broker->local().logLevel().lets(kj::LogSeverity::INFO));
  EXPECT_EQ(set(kLogger, "1", "root", "ERROR"), 0);
  EXPECT_FALSE(broker->local().logLevel().lets(kj::LogSeverity::WARNING));
  EXPECT_EQ(set(kLogger, "1", "root", "bad"), 40);
  EXPECT_EQ(set(kLogger, "1", "root", "warn"), 40);
  EXPECT_EQ(set(kLogger, "1", "nonsense", "INFO"), 40);
  EXPECT_EQ(unset(kLogger, "1", "root"), 42);
  EXPECT_EQ(alter(kLogger, "1", {{"root", kAppend, "INFO"}}), 42);
  EXPECT_EQ(alter(kLogger, "1", {{"root", kSet, nullptr}}), 42);
  EXPECT_EQ(alter(kLogger, "1", {{"root", kSet, "INFO"}}, true), 0);
  EXPECT_EQ(shown(kLogger, "1", "root"), "ERROR from 6 []");
  for (auto name : {"", "2"}) {
    EXPECT_EQ(set(kLogger, name, "root", "INFO"), 42) << name;
    EXPECT_EQ(errorOfDescribe(kLogger, name), 42) << name;
  }
  EXPECT_EQ(replace(kLogger, "1", "root", "INFO"), 42);
}

TEST_P(KafkaConfigsTest, EverythingWithConfigsIsListed) {
  createTopic("words");
  EXPECT_EQ(set(kGroup, "g1", "consumer.session.timeout.ms", "50000"), 0);
  EXPECT_EQ(set(kMetrics, "m1", "interval.ms", "5000"), 0);
  EXPECT_EQ(listed({}), "2/words 4/1 8/1 16/m1 32/g1");
  EXPECT_EQ(listed({kGroup, kMetrics}), "16/m1 32/g1");
  for (auto type : {0, 1, 3, 99}) {
    EXPECT_EQ(set(static_cast<int8_t>(type), "x", "a", "1"), 42) << type;
    EXPECT_EQ(errorOfDescribe(static_cast<int8_t>(type), "x"), 42) << type;
  }
}

// Each segment is some files: what clients ask for has a lower bound, what is there stays as it is.
class KafkaConfigBoundsTest : public KafkaConfigsTest {
 protected:
  void restartWithBound(int64_t least) {
    segmentBytesMin = least;
    restart();
    kafkas.push_back(broker->connectKafka());
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaConfigBoundsTest);

TEST_P(KafkaConfigBoundsTest, SegmentsAreNotTooSmall) {
  createTopic("old", 1, {{"segment.bytes", "150"}});
  produce("old", 0, batchOf({"some words"}));
  restartWithBound(BrokerConfig().segmentBytesMin);
  // From before there were bounds.
  EXPECT_EQ(shown(kTopic, "old", "segment.bytes"), "150 from 1 [segment.bytes=150/1 log.segment.bytes=134217728/5]");
  EXPECT_EQ(produce("old", 0, batchOf({"more words"})), (Produced{0, 1}));
  EXPECT_EQ(set(kTopic, "old", "retention.ms", "60000"), 0);

  EXPECT_PRED2(startsWith, client().createTopic("words", 1, {{"segment.bytes", "1048575"}}), "invalidConfig: ");
  createTopic("words", 1, {{"segment.bytes", "1048576"}});
  for (auto small : {"14", "1048575", "-1"}) {
    EXPECT_EQ(set(kTopic, "words", "segment.bytes", small), 40) << small;
    EXPECT_EQ(alter(kTopic, "words", {{"segment.bytes", kSet, small}}, true), 40) << small;
    EXPECT_EQ(replace(kTopic, "words", "segment.bytes", small), 40) << small;
  }
  EXPECT_EQ(set(kTopic, "words", "segment.bytes", "2000000"), 0);
  // Kafka takes 4 and more: one entry each, and a segment for each batch.
  EXPECT_EQ(set(kTopic, "words", "segment.index.bytes", "4095"), 40);
  EXPECT_EQ(set(kTopic, "words", "segment.index.bytes", "4096"), 0);
  // The operator may allow less.
  EXPECT_EQ(set(kBroker, "1", "cambium.segment.bytes.min", "100"), 0);
  EXPECT_EQ(set(kTopic, "words", "segment.bytes", "100"), 0);
}

}  // namespace
}  // namespace cambium::kafka
