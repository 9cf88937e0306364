#include "tests/unit/group/group_fixture.h"

namespace cambium {
namespace {

using GroupMetadataTest = GroupTest;

TEST_F(GroupMetadataTest, ANewGroupIsEmpty) {
  EXPECT_EQ(group().state(), GroupState::kEmpty);
  EXPECT_EQ(group().generation(), 0);
  EXPECT_EQ(group().protocolType(), "");
  EXPECT_TRUE(group().stateSince() == now.wall);
  EXPECT_TRUE(group().nextDeadline() == nullptr);
  EXPECT_TRUE(group().checkDelete().ok());
}

TEST_F(GroupMetadataTest, ARestartBringsTheMembersBackWithNewSessions) {
  auto ids = makeStable({{.instance = "i"}, {}});
  auto since = group().stateSince();
  advance(9'000);
  restart();
  EXPECT_EQ(group().state(), GroupState::kStable);
  EXPECT_EQ(group().generation(), 1);
  EXPECT_TRUE(group().stateSince() == since);
  auto metadata = group().toMetadata();
  EXPECT_EQ(textOf(metadata.leader), ids[0]);
  EXPECT_EQ(textOf(metadata.protocol), "range");
  EXPECT_EQ(metadata.protocolType, "consumer");
  ASSERT_EQ(metadata.members.size(), 2u);
  for (auto& member : metadata.members)
    EXPECT_EQ(textOf(member.assignment), "for " + member.member);
  advance(9'999);
  EXPECT_EQ(textOf(synced(sync(ids[1], 1)).assignment), "for " + ids[1]);
  EXPECT_TRUE(heartbeat(ids[0], 1).ok());
  advance(1);
  EXPECT_TRUE(hasMember(ids[0]));
  EXPECT_FALSE(hasMember(ids[1]));
}

TEST_F(GroupMetadataTest, AMemberThatWasReadJoinsAgainUnchanged) {
  auto ids = makeStable({{}, {}});
  restart();
  EXPECT_EQ(joined(join({.member = ids[1]})).generation, 1);
  EXPECT_EQ(group().state(), GroupState::kStable);
}

TEST_F(GroupMetadataTest, AnEmptyGroupComesBackEmptyAndItsGenerationsGoOn) {
  auto ids = makeStable({{}});
  leave({{ids[0], ""}});
  restart();
  EXPECT_EQ(group().state(), GroupState::kEmpty);
  EXPECT_EQ(group().protocolType(), "consumer");
  auto ticket = join({.type = "connect"});
  advance(3'000);
  EXPECT_EQ(joined(ticket).generation, 3);
  EXPECT_EQ(textOf(joined(ticket).protocolType), "connect");
}

TEST_F(GroupMetadataTest, AMemberThatWasWrittenTwiceIsReadOnce) {
  makeStable({{.instance = "i"}});
  auto metadata = group().toMetadata();
  auto twice = group().toMetadata();
  twice.members[0].member = "another id of the same instance";
  metadata.members.add(kj::mv(twice.members[0]));
  Group read("g", config, entropy, kj::mv(metadata), now);
  EXPECT_EQ(read.describe().members.size(), 1u);
}

TEST_F(GroupMetadataTest, CommitsAreForMembersOfTheGeneration) {
  EXPECT_TRUE(commit("", -1).ok());
  EXPECT_EQ(codeOf(commit("nobody", 0)), ErrorCode::kUnknownMemberId);
  auto ids = makeStable({{}, {}});
  EXPECT_TRUE(commit(ids[0], 1).ok());
  EXPECT_EQ(codeOf(commit(ids[0], 0)), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(codeOf(commit(ids[0], -1)), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(codeOf(commit("nobody", 1)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(codeOf(commit("", -1)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(codeOf(commit("", -1, "i")), ErrorCode::kUnknownMemberId);
  join({.member = ids[0]});
  EXPECT_TRUE(commit(ids[1], 1).ok());  // before it joins again
  join({.member = ids[1]});
  ASSERT_EQ(group().state(), GroupState::kCompletingRebalance);
  EXPECT_EQ(codeOf(commit(ids[0], 2)), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(codeOf(commit(ids[0], 1)), ErrorCode::kIllegalGeneration);
  leave({{ids[0], ""}, {ids[1], ""}});
  EXPECT_TRUE(commit("", -1).ok());
}

TEST_F(GroupMetadataTest, ACommitCountsAsHeartbeat) {
  auto ids = makeStable({{}});
  advance(9'999);
  ASSERT_TRUE(commit(ids[0], 1).ok());
  advance(9'999);
  EXPECT_TRUE(hasMember(ids[0]));
  advance(1);
  EXPECT_FALSE(hasMember(ids[0]));
}

TEST_F(GroupMetadataTest, ADescriptionShowsAssignmentsOnlyWhenStable) {
  auto ids = makeStable({{.instance = "i"}});
  auto stable = group().describe();
  EXPECT_EQ(stable.group, "g");
  EXPECT_EQ(stable.state, GroupState::kStable);
  EXPECT_EQ(stable.protocolType, "consumer");
  EXPECT_EQ(stable.protocol, "range");
  ASSERT_EQ(stable.members.size(), 1u);
  EXPECT_EQ(stable.members[0].member, ids[0]);
  EXPECT_EQ(textOf(stable.members[0].instance), "i");
  EXPECT_EQ(stable.members[0].clientId, "client");
  EXPECT_EQ(stable.members[0].clientHost, "/127.0.0.1");
  EXPECT_EQ(textOf(stable.members[0].metadata), "topics");
  EXPECT_EQ(textOf(stable.members[0].assignment), "for " + ids[0]);
  join({});
  auto preparing = group().describe();
  EXPECT_EQ(preparing.state, GroupState::kPreparingRebalance);
  EXPECT_EQ(preparing.protocol, "");
  ASSERT_EQ(preparing.members.size(), 2u);
  EXPECT_EQ(preparing.members[0].metadata.size() + preparing.members[0].assignment.size(), 0u);
}

TEST_F(GroupMetadataTest, OnlyAnEmptyGroupMayBeDeleted) {
  auto ids = makeStable({{}});
  EXPECT_EQ(codeOf(group().checkDelete()), ErrorCode::kNonEmptyGroup);
  leave({{ids[0], ""}});
  EXPECT_TRUE(group().checkDelete().ok());
}

TEST_F(GroupMetadataTest, TheEndAnswersEverybodyAndRefusesTheRest) {
  auto ids = makeStable({{}, {}});
  auto waiting = join({.member = ids[0]});
  GroupActions actions;
  group().close(makeError(ErrorCode::kNotCoordinator, "moved"), actions);
  take(actions);
  EXPECT_EQ(codeOf(joined(waiting).error), ErrorCode::kNotCoordinator);
  EXPECT_EQ(group().state(), GroupState::kDead);
  EXPECT_TRUE(group().nextDeadline() == nullptr);
  EXPECT_EQ(codeOf(joined(join({})).error), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(codeOf(synced(sync(ids[0], 1)).error), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(codeOf(heartbeat(ids[0], 1)), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(codeOf(commit(ids[0], 1)), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(codeOf(group().checkDelete()), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(group().describe().members.size(), 0u);
  tick();
}

TEST_F(GroupMetadataTest, TheEndAnswersSyncsWhoseWriteIsUnderWay) {
  auto ticket = join({});
  advance(3'000);
  auto waiting = sync(joined(ticket).member, 1);
  GroupActions actions;
  group().close(makeError(ErrorCode::kNotCoordinator, "moved"), actions);
  take(actions);
  EXPECT_EQ(codeOf(synced(waiting).error), ErrorCode::kNotCoordinator);
  endWrite();
  EXPECT_EQ(group().state(), GroupState::kDead);
}

}  // namespace
}  // namespace cambium
