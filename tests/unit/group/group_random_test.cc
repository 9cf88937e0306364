#include <random>
#include <set>

#include "tests/unit/group/group_fixture.h"

// Clients that do anything at any time, and what has to hold nevertheless.

namespace cambium {
namespace {

class GroupRandomTest : public GroupTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  ~GroupRandomTest() noexcept override = default;

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_()) % n; }

  // Mostly a member; sometimes an id that is only given out, that is gone, or that never was.
  std::string anyId() {
    auto metadata = group().toMetadata();
    if (metadata.members.size() > 0 && below(4) > 0) {
      return metadata.members[below(static_cast<uint32_t>(metadata.members.size()))].member;
    }
    if (!seen_.empty() && below(3) > 0) return seen_[below(static_cast<uint32_t>(seen_.size()))];
    return "nobody";
  }
  std::string instanceOf(const std::string& id) {
    for (auto& member : group().toMetadata().members) {
      if (member.member == id && below(10) > 0) return member.instance.orDefault("");
    }
    return below(10) == 0 ? "s0" : "";
  }
  int32_t anyGeneration() { return group().generation() - (below(10) == 0 ? 1 : 0); }

  void joinAny() {
    Joiner joiner{.sessionMs = 6'000 + static_cast<int32_t>(below(10'000)),
                  .rebalanceMs = static_cast<int32_t>(below(20'000)),
                  .idRequired = below(2) == 0,
                  .canSkip = below(2) == 0};
    if (below(3) > 0) {
      joiner.member = anyId();
      joiner.instance = instanceOf(joiner.member);
    } else if (below(3) == 0) {
      joiner.instance = "s" + std::to_string(below(3));
    }
    if (below(5) == 0) joiner.protocols = {{"sticky", "x"}, {"range", "y"}};
    if (below(40) == 0) joiner.protocols = {{"other", "x"}};
    open_.insert(join(joiner));
  }
  void syncAny() {
    auto id = anyId();
    std::map<std::string, std::string> assignments;
    for (auto& member : group().toMetadata().members)
      assignments[member.member] = "for " + member.member;
    open_.insert(sync(id, anyGeneration(), assignments, instanceOf(id)));
  }
  void leaveAny() {
    auto id = anyId();
    leave({{id, instanceOf(id)}, {"", "s" + std::to_string(below(30))}});
  }
  void cancelAny() {
    if (open_.empty()) return;
    auto at = open_.begin();
    std::advance(at, below(static_cast<uint32_t>(open_.size())));
    cancel(*at);
    open_.erase(at);
  }
  void endAnyWrite() {
    if (writes.empty()) return;
    if (below(10) == 0) {
      endWrite(makeError(ErrorCode::kRequestTimedOut, "slow"));
    } else {
      endWrite();
    }
  }
  void startAnew() {
    GroupActions actions;
    group().close(makeError(ErrorCode::kNotCoordinator, "restart"), actions);
    take(actions);
    check();
    EXPECT_TRUE(open_.empty());
    // Dead groups write nothing: what was there before is what a stable one would find.
    restart();
  }
  void anyEvent() {
    uint32_t choice = below(1'000);
    if (choice < 300) {
      // Joins that come all the time would let no generation be stable.
      bool isWanted = group().state() == GroupState::kEmpty || group().state() == GroupState::kPreparingRebalance;
      if (isWanted || below(6) == 0) joinAny();
    } else if (choice < 550) {
      syncAny();
    } else if (choice < 650) {
      heartbeat(anyId(), anyGeneration()).ok();
    } else if (choice < 670) {
      leaveAny();
    } else if (choice < 700) {
      cancelAny();
    } else if (choice < 850) {
      endAnyWrite();
    } else if (choice < 900) {
      commit(anyId(), anyGeneration()).ok();
    } else if (choice < 998) {
      advance(below(4'000));
    } else {
      startAnew();
    }
  }

  // Takes what was answered since the last call out of joins and syncs.
  void checkAnswers(const GroupMetadata& metadata) {
    for (auto& [ticket, answer] : joins) {
      EXPECT_EQ(open_.erase(ticket), 1u) << "not waiting: " << ticket;
      if (!answer.member.empty()) seen_.push_back(answer.member);
      if (answer.error != nullptr) continue;
      EXPECT_LE(answer.generation, group().generation());
      if (answer.generation != group().generation()) continue;
      ++generationsJoined_;
      if (answer.members.size() > 0) EXPECT_EQ(answer.leader, answer.member);
      if (answer.skipAssignment) EXPECT_EQ(answer.leader, answer.member);
      if (hasMember(answer.member) && answer.leader == answer.member) {
        EXPECT_EQ(textOf(metadata.leader), answer.member);
      }
    }
    joins.clear();
    for (auto& [ticket, answer] : syncs) {
      EXPECT_EQ(open_.erase(ticket), 1u) << "not waiting: " << ticket;
      if (answer.error == nullptr) ++syncsDone_;
    }
    syncs.clear();
  }
  void check() {
    auto metadata = group().toMetadata();
    checkAnswers(metadata);
    EXPECT_GE(metadata.generation, lastGeneration_);
    lastGeneration_ = metadata.generation;
    size_t leaders = 0;
    std::set<std::string> instances;
    for (auto& member : metadata.members) {
      if (metadata.leader != nullptr && textOf(metadata.leader) == member.member) ++leaders;
      KJ_IF_MAYBE(instance, member.instance) {
        EXPECT_TRUE(instances.insert(*instance).second) << "an instance twice: " << *instance;
      }
    }
    EXPECT_EQ(leaders, metadata.members.size() > 0 ? 1u : 0u);
    switch (group().state()) {
      case GroupState::kEmpty:
        EXPECT_EQ(metadata.members.size(), 0u);
        EXPECT_TRUE(metadata.protocol == nullptr);
        break;
      case GroupState::kPreparingRebalance:
        EXPECT_TRUE(group().nextDeadline() != nullptr);
        break;
      case GroupState::kCompletingRebalance:
      case GroupState::kStable:
        EXPECT_GT(metadata.members.size(), 0u);
        EXPECT_TRUE(metadata.protocol != nullptr);
        // Only a write that is under way may keep a group that has nothing else to wait for.
        EXPECT_TRUE(group().nextDeadline() != nullptr || !writes.empty());
        break;
      case GroupState::kDead:
        break;
    }
  }

  std::mt19937 random_{GetParam()};
  std::set<Ticket> open_;  // asked, not answered as far as checked
  std::vector<std::string> seen_;
  int32_t lastGeneration_ = 0;
  size_t generationsJoined_ = 0;
  size_t syncsDone_ = 0;
};

TEST_P(GroupRandomTest, HoldsItsPromises) {
  config.initialRebalanceDelayMs = static_cast<int32_t>(below(2)) * 3'000;
  config.maxSize = below(2) == 0 ? 5 : 100;
  config.newMemberJoinTimeoutMs = 15'000;
  for (int i = 0; i < 3'000 && !HasFailure(); ++i) {
    anyEvent();
    check();
  }
  // The clients fall silent: everybody is answered, and the group runs empty.
  for (int i = 0; i < 100 && !HasFailure(); ++i) {
    while (!writes.empty())
      endWrite();
    advance(5'000);
    check();
  }
  EXPECT_TRUE(open_.empty());
  EXPECT_EQ(group().state(), GroupState::kEmpty);
  EXPECT_TRUE(group().nextDeadline() == nullptr);
  // It was no idle run.
  EXPECT_GT(lastGeneration_, 20);
  EXPECT_GT(generationsJoined_, 50u);
  EXPECT_GT(syncsDone_, 20u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, GroupRandomTest, ::testing::Range(1u, 31u));

}  // namespace
}  // namespace cambium
