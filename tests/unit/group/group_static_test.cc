#include "tests/unit/group/group_fixture.h"

namespace cambium {
namespace {

class GroupStaticTest : public GroupTest {
 protected:
  ~GroupStaticTest() noexcept override = default;

  // The ids of instances a (the leader) and b, stable.
  void SetUp() override {
    auto first = join({.instance = "a"});
    auto second = join({.instance = "b"});
    advance(6'000);
    a = joined(first).member;
    b = joined(second).member;
    ASSERT_EQ(joined(first).leader, a);
    syncAll({a, b});
  }

  std::string a;
  std::string b;
};

TEST_F(GroupStaticTest, NeedsNoIdFirstAndIsNamedAfterItsInstance) {
  EXPECT_EQ(a, "a-00000001-0000-4000-8000-000000000000");
  auto third = join({.instance = "c", .idRequired = true});
  EXPECT_FALSE(isJoined(third));
}

TEST_F(GroupStaticTest, ComesBackToItsAssignmentWithoutRebalance) {
  auto ticket = join({.instance = "b", .clientId = "new process"});
  EXPECT_FALSE(isJoined(ticket));
  ASSERT_EQ(writes.size(), 1u);
  endWrite();
  auto& answer = joined(ticket);
  EXPECT_TRUE(answer.error == nullptr);
  EXPECT_NE(answer.member, b);
  EXPECT_EQ(answer.generation, 1);
  EXPECT_EQ(answer.leader, a);
  EXPECT_FALSE(answer.skipAssignment);
  EXPECT_EQ(group().state(), GroupState::kStable);
  EXPECT_EQ(textOf(synced(sync(answer.member, 1, {}, "b")).assignment), "for " + b);
  // The former one is fenced.
  EXPECT_EQ(codeOf(heartbeat(b, 1, "b")), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(codeOf(heartbeat(b, 1)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(codeOf(synced(sync(b, 1, {}, "b")).error), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(codeOf(joined(join({.member = b, .instance = "b"})).error), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(codeOf(commit(b, 1, "b")), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(leave({{b, "b"}}), std::vector<std::string>{"FENCED_INSTANCE_ID"});
}

TEST_F(GroupStaticTest, WhatIsWrittenForTheReturnHasTheNewId) {
  auto ticket = join({.instance = "b"});
  auto metadata = kj::mv(writes[0].metadata);
  endWrite();
  ASSERT_EQ(metadata.members.size(), 2u);
  for (auto& member : metadata.members) {
    if (textOf(member.instance) == "a") continue;
    EXPECT_EQ(member.member, joined(ticket).member);
    EXPECT_EQ(textOf(member.assignment), "for " + b);
  }
}

TEST_F(GroupStaticTest, TheLeaderThatComesBackSkipsTheAssignment) {
  auto ticket = join({.instance = "a", .canSkip = true});
  endWrite();
  auto& answer = joined(ticket);
  EXPECT_EQ(answer.leader, answer.member);
  EXPECT_TRUE(answer.skipAssignment);
  EXPECT_EQ(answer.members.size(), 2u);
  EXPECT_EQ(group().state(), GroupState::kStable);
}

TEST_F(GroupStaticTest, ALeaderThatCannotSkipBelievesTheFormerOneLeads) {
  auto ticket = join({.instance = "a"});
  endWrite();
  auto& answer = joined(ticket);
  EXPECT_EQ(answer.leader, a);
  EXPECT_NE(answer.member, a);
  EXPECT_FALSE(answer.skipAssignment);
  EXPECT_EQ(answer.members.size(), 0u);
  EXPECT_EQ(textOf(group().toMetadata().leader), answer.member);
}

TEST_F(GroupStaticTest, AReturnThatCannotBeWrittenIsUndone) {
  auto ticket = join({.instance = "a", .protocols = {{"range", "other"}}, .sessionMs = 20'000, .canSkip = true});
  endWrite(makeError(ErrorCode::kRequestTimedOut, "too slow"));
  EXPECT_EQ(codeOf(joined(ticket).error), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_TRUE(heartbeat(a, 1, "a").ok());
  EXPECT_EQ(textOf(group().toMetadata().leader), a);
  for (auto& member : group().toMetadata().members) {
    EXPECT_EQ(textOf(member.subscription), "topics");
    EXPECT_EQ(member.sessionTimeoutMs, 10'000);
  }
}

TEST_F(GroupStaticTest, AReturnThatARebalanceOvertookJoinsTheNextGeneration) {
  auto ticket = join({.instance = "b"});
  leave({{"", "a"}});
  EXPECT_EQ(joined(ticket).generation, 2);
  EXPECT_EQ(joined(ticket).leader, joined(ticket).member);
  endWrite(makeError(ErrorCode::kRequestTimedOut, "too slow"));
  EXPECT_EQ(group().state(), GroupState::kCompletingRebalance);
  EXPECT_TRUE(heartbeat(joined(ticket).member, 2, "b").ok());
}

TEST_F(GroupStaticTest, AReturnThatChangesTheProtocolRebalances) {
  leave({{"", "b"}});
  join({.member = a, .instance = "a", .protocols = {{"range", "x"}, {"sticky", "x"}}});
  syncAll({a});
  auto ticket = join({.instance = "a", .protocols = {{"sticky", "x"}}});
  EXPECT_EQ(joined(ticket).generation, 3);
  EXPECT_EQ(textOf(joined(ticket).protocol), "sticky");
}

TEST_F(GroupStaticTest, AReturnWhileTheSyncsAreDueRebalances) {
  join({.member = a, .instance = "a"});
  join({.member = b, .instance = "b"});
  auto waitingA = sync(a, 2, {{a, "x"}, {b, "y"}}, "a");
  auto waitingB = sync(b, 2, {}, "b");
  auto back = join({.instance = "b"});
  EXPECT_EQ(codeOf(synced(waitingB).error), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(codeOf(synced(waitingA).error), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
  join({.member = a, .instance = "a"});
  EXPECT_EQ(joined(back).generation, 3);
}

TEST_F(GroupStaticTest, AReturnDuringARebalanceFencesTheJoinThatWaits) {
  auto former = join({.member = a, .instance = "a"});
  auto back = join({.instance = "a"});
  EXPECT_EQ(codeOf(joined(former).error), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(joined(former).member, a);
  join({.member = b, .instance = "b"});
  EXPECT_EQ(joined(back).generation, 2);
  EXPECT_EQ(joined(back).leader, joined(back).member);
}

TEST_F(GroupStaticTest, AnInstanceThatIsNotThereIsUnknown) {
  EXPECT_EQ(codeOf(joined(join({.member = a, .instance = "z"})).error), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(codeOf(heartbeat(a, 1, "z")), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(codeOf(heartbeat(a, 1, "b")), ErrorCode::kFencedInstanceId);
}

TEST_F(GroupStaticTest, MayBeRemovedByItsInstance) {
  EXPECT_EQ(leave({{"", "b"}, {"", "b"}, {"wrong", "a"}}),
            (std::vector<std::string>{"none", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID"}));
  EXPECT_FALSE(hasMember(b));
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
}

TEST_F(GroupStaticTest, IsKeptOverARebalanceThatItMissesUntilItDoesNotSync) {
  for (auto& [id, instance] : {std::pair(a, "a"), std::pair(b, "b")}) {
    join({.member = id, .instance = instance, .sessionMs = 200'000, .rebalanceMs = 20'000});
  }
  syncAll({a, b});
  auto ticket = join({.member = a, .instance = "a", .sessionMs = 200'000, .rebalanceMs = 20'000});
  advance(20'000);
  EXPECT_EQ(joined(ticket).generation, 3);
  EXPECT_EQ(joined(ticket).members.size(), 2u);
  EXPECT_TRUE(hasMember(b));
  sync(a, 3, {{a, "x"}}, "a");
  endWrite();
  advance(20'000);
  EXPECT_FALSE(hasMember(b));
}

TEST_F(GroupStaticTest, WhenNobodyComesBackTheGenerationIsPutOff) {
  for (auto& [id, instance] : {std::pair(a, "a"), std::pair(b, "b")}) {
    join({.member = id, .instance = instance, .sessionMs = 100'000, .rebalanceMs = 0});
  }
  syncAll({a, b});
  auto third = join({.instance = "c", .sessionMs = 100'000, .rebalanceMs = 0});
  leave({{"", "c"}});
  EXPECT_EQ(codeOf(joined(third).error), ErrorCode::kUnknownMemberId);
  advance(50'000);
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
  advance(50'000);
  EXPECT_EQ(group().state(), GroupState::kEmpty);
}

}  // namespace
}  // namespace cambium
