#include <algorithm>

#include <kj/time.h>

#include "client/admin.h"
#include "client/consumer.h"
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
