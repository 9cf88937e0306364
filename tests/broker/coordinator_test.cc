#include <filesystem>

#include "tests/broker/broker_fixture.h"

// Groups with members, over stops and crashes, as the doors see them: through LocalBroker.

namespace cambium {
namespace {

class CoordinatorBrokerTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words", 2), "");
  }

  // What a kill leaves: the files as they are now, without anything a clean stop would still write.
  void crash() {
    namespace fs = std::filesystem;
    fs::path data(folder.path().cStr());
    TemporaryFolder aside{TemporaryFolder::inMemory()};
    fs::copy(data, aside.path("data").cStr(), fs::copy_options::recursive);
    TearDown();
    for (auto& entry : fs::directory_iterator(data))
      fs::remove_all(entry.path());
    fs::copy(aside.path("data").cStr(), data, fs::copy_options::recursive);
    start();
  }

  struct Joined {
    std::string group;
    std::string member;
    int32_t generation;

    MemberIdentity who() const { return {.group = group, .member = member, .generation = generation}; }
  };
  static JoinGroupRequest joinRequest(const std::string& group, const std::string& member) {
    JoinGroupRequest request{.who = {.group = group, .member = member},
                             .clientId = "test",
                             .clientHost = "/127.0.0.1",
                             .protocolType = "consumer",
                             .protocols = {},
                             .sessionTimeoutMs = 30'000,
                             .rebalanceTimeoutMs = 30'000,
                             .memberIdRequired = true};
    request.protocols.add(GroupProtocol{"range", kj::heapArray<const kj::byte>("topics"_kj.asBytes())});
    return request;
  }
  Joined join(const std::string& group) {
    auto told = wait(broker->local().joinGroup(joinRequest(group, "")));
    EXPECT_EQ(code(told.error), "MEMBER_ID_REQUIRED");
    auto joined = wait(broker->local().joinGroup(joinRequest(group, told.member)));
    EXPECT_EQ(code(joined.error), "");
    SyncGroupRequest sync{.who = {.group = group, .member = joined.member, .generation = joined.generation},
                          .assignments = {}};
    sync.assignments.add(MemberAssignment{joined.member, kj::heapArray<const kj::byte>("all"_kj.asBytes())});
    auto synced = wait(broker->local().syncGroup(kj::mv(sync)));
    EXPECT_EQ(code(synced.error), "");
    EXPECT_EQ(synced.assignment.size(), 3u);
    return {group, joined.member, joined.generation};
  }
  std::string heartbeat(const Joined& joined) { return code(wait(broker->local().heartbeat(joined.who()))); }
  std::string commit(MemberIdentity who, int64_t offset) {
    CommitOffsetsRequest request{.who = kj::mv(who), .offsets = {}};
    request.offsets.add(OffsetToCommit{.topic = "words", .partition = 1, .offset = Offset(offset), .metadata = ""});
    return code(wait(broker->local().commitOffsets(kj::mv(request)))[0]);
  }
  int64_t committed(const std::string& group) {
    auto found = wait(broker->local().fetchOffsets({.who = {.group = group, .member = ""}}));
    KJ_REQUIRE(found.ok() && found.value().size() == 1, group.c_str());
    return found.value()[0].offset.offset.value();
  }
  std::string groups() {
    std::string all;
    for (auto& one : wait(broker->local().listGroups()))
      all += one.group + ":" + groupStateName(one.state).cStr() + " ";
    return all;
  }
  // Of all coordinators together.
  struct Replay {
    int64_t before = 0;  // offsets of the logs that the start had no need to read …
    int64_t read = 0;    // … and those it read
  };
  Replay replay() {
    Replay sum;
    for (auto& report : wait(broker->local().reports())) {
      for (auto& one : report.coordinators) {
        sum.before += one.replayedFrom - one.logStart;
        sum.read += one.replayedTo - one.replayedFrom;
      }
    }
    return sum;
  }

  static std::string code(const kj::Maybe<Error>& error) {
    KJ_IF_MAYBE(e, error) return errorName(e->code).cStr();
    return "";
  }
  static std::string code(const Result<void>& result) {
    return result.ok() ? "" : errorName(result.error().code).cStr();
  }
};
CAMBIUM_EVERY_DEPLOYMENT(CoordinatorBrokerTest);

