#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

#include <kj/common.h>
#include <kj/string.h>

// How the partitions of topics are divided among the members of a group: pure functions. The names are those of Kafka's
// assignors.

namespace cambium {

struct GroupPartition {
  std::string topic;
  int32_t partition;

  friend auto operator<=>(const GroupPartition&, const GroupPartition&) = default;
};

// What one member asks for.
struct Subscriber {
  std::string member;
  std::vector<std::string> topics;
  std::vector<GroupPartition> owned;  // what it has had; for kSticky
  int32_t ownedGeneration = -1;       // when it had that: the latest one counts
};

// Partitions by topic; a topic that is not here has none.
using PartitionCounts = std::map<std::string, int32_t>;

// An entry for every member, its partitions sorted.
using GroupAssignments = std::map<std::string, std::vector<GroupPartition>>;

enum class Assignor : uint8_t {
  kRange,       // of each topic a run of neighbours to each member; the first members get one more
  kRoundRobin,  // all partitions in order, one to each subscribed member in turn
  kSticky,      // no member has two more than another that could have one of them; who has a partition keeps it
};

// Every partition of a topic that somebody asks for goes to exactly one of those who ask for it. Depends on nothing but
// the arguments; members count in the order of their names.
GroupAssignments assignPartitions(Assignor assignor, kj::ArrayPtr<const Subscriber> subscribers,
                                  const PartitionCounts& counts);

// "range", "roundrobin", "sticky". Lives for ever.
kj::StringPtr assignorName(Assignor assignor);
// Null when there is none of this name.
kj::Maybe<Assignor> assignorOf(kj::StringPtr name);

}  // namespace cambium
