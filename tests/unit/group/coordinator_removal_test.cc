#include "tests/unit/group/coordinator_fixture.h"

// Offsets and groups that go: deleted, forgotten with their topic, expired.

namespace cambium {
namespace {

constexpr int64_t kCheckMs = 600'000;
constexpr int64_t kWeekMs = 7LL * 24 * 3600 * 1000;

class RemovalTest : public CoordinatorTest {
 protected:
  std::string deleteOffsets(const std::string& group, const std::vector<OffsetKey>& keys) {
    DeleteOffsetsRequest request{.group = group, .which = {}};
    for (auto& key : keys)
      request.which.add(DeleteOffsetsRequest::Which{key.topic, key.partition});
    auto answer = coordinator->deleteOffsets(kj::mv(request)).wait(scope);
    KJ_IF_MAYBE(error, answer.error) return errorName(error->code).cStr();
    return errorsOf(kj::mv(answer.perOffset));
  }
  // In steps, so that every check happens.
  void pass(int64_t ms) {
    for (; ms > 0; ms -= kCheckMs)
      advance(kj::min(ms, kCheckMs));
  }
  void leave(const std::string& group, const Joined& joined) {
    LeaveGroupRequest request{.group = group, .members = {}};
    request.members.add(LeaveGroupRequest::Leaver{joined.member, nullptr});
    EXPECT_TRUE(coordinator->leave(request).error == nullptr);
    settle();
  }
};

TEST_F(RemovalTest, DeletedOffsetsStayDeleted) {
  EXPECT_EQ(deleteOffsets("g", {{"", "words", 0}}), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(commit("g", {{"words", 0, 1}, {"words", 1, 2}}), "ok ok ");
  EXPECT_EQ(deleteOffsets("g", {{"", "words", 0}, {"", "other", 0}}), "ok ok ");
  EXPECT_EQ(end(), 3) << "what is not there needs no record";
  crash();
  EXPECT_EQ(fetch("g"), "words-1=2() ");
  restart();
  EXPECT_EQ(fetch("g"), "words-1=2() ");
}

TEST_F(RemovalTest, OffsetsOfSubscribedTopicsStay) {
  auto joined = joinAlone("g");
  auto request = commitRequest("g", {{"words", 0, 1}, {"other", 0, 2}});
  request.who = identity("g", joined);
  EXPECT_EQ(errorsOf(coordinator->commitOffsets(kj::mv(request)).wait(scope)), "ok ok ");
  EXPECT_EQ(deleteOffsets("g", {{"", "words", 0}, {"", "other", 0}}), "GROUP_SUBSCRIBED_TO_TOPIC ok ");
  EXPECT_EQ(fetch("g"), "words-0=1() ");
  leave("g", joined);
  EXPECT_EQ(deleteOffsets("g", {{"", "words", 0}}), "ok ");
  EXPECT_EQ(fetch("g"), "");
}

TEST_F(RemovalTest, OnlyEmptyGroupsAreDeleted) {
  auto joined = joinAlone("g");
  auto request = commitRequest("g", {{"words", 0, 1}});
  request.who = identity("g", joined);
  EXPECT_EQ(errorsOf(coordinator->commitOffsets(kj::mv(request)).wait(scope)), "ok ");
  EXPECT_EQ(errorOf(coordinator->deleteGroup("g").wait(scope)), "NON_EMPTY_GROUP");
  leave("g", joined);
  EXPECT_EQ(errorOf(coordinator->deleteGroup("g").wait(scope)), "");
  EXPECT_EQ(groups(), "");
  EXPECT_EQ(errorOf(coordinator->deleteGroup("g").wait(scope)), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(commit("offsets only", {{"words", 0, 1}}), "ok ");
  EXPECT_EQ(errorOf(coordinator->deleteGroup("offsets only").wait(scope)), "");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(groups(), "");
    EXPECT_EQ(coordinator->report().offsets, 0u);
    crash();
  }
}

TEST_F(RemovalTest, ATopicIsForgottenWithWhatIsOnItsWay) {
  EXPECT_EQ(commit("g", {{"words", 0, 1}, {"letters", 0, 1}}), "ok ok ");
  pool.holding = true;
  auto before = coordinator->commitOffsets(commitRequest("h", {{"words", 2, 3}}));
  auto forgotten = coordinator->forgetTopic("words");
  auto after = coordinator->commitOffsets(commitRequest("g", {{"words", 5, 4}}));
  EXPECT_FALSE(forgotten.poll(scope));
  pool.holding = false;
  pool.runAll();
  EXPECT_EQ(errorsOf(before.wait(scope)), "ok ");
  EXPECT_EQ(errorOf(forgotten.wait(scope)), "");
  EXPECT_EQ(errorsOf(after.wait(scope)), "ok ");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(fetch("g"), "letters-0=1() words-5=4() ") << "what came after belongs to the next topic of that name";
    EXPECT_EQ(fetch("h"), "");
    crash();
  }
}

TEST_F(RemovalTest, OffsetsWithoutMembersExpireAfterTheirCommit) {
  EXPECT_EQ(commit("g", {{"words", 0, 1}}), "ok ");
  pass(kWeekMs / 2);
  EXPECT_EQ(commit("g", {{"words", 1, 1}}), "ok ");
  pass(kWeekMs / 2 - kCheckMs);
  EXPECT_EQ(fetch("g"), "words-0=1() words-1=1() ");
  pass(2 * kCheckMs);
  EXPECT_EQ(fetch("g"), "words-1=1() ");
  pass(kWeekMs / 2 + kCheckMs);
  EXPECT_EQ(fetch("g"), "");
  EXPECT_EQ(groups(), "");
  crash();
  EXPECT_EQ(groups(), "");
}

TEST_F(RemovalTest, OffsetsOfAGroupExpireAfterItBecameEmpty) {
  settings.offsetsRetentionMs = 5 * kCheckMs;
  settings.group.maxSessionTimeoutMs = 10 * kCheckMs;
  auto joining = joinRequest("g");
  joining.sessionTimeoutMs = 10 * kCheckMs;
  auto promise = coordinator->join(kj::mv(joining));
  advance(0);
  auto joined = promise.wait(scope);
  SyncGroupRequest sync{.who = {.group = "g", .member = joined.member, .generation = joined.generation},
                        .assignments = {}};
  EXPECT_TRUE(coordinator->sync(kj::mv(sync)).wait(scope).error == nullptr);
  auto request = commitRequest("g", {{"words", 0, 1}});
  request.who = identity("g", {joined.member, joined.generation});
  EXPECT_EQ(errorsOf(coordinator->commitOffsets(kj::mv(request)).wait(scope)), "ok ");
  pass(8 * kCheckMs);
  EXPECT_EQ(fetch("g"), "words-0=1() ") << "a group with members keeps its offsets";
  leave("g", {joined.member, joined.generation});
  pass(4 * kCheckMs);
  EXPECT_EQ(fetch("g"), "words-0=1() ");
  crash();
  EXPECT_EQ(groups(), "g:Empty ");
  pass(2 * kCheckMs);
  EXPECT_EQ(fetch("g"), "");
  EXPECT_EQ(groups(), "") << "and goes with them";
  crash();
  EXPECT_EQ(groups(), "");
}

TEST_F(RemovalTest, AnEmptyGroupWithoutOffsetsVanishes) {
  auto joined = joinAlone("g");
  leave("g", joined);
  EXPECT_EQ(groups(), "g:Empty ");
  pass(kCheckMs);
  EXPECT_EQ(groups(), "");
  restart();
  EXPECT_EQ(groups(), "");
}

}  // namespace
}  // namespace cambium
