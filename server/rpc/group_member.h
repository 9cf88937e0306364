#pragma once

#include "engine/base/coroutine.h"
#include "engine/group/assignor.h"
#include "server/rpc/session.h"

namespace cambium {

// The type of groups whose members come over Cap'n Proto. Clients of the Kafka protocol, whose groups are of
// another one, are refused in them, and the other way round.
inline constexpr kj::StringPtr kRpcProtocolType = "cambium"_kj;

// One member of a group, kept here on behalf of a client: joins, sends the heartbeats, divides the partitions when it
// is elected leader, joins again whenever the group divides anew, and leaves in the end. Lives on the loop of its
// connection.
class GroupMember {
 public:
  struct Options {
    std::string group;
    std::vector<std::string> topics;
    Assignor assignor;
    int32_t sessionTimeoutMs;
    int32_t rebalanceTimeoutMs;
    std::string clientName;
  };

  // Who uses the partitions.
  class Owner {
   public:
    // The group divides anew: the use of all partitions ends within the call. The group waits for the promise, up to
    // the rebalance timeout.
    virtual kj::Promise<void> revoked() = 0;
    // The member has these partitions (sorted) now.
    virtual kj::Promise<void> assigned(int32_t generation, std::vector<GroupPartition> partitions) = 0;
    // The member is out of the group for good; comes at most once, as the last call.
    virtual void ended(Error error) = 0;

   protected:
    ~Owner() = default;
  };

  // Begins to join in a later turn of the loop.
  GroupMember(Session& session, Options options, Owner& owner);
  // Leaves the group, if it is in it, without waiting for that.
  ~GroupMember() noexcept(false);
  KJ_DISALLOW_COPY(GroupMember);

  // With the given generation; what the coordinator says of each offset.
  kj::Promise<CommitOffsetsAnswer> commit(int32_t generation, kj::Vector<OffsetToCommit> offsets);

 private:
  kj::Promise<void> run();
  // Joins and syncs, once: what was assigned.
  kj::Promise<Result<std::vector<GroupPartition>>> enter();
  kj::Promise<JoinGroupAnswer> join();
  kj::Vector<MemberAssignment> divide(const JoinGroupAnswer& joined);
  // Until the group divides anew, or the member is no longer known: says so as an error.
  kj::Promise<Error> whileStable();
  kj::Promise<void> letGo();
  kj::Promise<void> beatForEver();
  bool partitionsChanged() const;
  PartitionCounts countPartitions() const;
  // Null when the member has to give up.
  kj::Maybe<kj::Promise<void>> beforeNextTry(const Error& error);

  Session& session_;
  kj::Timer& timer_;
  const Options options_;
  Owner& owner_;
  MemberIdentity who_;
  std::vector<GroupPartition> owned_;
  int32_t ownedGeneration_ = -1;
  bool isLeader_ = false;
  PartitionCounts divided_;  // what the leader divided: the topics of all members
  unsigned failures_ = 0;    // tries since the last success
  bool ended_ = false;
  kj::Promise<void> running_;  // last: it uses the rest
};

}  // namespace cambium
