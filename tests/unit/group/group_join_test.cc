#include "tests/unit/group/group_fixture.h"

namespace cambium {
namespace {

using GroupJoinTest = GroupTest;

TEST_F(GroupJoinTest, TheFirstMemberWaitsForTheInitialDelayAndLeads) {
  auto ticket = join({});
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
  advance(2'999);
  EXPECT_FALSE(isJoined(ticket));
  advance(1);
  ASSERT_TRUE(isJoined(ticket));
  auto& answer = joined(ticket);
  EXPECT_TRUE(answer.error == nullptr);
  EXPECT_EQ(answer.generation, 1);
  EXPECT_EQ(answer.member, answer.leader);
  EXPECT_EQ(answer.member, "client-00000001-0000-4000-8000-000000000000");
  EXPECT_EQ(textOf(answer.protocolType), "consumer");
  EXPECT_EQ(textOf(answer.protocol), "range");
  EXPECT_FALSE(answer.skipAssignment);
  ASSERT_EQ(answer.members.size(), 1u);
  EXPECT_EQ(answer.members[0].member, answer.member);
  EXPECT_EQ(textOf(answer.members[0].metadata), "topics");
  EXPECT_EQ(group().state(), GroupState::kCompletingRebalance);
}

TEST_F(GroupJoinTest, TheInitialDelayIsProlongedByNewMembersUpToTheRebalanceTimeout) {
  auto first = join({.rebalanceMs = 7'000});
  advance(2'000);
  auto second = join({.rebalanceMs = 7'000});
  advance(2'000);  // 4,000: prolonged once, to 6,000
  EXPECT_FALSE(isJoined(first));
  auto third = join({.rebalanceMs = 7'000});
  advance(2'500);  // 6,500: prolonged by the rest, to 7,000
  EXPECT_FALSE(isJoined(first));
  join({.rebalanceMs = 7'000});
  advance(500);
  EXPECT_TRUE(isJoined(first) && isJoined(second) && isJoined(third));
}

TEST_F(GroupJoinTest, WithoutDelayTheFirstGenerationBeginsWithTheNextTick) {
  config.initialRebalanceDelayMs = 0;
  auto ticket = join({});
  EXPECT_TRUE(KJ_ASSERT_NONNULL(group().nextDeadline()) == now.steady);
  tick();
  EXPECT_TRUE(isJoined(ticket));
}

TEST_F(GroupJoinTest, AMemberIdCanBeRequired) {
  auto asked = join({.idRequired = true});
  EXPECT_EQ(codeOf(joined(asked).error), ErrorCode::kMemberIdRequired);
  std::string id = joined(asked).member;
  EXPECT_FALSE(id.empty());
  EXPECT_EQ(group().state(), GroupState::kEmpty);
  auto again = join({.member = id, .idRequired = true});
  advance(3'000);
  EXPECT_TRUE(joined(again).error == nullptr);
  EXPECT_EQ(joined(again).member, id);
}

TEST_F(GroupJoinTest, AnIdThatIsNotUsedLapsesAndThenLetsTheOthersGoOn) {
  auto ids = makeStable({{}});
  auto given = join({.sessionMs = 6'000, .idRequired = true});
  auto rejoin = join({.member = ids[0]});
  advance(5'999);
  EXPECT_FALSE(isJoined(rejoin));
  advance(1);
  EXPECT_TRUE(isJoined(rejoin));
  EXPECT_EQ(codeOf(joined(join({.member = joined(given).member})).error), ErrorCode::kUnknownMemberId);
}

TEST_F(GroupJoinTest, SessionTimeoutsHaveBounds) {
  EXPECT_EQ(codeOf(joined(join({.sessionMs = 5'999})).error), ErrorCode::kInvalidSessionTimeout);
  EXPECT_EQ(codeOf(joined(join({.sessionMs = 1'800'001})).error), ErrorCode::kInvalidSessionTimeout);
  EXPECT_FALSE(isJoined(join({.sessionMs = 6'000})));
  EXPECT_FALSE(isJoined(join({.sessionMs = 1'800'000})));
}

TEST_F(GroupJoinTest, AnEmptyGroupIdIsRefusedEverywhere) {
  GroupActions actions;
  JoinGroupRequest request{.who = {.group = "", .member = ""},
                           .clientId = "c",
                           .clientHost = "h",
                           .protocolType = "consumer",
                           .protocols = {},
                           .sessionTimeoutMs = 10'000,
                           .rebalanceTimeoutMs = 10'000,
                           .memberIdRequired = false};
  group().join(kj::mv(request), 1, now, actions);
  group().sync(SyncGroupRequest{.who = {.group = "", .member = "m"}, .assignments = {}}, 2, now, actions);
  take(actions);
  EXPECT_EQ(codeOf(joined(1).error), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(codeOf(synced(2).error), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(codeOf(group().heartbeat({.group = "", .member = "m"}, now)), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(codeOf(group().leave({.group = "", .members = {}}, now, actions).error), ErrorCode::kInvalidGroupId);
}

TEST_F(GroupJoinTest, UnknownMembersAreRefused) {
  EXPECT_EQ(codeOf(joined(join({.member = "nobody"})).error), ErrorCode::kUnknownMemberId);
  makeStable({{}});
  auto ticket = join({.member = "nobody"});
  EXPECT_EQ(codeOf(joined(ticket).error), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(joined(ticket).member, "nobody");
  EXPECT_EQ(group().state(), GroupState::kStable);
}

TEST_F(GroupJoinTest, ProtocolsHaveToFit) {
  EXPECT_EQ(codeOf(joined(join({.protocols = {}})).error), ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(codeOf(joined(join({.type = ""})).error), ErrorCode::kInconsistentGroupProtocol);
  auto ids = makeStable({{.protocols = {{"range", "a"}, {"sticky", "b"}}}});
  EXPECT_EQ(codeOf(joined(join({.type = "connect"})).error), ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(codeOf(joined(join({.protocols = {{"other", "x"}}})).error), ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(codeOf(joined(join({.member = ids[0], .protocols = {{"other", "x"}}})).error),
            ErrorCode::kInconsistentGroupProtocol);
  EXPECT_FALSE(isJoined(join({.protocols = {{"other", "x"}, {"sticky", "b"}}})));
}

TEST_F(GroupJoinTest, TheProtocolThatEverybodyHasAndMostPreferIsChosen) {
  auto ticket = join({.protocols = {{"only", "x"}, {"range", "x"}, {"sticky", "x"}}});
  join({.protocols = {{"sticky", "x"}, {"range", "x"}}});
  join({.protocols = {{"sticky", "x"}, {"range", "x"}, {"only", "x"}}});
  advance(6'000);
  EXPECT_EQ(textOf(joined(ticket).protocol), "sticky");
}

TEST_F(GroupJoinTest, ANameOfferedTwiceCountsOnce) {
  auto first = join({.protocols = {{"range", "a"}, {"range", "b"}}});
  auto second = join({.protocols = {{"range", "c"}}});
  advance(6'000);
  EXPECT_TRUE(joined(second).error == nullptr);
  EXPECT_EQ(textOf(joined(first).protocol), "range");
}

TEST_F(GroupJoinTest, OnlyTheLeaderLearnsTheMembers) {
  auto first = join({});
  auto second = join({.instance = "i"});
  advance(6'000);
  auto& leader = joined(first).leader == joined(first).member ? joined(first) : joined(second);
  auto& follower = joined(first).leader == joined(first).member ? joined(second) : joined(first);
  EXPECT_EQ(leader.members.size(), 2u);
  EXPECT_EQ(follower.members.size(), 0u);
  EXPECT_EQ(leader.leader, follower.leader);
  std::string instances;
  for (auto& member : leader.members)
    instances += textOf(member.instance);
  EXPECT_TRUE(instances == "(null)i" || instances == "i(null)") << instances;
}

TEST_F(GroupJoinTest, AnUnchangedFollowerGetsTheGenerationItIsIn) {
  auto ids = makeStable({{}, {}});
  auto ticket = join({.member = ids[1]});
  EXPECT_EQ(joined(ticket).generation, 1);
  EXPECT_EQ(joined(ticket).leader, ids[0]);
  EXPECT_EQ(joined(ticket).members.size(), 0u);
  EXPECT_EQ(group().state(), GroupState::kStable);
}

TEST_F(GroupJoinTest, AChangedFollowerRebalances) {
  auto ids = makeStable({{}, {}});
  auto ticket = join({.member = ids[1], .protocols = {{"range", "other topics"}}});
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
  EXPECT_FALSE(isJoined(ticket));
  auto leader = join({.member = ids[0]});
  EXPECT_EQ(joined(ticket).generation, 2);
  EXPECT_EQ(joined(leader).members.size(), 2u);
}

TEST_F(GroupJoinTest, TheLeaderRebalancesByJoiningAgain) {
  auto ids = makeStable({{}, {}});
  join({.member = ids[0]});
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
}

TEST_F(GroupJoinTest, WhoMissedTheAnswerGetsItAgainWhileTheSyncsAreDue) {
  auto first = join({});
  advance(3'000);
  auto id = joined(first).member;
  auto again = join({.member = id});
  EXPECT_EQ(joined(again).generation, 1);
  EXPECT_EQ(joined(again).members.size(), 1u);
  EXPECT_EQ(group().state(), GroupState::kCompletingRebalance);
  auto changed = join({.member = id, .protocols = {{"range", "more"}}});
  EXPECT_EQ(joined(changed).generation, 2);
}

TEST_F(GroupJoinTest, AJoinThatIsRepeatedWhileItWaitsEndsTheEarlierOne) {
  auto ids = makeStable({{}, {}});
  auto first = join({.member = ids[0]});
  auto second = join({.member = ids[0]});
  EXPECT_EQ(codeOf(joined(first).error), ErrorCode::kRebalanceInProgress);
  EXPECT_FALSE(isJoined(second));
}

TEST_F(GroupJoinTest, WhoHasNotComeBackByTheRebalanceTimeoutIsRemoved) {
  auto ids = makeStable({{.sessionMs = 100'000, .rebalanceMs = 20'000}, {.sessionMs = 100'000, .rebalanceMs = 30'000}});
  auto ticket = join({.member = ids[0], .sessionMs = 100'000, .rebalanceMs = 20'000});
  bool longIsHere = false;
  for (auto& member : group().toMetadata().members)
    longIsHere = longIsHere || member.rebalanceTimeoutMs == 30'000;
  ASSERT_TRUE(longIsHere);
  advance(29'999);
  EXPECT_FALSE(isJoined(ticket));
  advance(1);
  EXPECT_TRUE(isJoined(ticket));
  EXPECT_FALSE(hasMember(ids[1]));
}

TEST_F(GroupJoinTest, AFullGroupTakesNobodyElse) {
  config.maxSize = 2;
  auto first = join({});
  auto second = join({});
  auto third = join({});
  EXPECT_EQ(codeOf(joined(third).error), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(joined(third).member, "");
  advance(6'000);
  EXPECT_TRUE(joined(first).error == nullptr && joined(second).error == nullptr);
  EXPECT_EQ(codeOf(joined(join({})).error), ErrorCode::kGroupMaxSizeReached);
}

TEST_F(GroupJoinTest, WhatAllMembersSayOfThemselvesIsBounded) {
  config.memberBytesMax = 5'000;
  std::string subscription(2'000, 'x');
  auto first = join({.protocols = {{"range", subscription}}});
  auto second = join({.protocols = {{"range", subscription}}});
  auto third = join({.protocols = {{"range", subscription}}});
  EXPECT_EQ(codeOf(joined(third).error), ErrorCode::kGroupMaxSizeReached);
  auto small = join({.protocols = {{"range", "x"}}});
  advance(6'000);
  ASSERT_TRUE(joined(first).error == nullptr && joined(second).error == nullptr);
  EXPECT_TRUE(joined(small).error == nullptr);
  auto id = joined(first).member;
  EXPECT_EQ(codeOf(joined(join({.member = id, .protocols = {{"range", subscription + subscription}}})).error),
            ErrorCode::kGroupMaxSizeReached);
  EXPECT_TRUE(hasMember(id));
  EXPECT_FALSE(isJoined(join({.member = id, .protocols = {{"range", "less"}}}))) << "it waits for the others";
  EXPECT_FALSE(isJoined(join({.protocols = {{"range", subscription}}}))) << "there is room again";
}

TEST_F(GroupJoinTest, ALoweredLimitKeepsWhoComesBackFirst) {
  auto ids = makeStable({{}, {}, {}});
  config.maxSize = 2;
  restart();
  EXPECT_EQ(group().state(), GroupState::kPreparingRebalance);
  auto first = join({.member = ids[2]});
  auto second = join({.member = ids[1]});
  EXPECT_EQ(codeOf(joined(join({.member = ids[0]})).error), ErrorCode::kGroupMaxSizeReached);
  EXPECT_TRUE(joined(first).error == nullptr && joined(second).error == nullptr);
  EXPECT_FALSE(hasMember(ids[0]));
}

TEST_F(GroupJoinTest, WhatAJoinMayHoldIsLimited) {
  config.pendingMembersMax = 1;
  config.protocolsPerJoinMax = 2;
  config.protocolBytesMax = 20;
  config.idBytesMax = 10;
  EXPECT_EQ(codeOf(joined(join({.idRequired = true})).error), ErrorCode::kMemberIdRequired);
  EXPECT_EQ(codeOf(joined(join({.idRequired = true})).error), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(codeOf(joined(join({.protocols = {{"a", ""}, {"b", ""}, {"c", ""}}})).error), ErrorCode::kInvalidRequest);
  EXPECT_EQ(codeOf(joined(join({.protocols = {{"range", "1234567890123456"}}})).error), ErrorCode::kInvalidRequest);
  EXPECT_EQ(codeOf(joined(join({.instance = "12345678901"})).error), ErrorCode::kInvalidRequest);
  EXPECT_EQ(codeOf(joined(join({.clientId = "12345678901"})).error), ErrorCode::kInvalidRequest);
  EXPECT_FALSE(isJoined(join({.protocols = {{"range", "123456789012345"}}, .clientId = "1234567890"})));
}

TEST_F(GroupJoinTest, TenMembersComeOverARebalanceTogether) {
  auto ids = makeStable(std::vector<Joiner>(10));
  auto newcomer = join({});
  for (auto& id : ids)
    EXPECT_EQ(codeOf(heartbeat(id, 1)), ErrorCode::kRebalanceInProgress);
  std::vector<Ticket> tickets;
  for (auto& id : ids) {
    EXPECT_FALSE(isJoined(newcomer));
    tickets.push_back(join({.member = id}));
  }
  ASSERT_TRUE(isJoined(newcomer));
  for (auto ticket : tickets) {
    EXPECT_EQ(joined(ticket).generation, 2);
    EXPECT_EQ(joined(ticket).leader, ids[0]);
    EXPECT_EQ(joined(ticket).members.size(), joined(ticket).member == ids[0] ? 11u : 0u);
  }
  ids.push_back(joined(newcomer).member);
  syncAll(ids);
  for (auto& [ticket, answer] : syncs)
    EXPECT_TRUE(answer.error == nullptr);
  EXPECT_EQ(group().describe().members.size(), 11u);
}

}  // namespace
}  // namespace cambium