// Ten groups: on every loop there are some.
TEST_P(CoordinatorBrokerTest, MembersAndOffsetsSurviveStopsAndCrashes) {
  std::vector<Joined> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(join("group" + std::to_string(i)));
  int64_t offset = 0;
  for (int round = 0; round < 4; ++round) {
    SCOPED_TRACE(round);
    ++offset;
    for (auto& one : all) {
      EXPECT_EQ(heartbeat(one), "");
      auto stale = one;
      --stale.generation;
      EXPECT_EQ(heartbeat(stale), "ILLEGAL_GENERATION");
      EXPECT_EQ(commit(stale.who(), 99), "ILLEGAL_GENERATION");
      EXPECT_EQ(commit({.group = one.group, .member = ""}, 99), "UNKNOWN_MEMBER_ID");
      EXPECT_EQ(commit(one.who(), offset), "");
    }
    if (round % 2 == 0) {
      crash();
    } else {
      restart();
    }
    for (auto& one : all)
      EXPECT_EQ(committed(one.group), offset);
    auto read = replay();
    if (round == 0) {
      EXPECT_EQ(read.before, 0) << "no rows were written yet";
    } else if (round % 2 == 0) {
      EXPECT_GT(read.before, 0);
      EXPECT_LE(read.read, 10) << "at most what came since the last start";
    } else {
      EXPECT_EQ(read.read, 0) << "a clean stop leaves nothing to read";
    }
  }
  EXPECT_EQ(groups().find("group0:Stable "), 0u) << groups();
}

TEST_P(CoordinatorBrokerTest, TheInternalTopicIsReadAndNothingElse) {
  EXPECT_EQ(code(wait(broker->local().heartbeat({.group = "g", .member = "m", .generation = 1}))), "UNKNOWN_MEMBER_ID");
  auto topic = wait(broker->local().coordinatorOf("g"));
  ASSERT_TRUE(topic.ok());
  EXPECT_TRUE(topic.value().topic->isInternal());
  EXPECT_EQ(topic.value().topic->partitionCount(), 8);
  EXPECT_EQ(topic.value().topic->config().cleanup.policy, CleanupPolicy::kCompact);
  EXPECT_PRED2(startsWith, client().deleteTopic("__consumer_offsets"), "invalidTopicException: ");
  EXPECT_PRED2(startsWith, client().createTopic("__consumer_offsets"), "invalidTopicException: ");
  for (int index = 0; index < 2; ++index) {
    auto request = otherClient().partition("__consumer_offsets", index).appendRequest();
    request.initRecords(1)[0].setHasKey(true);
    EXPECT_PRED2(startsWith, errorOf(request.send().wait(scope())), "invalidTopicException: ");
  }
}

TEST_P(CoordinatorBrokerTest, DroppedJoinsAreForgotten) {
  auto first = join("g");
  auto told = wait(broker->local().joinGroup(joinRequest("g", "")));
  {
    auto dropped = broker->local().joinGroup(joinRequest("g", told.member));
  }
  // It comes again, and so does the first: both are answered.
  auto again = broker->local().joinGroup(joinRequest("g", told.member));
  auto both = broker->local().joinGroup(joinRequest("g", first.member));
  EXPECT_EQ(code(wait(kj::mv(both)).error), "");
  EXPECT_EQ(code(wait(kj::mv(again)).error), "");
}

TEST_P(CoordinatorBrokerTest, GroupsAreDeletedForGood) {
  auto joined = join("g");
  EXPECT_EQ(commit(joined.who(), 1), "");
  EXPECT_EQ(commit({.group = "other", .member = ""}, 2), "");
  EXPECT_EQ(code(wait(broker->local().deleteGroup("g"))), "NON_EMPTY_GROUP");
  LeaveGroupRequest leaving{.group = "g", .members = {}};
  leaving.members.add(LeaveGroupRequest::Leaver{joined.member, nullptr});
  EXPECT_EQ(code(wait(broker->local().leaveGroup(kj::mv(leaving))).error), "");
  EXPECT_EQ(code(wait(broker->local().deleteGroup("g"))), "");
  EXPECT_EQ(code(wait(broker->local().deleteGroup("g"))), "GROUP_ID_NOT_FOUND");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(groups(), "other:Empty ");
    auto described = wait(broker->local().describeGroup("g"));
    EXPECT_EQ(described.value().state, GroupState::kDead);
    if (round == 0) crash();
    if (round == 1) restart();
  }
}

}  // namespace
}  // namespace cambium
