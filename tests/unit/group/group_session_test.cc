#include "tests/unit/group/group_fixture.h"

namespace cambium {
namespace {

using GroupSessionTest = GroupTest;

TEST_F(GroupSessionTest, ASilentMemberIsRemovedWhenItsSessionEnds) {
  auto ids = makeStable({{}, {}});
  advance(9'999);
  ASSERT_TRUE(heartbeat(ids[0], 1).ok());
  advance(1);
  EXPECT_FALSE(hasMember(ids[1]));
  EXPECT_TRUE(hasMember(ids[0]));
  EXPECT_EQ(codeOf(heartbeat(ids[1], 1)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(codeOf(heartbeat(ids[0], 1)), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(joined(join({.member = ids[0]})).generation, 2);
}

TEST_F(GroupSessionTest, TheDeadlineIsNeverLateAndMovesOnWithATick) {
  auto ids = makeStable({{}});
  auto started = now.steady;
  EXPECT_TRUE(KJ_ASSERT_NONNULL(group().nextDeadline()) <= started + 10'000);
  moveTo(started + 9'000);
  ASSERT_TRUE(heartbeat(ids[0], 1).ok());
  moveTo(started + 10'000);
  tick();
  EXPECT_TRUE(KJ_ASSERT_NONNULL(group().nextDeadline()) == started + 19'000);
  EXPECT_TRUE(hasMember(ids[0]));
}

TEST_F(GroupSessionTest, WhenEverybodyHasGoneTheEmptyGroupIsWritten) {
  makeStable({{}, {}});
  advance(10'000);
  EXPECT_EQ(group().state(), GroupState::kEmpty);
  EXPECT_EQ(group().generation(), 2);
  EXPECT_TRUE(group().stateSince() == now.wall);
  ASSERT_EQ(writes.size(), 1u);
  auto& written = writes[0].metadata;
  EXPECT_EQ(written.generation, 2);
  EXPECT_EQ(written.protocolType, "consumer");
  EXPECT_TRUE(written.protocol == nullptr && written.leader == nullptr);
  EXPECT_EQ(written.members.size(), 0u);
  EXPECT_TRUE(written.currentStateTimestamp == now.wall);
  endWrite(makeError(ErrorCode::kStorageError, "full"));
  EXPECT_EQ(group().state(), GroupState::kEmpty);
  EXPECT_TRUE(group().nextDeadline() == nullptr);
}

TEST_F(GroupSessionTest, HeartbeatsAreChecked) {
  auto ids = makeStable({{}});
  EXPECT_EQ(codeOf(heartbeat("nobody", 1)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(codeOf(heartbeat(ids[0], 0)), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(codeOf(heartbeat(ids[0], 2)), ErrorCode::kIllegalGeneration);
  EXPECT_TRUE(heartbeat(ids[0], 1).ok());
}

TEST_F(GroupSessionTest, AHeartbeatIsFineWhileTheSyncsAreDue) {
  auto ticket = join({});
  advance(3'000);
  EXPECT_TRUE(heartbeat(joined(ticket).member, 1).ok());
}

TEST_F(GroupSessionTest, AHeartbeatDuringARebalanceKeepsTheSession) {
  auto ids = makeStable({{}, {}});
  join({.member = ids[0]});
  advance(9'000);
  EXPECT_EQ(codeOf(heartbeat(ids[1], 1)), ErrorCode::kRebalanceInProgress);
  advance(9'999);
  EXPECT_TRUE(hasMember(ids[1]));
  advance(1);
  EXPECT_FALSE(hasMember(ids[1]));
}

TEST_F(GroupSessionTest, AMemberThatWaitsToJoinIsKept) {
  auto ids = makeStable({{}, {}});
  auto waiting = join({.member = ids[0]});
  for (int i = 0; i < 8; ++i) {  // the other one lives on and does not join
    advance(7'000);
    EXPECT_EQ(codeOf(heartbeat(ids[1], 1)), ErrorCode::kRebalanceInProgress);
  }
  EXPECT_TRUE(hasMember(ids[0]));
  EXPECT_FALSE(isJoined(waiting));
  advance(4'000);
  EXPECT_TRUE(joined(waiting).error == nullptr);
}

TEST_F(GroupSessionTest, ANewMemberDoesNotWaitForEver) {
  auto ids = makeStable({{.rebalanceMs = 1'000'000}});
  auto waiting = join({.rebalanceMs = 1'000'000});
  for (int i = 0; i < 60; ++i) {
    EXPECT_FALSE(isJoined(waiting));
    advance(5'000);
    EXPECT_FALSE(heartbeat(ids[0], 1).ok());
  }
  EXPECT_EQ(codeOf(joined(waiting).error), ErrorCode::kUnknownMemberId);
}

TEST_F(GroupSessionTest, WhoseConnectionHasGoneStaysUntilItsSessionEnds) {
  auto ids = makeStable({{}, {}});
  auto gone = join({.member = ids[1], .protocols = {{"range", "changed"}}});
  cancel(gone);
  advance(9'999);
  ASSERT_FALSE(heartbeat(ids[0], 1).ok());
  EXPECT_TRUE(hasMember(ids[1]));
  advance(1);
  EXPECT_FALSE(hasMember(ids[1]));
  EXPECT_FALSE(isJoined(gone));
}

TEST_F(GroupSessionTest, WhoseConnectionHasGoneDoesNotHoldUpTheOthersNorLeads) {
  auto ids = makeStable({{}, {}});
  auto gone = join({.member = ids[0]});
  cancel(gone);
  cancel(gone);
  auto other = join({.member = ids[1]});
  EXPECT_EQ(joined(other).generation, 2);
  EXPECT_EQ(joined(other).leader, ids[1]);
  EXPECT_EQ(joined(other).members.size(), 2u);
  EXPECT_FALSE(isJoined(gone));
}

TEST_F(GroupSessionTest, WhoLeavesIsGoneAtOnce) {
  auto ids = makeStable({{}, {}, {}});
  auto waiting = join({.member = ids[2], .protocols = {{"range", "changed"}}});
  EXPECT_EQ(leave({{ids[2], ""}, {"nobody", ""}, {"", ""}, {"", "no-instance"}, {ids[2], ""}}),
            (std::vector<std::string>{"none", "UNKNOWN_MEMBER_ID", "UNKNOWN_MEMBER_ID", "UNKNOWN_MEMBER_ID",
                                      "UNKNOWN_MEMBER_ID"}));
  EXPECT_EQ(codeOf(joined(waiting).error), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
  EXPECT_EQ(leave({{ids[0], ""}, {ids[1], ""}}), (std::vector<std::string>{"none", "none"}));
  EXPECT_EQ(group().state(), GroupState::kEmpty);
}

TEST_F(GroupSessionTest, TheLastOneMissingLeavesAndTheOthersGoOn) {
  auto ids = makeStable({{}, {}});
  auto waiting = join({.member = ids[1], .protocols = {{"range", "changed"}}});
  leave({{ids[0], ""}});
  EXPECT_EQ(joined(waiting).generation, 2);
  EXPECT_EQ(joined(waiting).leader, ids[1]);
}

TEST_F(GroupSessionTest, AnIdThatHasNotJoinedMayLeave) {
  auto given = join({.idRequired = true});
  EXPECT_EQ(leave({{joined(given).member, ""}}), std::vector<std::string>{"none"});
  EXPECT_EQ(codeOf(joined(join({.member = joined(given).member})).error), ErrorCode::kUnknownMemberId);
}

TEST_F(GroupSessionTest, AGivenIdJoinsAGroupThatHasJustLostItsLastMember) {
  auto ids = makeStable({{}});
  auto given = join({.idRequired = true});
  leave({{ids[0], ""}});
  auto ticket = join({.member = joined(given).member});
  advance(3'000);
  EXPECT_TRUE(joined(ticket).error == nullptr);
  EXPECT_EQ(joined(ticket).leader, joined(ticket).member);
}

TEST_F(GroupSessionTest, WhoLeavesWhileTheSyncsAreDueIsAnswered) {
  auto ids = makeStable({{}, {}});
  join({.member = ids[0]});
  join({.member = ids[1]});
  auto waiting = sync(ids[1], 2);
  leave({{ids[1], ""}});
  EXPECT_EQ(codeOf(synced(waiting).error), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
}

}  // namespace
}  // namespace cambium
