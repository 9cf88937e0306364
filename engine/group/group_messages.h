#pragma once

#include <string>

#include <kj/vector.h>

#include "engine/base/error.h"
#include "engine/group/offset_key.h"

// What doors ask of the group coordinator and what it answers: plain data that may cross loops. The words are those of
// Kafka's group protocol (KIP-62, KIP-345, KIP-394); a group that is reached over Cap'n Proto uses the same.

namespace cambium {

// One way of assigning that a member offers, best first; `metadata` is the client's own (its subscription).
struct GroupProtocol {
  std::string name;
  kj::Array<const kj::byte> metadata;
};

// Who a member says it is.
struct MemberIdentity {
  std::string group;
  std::string member;                 // empty: not yet known
  kj::Maybe<std::string> instance{};  // group.instance.id of a static member
  int32_t generation = -1;            // where the call has one

  MemberIdentity clone() const;
};

struct JoinGroupRequest {
  MemberIdentity who;
  std::string clientId;
  std::string clientHost;  // "/127.0.0.1", as Kafka writes it
  std::string protocolType;
  kj::Vector<GroupProtocol> protocols;
  int32_t sessionTimeoutMs;
  int32_t rebalanceTimeoutMs;
  // True: a member without an id gets one with kMemberIdRequired and has to join again with it (KIP-394).
  bool memberIdRequired;
  // True: the member understands JoinGroupAnswer::skipAssignment (JoinGroup 9, KIP-814).
  bool canSkipAssignment = false;
};

struct JoinGroupAnswer {
  kj::Maybe<Error> error{};
  int32_t generation = -1;
  kj::Maybe<std::string> protocolType{};
  kj::Maybe<std::string> protocol{};
  std::string leader;
  std::string member;  // also with kMemberIdRequired
  bool skipAssignment = false;
  struct Member {
    std::string member;
    kj::Maybe<std::string> instance;
    kj::Array<const kj::byte> metadata;
  };
  kj::Vector<Member> members;  // only for the leader
};

struct MemberAssignment {
  std::string member;
  kj::Array<const kj::byte> assignment;
};

struct SyncGroupRequest {
  MemberIdentity who;
  kj::Maybe<std::string> protocolType{};
  kj::Maybe<std::string> protocol{};
  kj::Vector<MemberAssignment> assignments;  // from the leader
};

struct SyncGroupAnswer {
  kj::Maybe<Error> error{};
  kj::Maybe<std::string> protocolType{};
  kj::Maybe<std::string> protocol{};
  kj::Array<const kj::byte> assignment;
};

struct LeaveGroupRequest {
  struct Leaver {
    std::string member;  // empty with an instance: an administrator removes a static member
    kj::Maybe<std::string> instance;
  };
  std::string group;
  kj::Vector<Leaver> members;
};

struct LeaveGroupAnswer {
  kj::Maybe<Error> error{};                // of the group as a whole
  kj::Vector<kj::Maybe<Error>> perMember;  // in the order asked for
};

struct OffsetToCommit {
  std::string topic;
  int32_t partition;
  Offset offset;
  LeaderEpoch leaderEpoch = kNoLeaderEpoch;
  std::string metadata;
};

// A commit of a member (who.member and who.generation are checked) or, with generation -1 and no member, of somebody
// outside the group, which is taken only while the group has no members.
struct CommitOffsetsRequest {
  MemberIdentity who;
  kj::Vector<OffsetToCommit> offsets;
};

// One answer for each offset, in the order asked for. Durable when the promise is done.
using CommitOffsetsAnswer = kj::Vector<kj::Maybe<Error>>;

struct CommittedOffset {
  Offset offset = kNoOffset;
  LeaderEpoch leaderEpoch = kNoLeaderEpoch;
  kj::String metadata;
  TimestampMs committedAt = kNoTimestamp;

  CommittedOffset clone() const { return {offset, leaderEpoch, kj::str(metadata), committedAt}; }
};

// A committed offset with whose it is.
struct OffsetOfKey {
  OffsetKey key;
  CommittedOffset offset;
};

struct FetchOffsetsRequest {
  MemberIdentity who;  // its group counts: anybody may ask, as with Kafka's groups of this protocol
  struct Wanted {
    std::string topic;
    int32_t partition;
  };
  kj::Maybe<kj::Vector<Wanted>> wanted{};  // null: everything the group has, sorted by topic and partition
  // For an answer in pieces: of everything only what comes behind this key; no more entries than this, and none
  // further when they have so many bytes of metadata.
  kj::Maybe<OffsetKey> after{};
  size_t entriesMax = SIZE_MAX;
  uint64_t bytesMax = UINT64_MAX;
};

// The states of a group, as Kafka shows them.
enum class GroupState : uint8_t { kEmpty, kPreparingRebalance, kCompletingRebalance, kStable, kDead };
// "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead".
kj::StringPtr groupStateName(GroupState state);

struct GroupDescription {
  std::string group;
  GroupState state = GroupState::kDead;  // kDead: there is no such group
  std::string protocolType;
  std::string protocol;  // only when stable
  struct Member {
    std::string member;
    kj::Maybe<std::string> instance;
    std::string clientId;
    std::string clientHost;
    kj::Array<const kj::byte> metadata;    // for the protocol in use; empty when not stable
    kj::Array<const kj::byte> assignment;  // empty when not stable
  };
  kj::Vector<Member> members;
};

struct GroupListing {
  std::string group;
  std::string protocolType;
  GroupState state;
};

struct DeleteOffsetsRequest {
  std::string group;
  struct Which {
    std::string topic;
    int32_t partition;
  };
  kj::Vector<Which> which;
};

struct DeleteOffsetsAnswer {
  kj::Maybe<Error> error{};                // of the group as a whole
  kj::Vector<kj::Maybe<Error>> perOffset;  // in the order asked for
};

}  // namespace cambium
