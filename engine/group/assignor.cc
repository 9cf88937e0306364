#include "engine/group/assignor.h"

#include <algorithm>
#include <set>

#include <kj/debug.h>

namespace cambium {

namespace {

constexpr Assignor kAssignors[] = {Assignor::kRange, Assignor::kRoundRobin, Assignor::kSticky};

// The members of each topic, in the order of their names. Topics without partitions are left out.
using TopicMembers = std::map<std::string, std::vector<std::string>>;

TopicMembers membersByTopic(kj::ArrayPtr<const Subscriber> subscribers, const PartitionCounts& counts) {
  std::map<std::string, std::set<std::string>> sets;
  for (auto& subscriber : subscribers) {
    for (auto& topic : subscriber.topics) {
      auto count = counts.find(topic);
      if (count != counts.end() && count->second > 0) sets[topic].insert(subscriber.member);
    }
  }
  TopicMembers members;
  for (auto& [topic, set] : sets)
    members[topic].assign(set.begin(), set.end());
  return members;
}

void assignRange(const TopicMembers& topics, const PartitionCounts& counts, GroupAssignments& out) {
  for (auto& [topic, members] : topics) {
    auto count = static_cast<size_t>(counts.at(topic));
    size_t each = count / members.size(), oneMore = count % members.size(), next = 0;
    for (size_t m = 0; m < members.size(); ++m) {
      for (size_t i = 0; i < each + (m < oneMore ? 1 : 0); ++i)
        out[members[m]].push_back({topic, static_cast<int32_t>(next++)});
    }
  }
}

void assignRoundRobin(const TopicMembers& topics, const PartitionCounts& counts, GroupAssignments& out) {
  auto turn = out.begin();
  for (auto& [topic, members] : topics) {
    for (int32_t p = 0; p < counts.at(topic); ++p) {
      while (!std::binary_search(members.begin(), members.end(), turn->first)) {
        if (++turn == out.end()) turn = out.begin();
      }
      turn->second.push_back({topic, p});
      if (++turn == out.end()) turn = out.begin();
    }
  }
}

class StickyAssignment {
 public:
  StickyAssignment(const TopicMembers& topics, const PartitionCounts& counts) : topics_(topics), counts_(counts) {}

  void run(kj::ArrayPtr<const Subscriber> subscribers, GroupAssignments& out) {
    keep(subscribers);
    giveRest();
    while (evenOut()) {
    }
    for (auto& [partition, member] : owners_)
      out[member].push_back(partition);
  }

 private:
  bool mayHave(const std::string& member, const std::string& topic) const {
    auto members = topics_.find(topic);
    return members != topics_.end() && std::binary_search(members->second.begin(), members->second.end(), member);
  }

  // Everybody keeps what it has; of two who claim a partition the one with the later generation.
  void keep(kj::ArrayPtr<const Subscriber> subscribers) {
    std::map<GroupPartition, int32_t> since;
    for (auto& subscriber : subscribers) {
      for (auto& partition : subscriber.owned) {
        if (!mayHave(subscriber.member, partition.topic)) continue;
        if (partition.partition < 0 || partition.partition >= counts_.at(partition.topic)) continue;
        auto [claim, isFirst] = since.try_emplace(partition, subscriber.ownedGeneration);
        if (!isFirst && claim->second >= subscriber.ownedGeneration) continue;
        claim->second = subscriber.ownedGeneration;
        owners_[partition] = subscriber.member;
      }
    }
    for (auto& [partition, member] : owners_)
      ++loads_[member];
  }

  void giveRest() {
    for (auto& [topic, members] : topics_) {
      for (int32_t p = 0; p < counts_.at(topic); ++p) {
        auto [owner, isNew] = owners_.try_emplace(GroupPartition{topic, p});
        if (!isNew) continue;
        owner->second = lightest(members);
        ++loads_[owner->second];
      }
    }
  }

  // One pass over all partitions; each move brings two loads nearer to each other, so that passes come to an end.
  bool evenOut() {
    bool moved = false;
    for (auto& [partition, member] : owners_) {
      auto& lighter = lightest(topics_.at(partition.topic));
      if (loads_[member] < loads_[lighter] + 2) continue;
      --loads_[member];
      ++loads_[lighter];
      member = lighter;
      moved = true;
    }
    return moved;
  }

  const std::string& lightest(const std::vector<std::string>& members) {
    return *std::min_element(members.begin(), members.end(),
                             [this](const std::string& a, const std::string& b) { return loads_[a] < loads_[b]; });
  }

  const TopicMembers& topics_;
  const PartitionCounts& counts_;
  std::map<GroupPartition, std::string> owners_;
  std::map<std::string, size_t> loads_;
};

}  // namespace

GroupAssignments assignPartitions(Assignor assignor, kj::ArrayPtr<const Subscriber> subscribers,
                                  const PartitionCounts& counts) {
  GroupAssignments assignments;
  for (auto& subscriber : subscribers)
    assignments[subscriber.member];
  auto topics = membersByTopic(subscribers, counts);
  switch (assignor) {
    case Assignor::kRange:
      assignRange(topics, counts, assignments);
      break;
    case Assignor::kRoundRobin:
      assignRoundRobin(topics, counts, assignments);
      break;
    case Assignor::kSticky:
      StickyAssignment(topics, counts).run(subscribers, assignments);
      break;
  }
  return assignments;
}

kj::StringPtr assignorName(Assignor assignor) {
  switch (assignor) {
    case Assignor::kRange:
      return "range"_kj;
    case Assignor::kRoundRobin:
      return "roundrobin"_kj;
    case Assignor::kSticky:
      return "sticky"_kj;
  }
  KJ_UNREACHABLE;
}

kj::Maybe<Assignor> assignorOf(kj::StringPtr name) {
  for (auto assignor : kAssignors) {
    if (assignorName(assignor) == name) return assignor;
  }
  return nullptr;
}

}  // namespace cambium
