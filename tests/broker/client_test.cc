#include <algorithm>

#include <kj/time.h>

#include "client/admin.h"
#include "client/group_consumer.h"
#include "client/producer.h"
#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

// The C++ client library against the broker.
class ClientTest : public BrokerTest {
 protected:
  kj::Own<client::Connection> connection(unsigned loop = 0) {
    return kj::heap<client::Connection>(io.provider->getNetwork(), io.provider->getTimer(),
                                        client::ConnectionOptions{.address = kj::str(broker->address(loop))});
  }
  // Everything from the beginning (or the committed offsets), as "partition:value", by partition.
  std::vector<std::string> consumeAll(client::Consumer& consumer, client::StartAt start) {
    auto assigned = consumer.assignTopic(kj::str("words"), kj::mv(start)).wait(scope());
    KJ_REQUIRE(assigned.ok(), assigned.error());
    std::vector<std::string> all;
    while (!consumer.atEnd()) {
      auto polled = consumer.poll({.returnAtEnd = true}).wait(scope());
      KJ_REQUIRE(polled.ok(), polled.error());
      for (auto& record : polled.value()) {
        auto& value = KJ_ASSERT_NONNULL(record.value);
        all.push_back(std::to_string(record.partition.value()) + ":" +
                      std::string(reinterpret_cast<const char*>(value.begin()), value.size()));
      }
    }
    std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.substr(0, 1) < b.substr(0, 1); });
    return all;
  }
};
CAMBIUM_EVERY_DEPLOYMENT(ClientTest);

TEST_P(ClientTest, WhatIsProducedIsConsumedInOrder) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  auto link = connection();
  client::Producer producer(*link, kj::systemCoarseCalendarClock(), {});
  std::vector<std::string> expected;
  for (int partition = 0; partition < 2; ++partition) {
    for (int i = 0; i < 500; ++i) {
      auto value = std::to_string(i);
      auto sent = producer.send({.topic = "words"_kj,
                                 .partition = PartitionIndex(partition),
                                 .value = ByteView(kj::StringPtr(value.c_str()).asBytes())});
      expected.push_back(std::to_string(partition) + ":" + value);
    }
  }
  auto flushed = producer.flush().wait(scope());
  ASSERT_TRUE(flushed.ok()) << flushed.error().message.cStr();
  EXPECT_EQ(producer.stats().recordsDelivered, 1000u);
  for (auto transfer : {client::Transfer::kRead, client::Transfer::kPush}) {
    auto other = connection(GetParam().cores - 1);
    client::Consumer consumer(*other, {.transfer = transfer});
    EXPECT_EQ(consumeAll(consumer, client::FromBeginning{}), expected);
  }
}

TEST_P(ClientTest, AGroupGoesOnWhereItStopped) {
  ASSERT_EQ(client().createTopic("words", 1), "");
  append(scope(), client().partition("words"), {"a", "b"});
  auto link = connection();
  {
    client::Consumer consumer(*link, {.group = kj::str("readers")});
    EXPECT_EQ(consumeAll(consumer, client::FromCommitted{}), (std::vector<std::string>{"0:a", "0:b"}));
    ASSERT_TRUE(consumer.commit().wait(scope()).ok());
  }
  append(scope(), client().partition("words"), {"c"});
  client::Consumer consumer(*link, {.group = kj::str("readers")});
  EXPECT_EQ(consumeAll(consumer, client::FromCommitted{}), std::vector<std::string>{"0:c"});
}

class GroupClientTest : public ClientTest {
 protected:
  static client::GroupConsumerOptions options(uint32_t autoCommitMs = 5'000) {
    auto topics = kj::heapArrayBuilder<kj::String>(1);
    topics.add(kj::str("words"));
    client::GroupConsumerOptions options{.topics = topics.finish(), .autoCommitMs = autoCommitMs};
    options.consumer.group = kj::str("readers");
    return options;
  }
  static constexpr int kRoundsMax = 500;

  std::vector<std::string> poll(client::GroupConsumer& consumer, uint32_t waitMs) {
    auto polled = consumer.poll({.waitMsMax = waitMs}).wait(scope());
    KJ_REQUIRE(polled.ok(), polled.error());
    std::vector<std::string> values;
    for (auto& record : polled.value()) {
      auto text = KJ_ASSERT_NONNULL(record.value).asChars();
      values.emplace_back(text.begin(), text.size());
    }
    return values;
  }
  // Polls all of them until `count` records have come; sorted.
  std::vector<std::string> pollAll(std::vector<client::GroupConsumer*> consumers, size_t count) {
    std::vector<std::string> all;
    for (int round = 0; all.size() < count && round < kRoundsMax; ++round) {
      for (auto* consumer : consumers) {
        for (auto& value : poll(*consumer, 20))
          all.push_back(value);
      }
    }
    std::sort(all.begin(), all.end());
    return all;
  }
};
CAMBIUM_EVERY_DEPLOYMENT(GroupClientTest);

