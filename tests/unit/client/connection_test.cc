#include "client/connection.h"

#include "client/admin.h"
#include "tests/unit/client/client_fixture.h"

namespace cambium::client {
namespace {

class ConnectionTest : public ClientTest {
 public:
  ~ConnectionTest() noexcept override = default;

 protected:
  std::string failure() {
    auto e = kj::runCatchingExceptions([&] { run(connection.session()); });
    KJ_IF_MAYBE(exception, e) return std::string(exception->getDescription().cStr());
    return "no failure";
  }
};

TEST_F(ConnectionTest, ConnectsOnceForAll) {
  auto a = connection.session();
  auto b = connection.session();
  EXPECT_EQ(run(kj::mv(a)).generation, 1u);
  EXPECT_EQ(run(kj::mv(b)).generation, 1u);
  EXPECT_EQ(run(connection.session()).generation, 1u);
  EXPECT_EQ(broker.connections, 1);
  EXPECT_TRUE(connection.isConnected());
}

TEST_F(ConnectionTest, RefusedConnectionSaysWhatToDo) {
  broker.down = true;
  EXPECT_EQ(failure(), "cannot connect to 127.0.0.1:9290: Connection refused; is the broker running?");
  EXPECT_EQ(nowMs(), 0);
}

TEST_F(ConnectionTest, AttemptsAfterFailuresBackOff) {
  broker.down = true;
  for (int64_t at : {0, 50, 150, 350, 750, 1550, 3150, 5150, 7150}) {
    failure();
    EXPECT_EQ(nowMs(), at);
  }
  broker.down = false;
  EXPECT_EQ(run(connection.session()).generation, 1u);
  broker.cut();
  run(connection.onDisconnect());
  auto before = nowMs();
  EXPECT_EQ(run(connection.session()).generation, 2u);
  EXPECT_EQ(nowMs(), before);
}

TEST_F(ConnectionTest, GateThatRefusesIsToldApart) {
  broker.rejecting = true;
  EXPECT_EQ(failure(), "cannot connect to 127.0.0.1:9290: the broker refuses this client: members only");
}

TEST_F(ConnectionTest, OnDisconnectResolvesWhenTheBrokerGoes) {
  run(connection.onDisconnect());  // none: at once
  run(connection.session());
  auto gone = connection.onDisconnect();
  pass(1'000);
  EXPECT_FALSE(gone.poll(waitScope));
  broker.cut();
  run(kj::mv(gone));
  settle();
  EXPECT_FALSE(connection.isConnected());
}

TEST_F(ConnectionTest, DisconnectConcernsOneGeneration) {
  auto session = run(connection.session());
  connection.disconnect(session.generation - 1);
  EXPECT_TRUE(connection.isConnected());
  connection.disconnect(session.generation);
  EXPECT_FALSE(connection.isConnected());
  EXPECT_EQ(run(connection.session()).generation, 2u);
}

TEST_F(ConnectionTest, AdminMapsErrorsAndValues) {
  Admin admin(connection);
  auto made = run(admin.createTopic(kj::str("words"), 4));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made.value().partitions, 4);
  auto again = run(admin.createTopic(kj::str("words"), 4));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(again.error().message, "the topic exists"_kj);
  EXPECT_EQ(run(admin.describeTopic(kj::str("words"))).value().partitions.size(), 4u);
  EXPECT_EQ(run(admin.describeTopic(kj::str("none"))).error().code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(run(admin.findOffset(kj::str("words"), PartitionIndex(9), Latest{})).error().code,
            ErrorCode::kUnknownTopicOrPartition);
  broker.append("words", 1, {"a", "b"});
  EXPECT_EQ(run(admin.findOffset(kj::str("words"), PartitionIndex(1), Latest{})).value().offset, Offset(2));
  auto commit =
      kj::arr(GroupOffset{kj::str("words"), PartitionIndex(1), Offset(1), kNoLeaderEpoch, nullptr, kNoTimestamp});
  ASSERT_TRUE(run(admin.commitOffsets(kj::str("g"), kj::mv(commit))).ok());
  auto asked =
      kj::arr(TopicPartition{kj::str("words"), PartitionIndex(1)}, TopicPartition{kj::str("words"), PartitionIndex(2)});
  auto fetched = run(admin.fetchOffsets(kj::str("g"), kj::mv(asked)));
  EXPECT_EQ(fetched.value()[0].offset, Offset(1));
  EXPECT_EQ(fetched.value()[1].offset, kNoOffset);
  EXPECT_EQ(run(admin.fetchOffsets(kj::str(""))).error().code, ErrorCode::kInvalidGroupId);
}

TEST_F(ConnectionTest, AdminThrowsWhenThereIsNoBroker) {
  broker.down = true;
  Admin admin(connection);
  EXPECT_ANY_THROW(run(admin.listTopics()));
}

}  // namespace
}  // namespace cambium::client
