#include "tests/unit/group/group_fixture.h"

namespace cambium {
namespace {

class GroupSyncTest : public GroupTest {
 protected:
  ~GroupSyncTest() noexcept override = default;

  // Two members whose joins were answered: the leader first.
  std::vector<std::string> makeCompleting(const Joiner& joiner = {}) {
    auto first = join(joiner);
    auto second = join(joiner);
    advance(6'000);
    std::vector<std::string> ids = {joined(first).member, joined(second).member};
    if (ids[0] != joined(first).leader) std::swap(ids[0], ids[1]);
    return ids;
  }
};

TEST_F(GroupSyncTest, AssignmentsLeaveOnlyWhenTheyAreWritten) {
  auto ids = makeCompleting();
  auto follower = sync(ids[1], 1);
  EXPECT_TRUE(writes.empty());
  auto leader = sync(ids[0], 1, {{ids[0], "p0"}, {ids[1], "p1"}, {"stranger", "p2"}});
  ASSERT_EQ(writes.size(), 1u);
  auto& written = writes[0].metadata;
  EXPECT_EQ(written.generation, 1);
  EXPECT_EQ(written.protocolType, "consumer");
  EXPECT_EQ(textOf(written.protocol), "range");
  EXPECT_EQ(textOf(written.leader), ids[0]);
  ASSERT_EQ(written.members.size(), 2u);
  for (auto& member : written.members) {
    EXPECT_EQ(textOf(member.assignment), member.member == ids[0] ? "p0" : "p1");
    EXPECT_EQ(textOf(member.subscription), "topics");
    EXPECT_EQ(member.clientHost, "/127.0.0.1");
    EXPECT_EQ(member.sessionTimeoutMs, 10'000);
    EXPECT_EQ(member.rebalanceTimeoutMs, 60'000);
  }
  EXPECT_FALSE(isSynced(leader) || isSynced(follower));
  EXPECT_EQ(group().state(), GroupState::kCompletingRebalance);
  endWrite();
  EXPECT_EQ(textOf(synced(leader).assignment), "p0");
  EXPECT_EQ(textOf(synced(follower).assignment), "p1");
  EXPECT_EQ(textOf(synced(follower).protocolType), "consumer");
  EXPECT_EQ(textOf(synced(follower).protocol), "range");
  EXPECT_EQ(group().state(), GroupState::kStable);
}

TEST_F(GroupSyncTest, WhoSyncsLateGetsTheAssignmentAtOnce) {
  auto ids = makeCompleting();
  sync(ids[0], 1, {{ids[1], "p1"}});
  endWrite();
  EXPECT_EQ(textOf(synced(sync(ids[1], 1)).assignment), "p1");
  EXPECT_EQ(textOf(synced(sync(ids[0], 1)).assignment), "");
}

TEST_F(GroupSyncTest, AFailedWriteIsToldAndRebalances) {
  auto ids = makeCompleting();
  auto follower = sync(ids[1], 1);
  auto leader = sync(ids[0], 1, {{ids[0], "p0"}});
  endWrite(makeError(ErrorCode::kStorageError, "the disk is gone"));
  EXPECT_EQ(codeOf(synced(leader).error), ErrorCode::kNotCoordinator);
  EXPECT_EQ(codeOf(synced(follower).error), ErrorCode::kNotCoordinator);
  EXPECT_EQ(synced(leader).assignment.size(), 0u);
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
  join({.member = ids[0]});
  EXPECT_EQ(joined(join({.member = ids[1]})).generation, 2);
}

TEST_F(GroupSyncTest, AWriteThatARebalanceOvertookChangesNothing) {
  auto ids = makeCompleting();
  auto leader = sync(ids[0], 1, {{ids[0], "p0"}});
  join({});
  EXPECT_EQ(codeOf(synced(leader).error), ErrorCode::kRebalanceInProgress);
  endWrite();
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
}

TEST_F(GroupSyncTest, ALeaderThatSyncsAgainWaitsForTheFirstWrite) {
  auto ids = makeCompleting();
  auto first = sync(ids[0], 1, {{ids[0], "p0"}});
  auto second = sync(ids[0], 1, {{ids[0], "other"}});
  EXPECT_EQ(codeOf(synced(first).error), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(writes.size(), 1u);
  endWrite();
  EXPECT_EQ(textOf(synced(second).assignment), "p0");
}

TEST_F(GroupSyncTest, WhoSyncsHasToBeAMemberOfTheGeneration) {
  EXPECT_EQ(codeOf(synced(sync("nobody", 0)).error), ErrorCode::kUnknownMemberId);
  auto ids = makeCompleting();
  EXPECT_EQ(codeOf(synced(sync("nobody", 1)).error), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(codeOf(synced(sync(ids[0], 0)).error), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(codeOf(synced(sync(ids[0], 2)).error), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(codeOf(synced(sync(ids[0], 1, {}, "instance")).error), ErrorCode::kUnknownMemberId);
  join({});
  EXPECT_EQ(codeOf(synced(sync(ids[0], 1)).error), ErrorCode::kRebalanceInProgress);
}

TEST_F(GroupSyncTest, ProtocolNamesAreCheckedWhereTheyAreGiven) {
  auto ids = makeCompleting();
  using Text = kj::Maybe<std::string>;
  auto syncAs = [&](Text type, Text protocol) { return sync(ids[1], 1, {}, "", kj::mv(type), kj::mv(protocol)); };
  EXPECT_EQ(codeOf(synced(syncAs(std::string("connect"), nullptr)).error), ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(codeOf(synced(syncAs(nullptr, std::string("sticky"))).error), ErrorCode::kInconsistentGroupProtocol);
  EXPECT_FALSE(isSynced(syncAs(std::string("consumer"), std::string("range"))));
}

TEST_F(GroupSyncTest, AssignmentsAreLimited) {
  config.assignmentBytesMax = 100;
  auto ids = makeCompleting();
  auto ticket = sync(ids[0], 1, {{ids[0], std::string(101, 'x')}});
  EXPECT_EQ(codeOf(synced(ticket).error), ErrorCode::kInvalidRequest);
  EXPECT_EQ(group().state(), GroupState::kCompletingRebalance);
}

TEST_F(GroupSyncTest, WhoDoesNotSyncWithinTheRebalanceTimeoutIsExpelled) {
  auto ids = makeCompleting({.sessionMs = 100'000, .rebalanceMs = 20'000});
  auto leader = sync(ids[0], 1, {{ids[0], "p0"}});
  endWrite();
  advance(19'999);
  EXPECT_EQ(group().state(), GroupState::kStable);
  advance(1);
  EXPECT_TRUE(synced(leader).error == nullptr);
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
  EXPECT_FALSE(hasMember(ids[1]));
  EXPECT_EQ(joined(join({.member = ids[0]})).members.size(), 1u);
}

TEST_F(GroupSyncTest, AFollowerIsNotLeftWaitingForALeaderThatDoesNotSync) {
  auto ids = makeCompleting({.sessionMs = 100'000, .rebalanceMs = 20'000});
  auto follower = sync(ids[1], 1);
  advance(20'000);
  EXPECT_EQ(codeOf(synced(follower).error), ErrorCode::kRebalanceInProgress);
  EXPECT_FALSE(hasMember(ids[0]));
  EXPECT_EQ(joined(join({.member = ids[1]})).leader, ids[1]);
}

TEST_F(GroupSyncTest, TheWaitForASyncKeepsAMemberAndItsSessionBeginsAnewThen) {
  auto ids = makeCompleting({.sessionMs = 6'000, .rebalanceMs = 20'000});
  auto follower = sync(ids[1], 1);
  advance(5'000);
  ASSERT_TRUE(heartbeat(ids[0], 1).ok());
  advance(5'000);
  EXPECT_FALSE(isSynced(follower));
  sync(ids[0], 1, {{ids[1], "p1"}});
  endWrite();
  EXPECT_EQ(textOf(synced(follower).assignment), "p1");
  advance(5'999);
  EXPECT_TRUE(hasMember(ids[1]));
  advance(1);
  EXPECT_FALSE(hasMember(ids[1]));
}

TEST_F(GroupSyncTest, ASyncWhoseConnectionHasGoneIsNotAnswered) {
  auto ids = makeCompleting();
  auto follower = sync(ids[1], 1);
  cancel(follower);
  sync(ids[0], 1, {{ids[1], "p1"}});
  endWrite();
  EXPECT_FALSE(isSynced(follower));
  EXPECT_EQ(textOf(synced(sync(ids[1], 1)).assignment), "p1");
}

}  // namespace
}  // namespace cambium