// A second member comes and goes: every record arrives once, since each rebalance commits first.
TEST_P(GroupClientTest, MembersShareATopic) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  append(scope(), client().partition("words", 0), {"a0", "a1"});
  append(scope(), client().partition("words", 1), {"b0", "b1"});
  auto link = connection();
  client::GroupConsumer first(*link, options());
  EXPECT_EQ(pollAll({&first}, 4), (std::vector<std::string>{"a0", "a1", "b0", "b1"}));
  {
    auto otherLink = connection(GetParam().cores - 1);
    client::GroupConsumer second(*otherLink, options());
    for (int round = 0; round < kRoundsMax; ++round) {
      if (first.positions().size() == 1 && second.positions().size() == 1) break;
      EXPECT_EQ(poll(first, 20).size() + poll(second, 20).size(), 0u) << "what was committed does not come again";
    }
    append(scope(), client().partition("words", 0), {"c"});
    append(scope(), client().partition("words", 1), {"d"});
    EXPECT_EQ(pollAll({&first, &second}, 2), (std::vector<std::string>{"c", "d"}));
    ASSERT_TRUE(second.commit().wait(scope()).ok());
  }
  for (int round = 0; first.positions().size() != 2 && round < kRoundsMax; ++round)
    EXPECT_EQ(poll(first, 20).size(), 0u);
  append(scope(), client().partition("words", 0), {"e"});
  append(scope(), client().partition("words", 1), {"f"});
  EXPECT_EQ(pollAll({&first}, 2), (std::vector<std::string>{"e", "f"}));
}

TEST_P(GroupClientTest, ALostConnectionIsJoinedAgain) {
  ASSERT_EQ(client().createTopic("words", 1), "");
  append(scope(), client().partition("words"), {"a", "b"});
  auto link = connection();
  {
    client::GroupConsumer consumer(*link, options(0));
    EXPECT_EQ(pollAll({&consumer}, 2).size(), 2u);
    ASSERT_TRUE(consumer.commit().wait(scope()).ok());
    link->disconnect(wait(link->session()).generation);
    append(scope(), client().partition("words"), {"c"});
    EXPECT_EQ(pollAll({&consumer}, 1), std::vector<std::string>{"c"});
  }
  // Nothing was committed since: it comes again.
  client::GroupConsumer consumer(*link, options(0));
  EXPECT_EQ(pollAll({&consumer}, 1), std::vector<std::string>{"c"});
}

TEST_P(ClientTest, ConfigsOfTheBrokerAreSetWhileItRuns) {
  auto link = connection(GetParam().cores - 1);
  client::Admin admin(*link);
  auto alter = [&](bool everyBroker, kj::StringPtr name, kj::Maybe<kj::StringPtr> value) {
    auto changes = kj::heapArrayBuilder<client::ConfigChange>(1);
    changes.add(client::ConfigChange{kj::str(name), value.map([](kj::StringPtr v) { return kj::str(v); })});
    auto done = admin.alterBrokerConfig(everyBroker, changes.finish()).wait(scope());
    return done.ok() ? std::string() : errorName(done.error().code).cStr();
  };
  auto shown = [&](bool everyBroker, kj::StringPtr name) {
    auto configs = admin.describeBrokerConfig(everyBroker).wait(scope());
    for (auto& config : configs.value())
      if (config.name == name) return std::string(kj::str(config.value, " from ", config.source).cStr());
    return std::string("missing");
  };
  constexpr kj::StringPtr kName = "log.cleaner.backoff.ms"_kj;
  EXPECT_EQ(shown(false, kName), "15000 from default");
  EXPECT_EQ(shown(true, kName), "missing");
  EXPECT_EQ(alter(true, kName, "20000"_kj), "");
  EXPECT_EQ(shown(false, kName), "20000 from every broker");
  EXPECT_EQ(shown(true, kName), "20000 from every broker");
  EXPECT_EQ(alter(false, kName, "30000"_kj), "");
  EXPECT_EQ(shown(false, kName), "30000 from this broker");
  EXPECT_EQ(alter(false, kName, nullptr), "");
  EXPECT_EQ(shown(false, kName), "20000 from every broker");
  EXPECT_EQ(alter(false, kName, "soon"_kj), "INVALID_REQUEST");
  EXPECT_EQ(alter(false, "node.id", "7"_kj), "INVALID_REQUEST");
}

TEST_P(ClientTest, RefusalsArriveAsErrors) {
  auto link = connection();
  client::Admin admin(*link);
  EXPECT_EQ(admin.describeTopic(kj::str("nothing")).wait(scope()).error().code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(admin.createTopic(kj::str("a b"), 1).wait(scope()).error().code, ErrorCode::kInvalidTopic);
  ASSERT_TRUE(admin.createTopic(kj::str("words"), 2).wait(scope()).ok());
  EXPECT_EQ(admin.createTopic(kj::str("words"), 2).wait(scope()).error().code, ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(admin.deleteRecords(kj::str("words"), PartitionIndex(0), Offset(9)).wait(scope()).error().code,
            ErrorCode::kOffsetOutOfRange);
  client::Consumer consumer(*link, {});
  auto assigned = consumer.assignTopic(kj::str("nothing"), client::FromBeginning{}).wait(scope());
  EXPECT_EQ(assigned.error().code, ErrorCode::kUnknownTopicOrPartition);
}

}  // namespace
}  // namespace cambium
