#include "engine/group/assignor.h"

#include <gtest/gtest.h>
#include <random>
#include <set>

#include "engine/group/consumer_protocol.h"

namespace cambium {
namespace {

// "a: t-0 t-1; b: t-2; ".
std::string show(const GroupAssignments& assignments) {
  std::string text;
  for (auto& [member, partitions] : assignments) {
    text += member + ":";
    for (auto& p : partitions)
      text += " " + p.topic + "-" + std::to_string(p.partition);
    text += "; ";
  }
  return text;
}

GroupAssignments assign(Assignor assignor, const std::vector<Subscriber>& subscribers, const PartitionCounts& counts) {
  return assignPartitions(assignor, kj::arrayPtr(subscribers.data(), subscribers.size()), counts);
}

std::string shown(Assignor assignor, const std::vector<Subscriber>& subscribers, const PartitionCounts& counts) {
  return show(assign(assignor, subscribers, counts));
}

// The subscribers with what they were given, ready for the next round.
void takeOver(std::vector<Subscriber>& subscribers, const GroupAssignments& assignments, int32_t generation) {
  for (auto& subscriber : subscribers) {
    subscriber.owned = assignments.at(subscriber.member);
    subscriber.ownedGeneration = generation;
  }
}

TEST(AssignorTest, RangeGivesNeighboursTopicByTopic) {
  std::vector<Subscriber> two{{"b", {"t", "u"}, {}}, {"a", {"u", "t", "t"}, {}}};
  EXPECT_EQ(shown(Assignor::kRange, two, {{"t", 3}, {"u", 3}}), "a: t-0 t-1 u-0 u-1; b: t-2 u-2; ");
  EXPECT_EQ(shown(Assignor::kRange, two, {{"t", 1}}), "a: t-0; b:; ");
}

TEST(AssignorTest, RoundRobinGoesOnOverTopics) {
  std::vector<Subscriber> two{{"a", {"t", "u"}, {}}, {"b", {"t", "u"}, {}}};
  EXPECT_EQ(shown(Assignor::kRoundRobin, two, {{"t", 3}, {"u", 3}}), "a: t-0 t-2 u-1; b: t-1 u-0 u-2; ");
  std::vector<Subscriber> mixed{{"a", {"t"}, {}}, {"b", {"t", "u"}, {}}, {"c", {}, {}}};
  EXPECT_EQ(shown(Assignor::kRoundRobin, mixed, {{"t", 2}, {"u", 2}}), "a: t-0; b: t-1 u-0 u-1; c:; ");
}

TEST(AssignorTest, NobodyAndNothing) {
  for (auto assignor : {Assignor::kRange, Assignor::kRoundRobin, Assignor::kSticky}) {
    EXPECT_EQ(shown(assignor, {}, {{"t", 3}}), "");
    EXPECT_EQ(shown(assignor, {{"a", {"gone"}, {{"gone", 0}}}}, {{"t", 3}}), "a:; ");
    EXPECT_EQ(shown(assignor, {{"a", {"t"}, {}}}, {{"t", 0}}), "a:; ");
    EXPECT_TRUE(KJ_ASSERT_NONNULL(assignorOf(assignorName(assignor))) == assignor);
  }
  EXPECT_TRUE(assignorOf("uniform") == nullptr);
}

TEST(AssignorTest, StickyKeepsWhatItCan) {
  std::vector<Subscriber> members{{"a", {"t"}, {}}, {"b", {"t"}, {}}};
  PartitionCounts counts{{"t", 6}};
  auto first = assign(Assignor::kSticky, members, counts);
  EXPECT_EQ(show(first), "a: t-0 t-2 t-4; b: t-1 t-3 t-5; ");
  takeOver(members, first, 1);
  members.push_back({"c", {"t"}, {}});
  auto second = assign(Assignor::kSticky, members, counts);
  EXPECT_EQ(show(second), "a: t-2 t-4; b: t-3 t-5; c: t-0 t-1; ") << "one of each moves, no more";
  takeOver(members, second, 2);
  members.erase(members.begin());
  EXPECT_EQ(shown(Assignor::kSticky, members, counts), "b: t-2 t-3 t-5; c: t-0 t-1 t-4; ") << "only what a had moves";
}

TEST(AssignorTest, StickyBelievesTheLatestClaim) {
  std::vector<Subscriber> members{{"a", {"t"}, {{"t", 0}}, 3}, {"b", {"t"}, {{"t", 0}, {"t", 9}, {"u", 0}}, 7}};
  EXPECT_EQ(shown(Assignor::kSticky, members, {{"t", 2}, {"u", 1}}), "a: t-1; b: t-0; ");
}

// Members that come, go and ask for other topics: always complete, within what each asked for, and even.
TEST(AssignorTest, EveryAssignmentIsCompleteAndEven) {
  uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 100; ++round) {
    PartitionCounts counts;
    for (int t = 0; t < 5; ++t)
      counts["t" + std::to_string(t)] = static_cast<int32_t>(random() % 20);
    std::vector<Subscriber> members;
    for (size_t m = 0; m < 1 + random() % 8; ++m) {
      Subscriber member{"m" + std::to_string(m), {}, {}};
      for (auto& [topic, count] : counts) {
        if (random() % 4 > 0) member.topics.push_back(topic);
        for (int32_t p = 0; p < count; ++p) {
          if (random() % 3 == 0) member.owned.push_back({topic, p});
        }
      }
      members.push_back(member);
    }
    for (auto assignor : {Assignor::kRange, Assignor::kRoundRobin, Assignor::kSticky}) {
      auto assigned = assign(assignor, members, counts);
      std::map<GroupPartition, std::string> owners;
      for (auto& member : members) {
        std::set<std::string> topics(member.topics.begin(), member.topics.end());
        for (auto& partition : assigned.at(member.member)) {
          EXPECT_TRUE(topics.contains(partition.topic));
          EXPECT_TRUE(owners.try_emplace(partition, member.member).second) << "assigned twice";
        }
      }
      for (auto& [topic, count] : counts) {
        bool isWanted = false;
        for (auto& member : members)
          isWanted = isWanted || std::count(member.topics.begin(), member.topics.end(), topic) > 0;
        for (int32_t p = 0; p < count; ++p)
          EXPECT_EQ(owners.contains(GroupPartition{topic, p}), isWanted);
      }
      if (assignor != Assignor::kSticky) continue;
      for (auto& [partition, owner] : owners) {
        for (auto& other : members) {
          if (std::count(other.topics.begin(), other.topics.end(), partition.topic) == 0) continue;
          EXPECT_LE(assigned.at(owner).size(), assigned.at(other.member).size() + 1);
        }
      }
    }
  }
}

TEST(ConsumerProtocolTest, WhatIsWrittenIsRead) {
  Subscriber wanted{"a", {"t", "u"}, {{"t", 0}, {"t", 4}, {"u", 1}}, 7};
  auto read = KJ_ASSERT_NONNULL(decodeSubscription("a", encodeSubscription(wanted)));
  EXPECT_EQ(read.topics, wanted.topics);
  EXPECT_EQ(read.owned, wanted.owned);
  EXPECT_EQ(read.ownedGeneration, 7);
  auto bytes = encodeAssignment(kj::arrayPtr(wanted.owned.data(), wanted.owned.size()));
  EXPECT_EQ(KJ_ASSERT_NONNULL(decodeAssignment(bytes)), wanted.owned);
  EXPECT_TRUE(KJ_ASSERT_NONNULL(decodeAssignment(nullptr)).empty());
}

TEST(ConsumerProtocolTest, TheFirstVersionHasNoOwnedPartitions) {
  const kj::byte bytes[] = {0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 0};
  auto read = KJ_ASSERT_NONNULL(decodeSubscription("a", kj::ArrayPtr<const kj::byte>(bytes, sizeof(bytes))));
  EXPECT_EQ(read.topics, std::vector<std::string>{"t"});
  EXPECT_TRUE(read.owned.empty());
}

TEST(ConsumerProtocolTest, DamageIsNoticed) {
  Subscriber wanted{"a", {"t"}, {{"t", 0}}, 7};
  auto whole = encodeSubscription(wanted);
  auto assignment = encodeAssignment(kj::arrayPtr(wanted.owned.data(), wanted.owned.size()));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_TRUE(decodeSubscription("a", whole.slice(0, size)) == nullptr) << size;
  for (size_t size = 1; size < assignment.size(); ++size)
    EXPECT_TRUE(decodeAssignment(assignment.slice(0, size)) == nullptr) << size;
  // A count that no message of this length can have.
  const kj::byte large[] = {0, 1, 0x7f, 0xff, 0xff, 0xff};
  EXPECT_TRUE(decodeAssignment(kj::ArrayPtr<const kj::byte>(large, sizeof(large))) == nullptr);
}

}  // namespace
}  // namespace cambium
