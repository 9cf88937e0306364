#pragma once

#include <map>
#include <set>

#include "engine/base/clock.h"
#include "engine/group/group_actions.h"
#include "engine/group/group_config.h"
#include "engine/group/member_table.h"

namespace cambium {

// When an event happens: timers run on the steady clock, what is written carries the time of day.
struct Moment {
  SteadyMs steady;
  TimestampMs wall;
};

// One consumer group of Kafka's classic protocol (KIP-62, KIP-345, KIP-394, KIP-559, KIP-814), as a pure state machine:
// events in, actions appended to `actions`, which the caller carries out in their order after the call. Knows no clock,
// no promise and no disk. Belongs to one thread; `config` and `entropy` outlive it.
//
// Every ticket is answered exactly once, in the same call or in a later one, unless cancelPending() takes it back. The
// group of a request is not compared with the id here, but an empty one is refused with kInvalidGroupId.
//
// Where the rules come from: Kafka's GroupMetadataManager and ClassicGroup (version 4), which differ here in little: a
// request that a later one of the same member replaces, or whose member is removed, is answered, not left hanging; a
// member whose connection has gone leads only when nobody else can; a static member that comes back brings its client
// id and host along.
class Group {
 public:
  // A new group: empty, generation 0, without a type.
  Group(std::string id, const GroupConfig& config, const Entropy& entropy, Moment now);
  // A group as it was written: stable when it has members, whose sessions begin anew; empty otherwise.
  Group(std::string id, const GroupConfig& config, const Entropy& entropy, GroupMetadata metadata, Moment now);
  KJ_DISALLOW_COPY(Group);

  void join(JoinGroupRequest request, Ticket ticket, Moment now, GroupActions& actions);
  void sync(SyncGroupRequest request, Ticket ticket, Moment now, GroupActions& actions);
  // kRebalanceInProgress (which counts as a heartbeat) tells the member to join again.
  Result<void> heartbeat(const MemberIdentity& who, Moment now);
  LeaveGroupAnswer leave(const LeaveGroupRequest& request, Moment now, GroupActions& actions);
  // The connection that waited has gone: the ticket gets no answer any more. The member stays until its session, which
  // begins anew, has passed. Nothing happens when the ticket is not waiting.
  void cancelPending(Ticket ticket, Moment now);
  // How the write that Persist asked for has ended.
  void persisted(PersistToken token, Result<void> written, Moment now, GroupActions& actions);

  // When to call tick() next: never later than it has something to do, perhaps earlier (a heartbeat does not move this;
  // tick() does); null while nothing runs.
  kj::Maybe<SteadyMs> nextDeadline() const;
  // Does what is due. May be called at any time, and late.
  void tick(Moment now, GroupActions& actions);

  // May these offsets be committed: by a member of the generation (it counts as a heartbeat), or, with generation -1
  // and no member, by anybody while the group is empty. kUnknownMemberId, kFencedInstanceId, kIllegalGeneration;
  // kRebalanceInProgress between the end of the joins and the leader's assignments.
  Result<void> checkCommit(const MemberIdentity& who, Moment now);
  // Ok for an empty group; kNonEmptyGroup otherwise, kGroupIdNotFound when it is dead.
  Result<void> checkDelete() const;
  // The end (deleted, or the coordinator moves away): everything that waits is answered with `reason`, the state is
  // kDead, no deadline runs, and every later event is answered with kCoordinatorNotAvailable.
  void close(const Error& reason, GroupActions& actions);

  GroupState state() const { return state_; }
  int32_t generation() const { return generation_; }
  // Empty: no member has ever joined.
  const std::string& protocolType() const { return protocolType_; }
  // When the state last changed.
  TimestampMs stateSince() const { return stateSince_; }
  GroupDescription describe() const;
  // What Persist would carry now: members with the assignments that are in force.
  GroupMetadata toMetadata() const;

 private:
  // One event: when it is, and where its actions go.
  struct Turn {
    Moment now;
    GroupActions& actions;
  };
  using Assignments = std::map<std::string, kj::Array<const kj::byte>>;
  // Writes that are under way. Whether an empty generation is written makes no difference to anybody.
  struct EmptyWrite {};
  struct AssignmentWrite {
    int32_t generation;
    Assignments assignments;
  };
  // A static member has come back in a stable group: what to go back to when that cannot be written.
  struct ReplacementWrite {
    int32_t generation;
    std::string member;
    bool canSkipAssignment;
    std::string formerLeader;
    std::string formerId;
    std::string formerClientId;
    std::string formerClientHost;
    int32_t formerRebalanceTimeoutMs;
    int32_t formerSessionTimeoutMs;
    kj::Vector<GroupProtocol> formerProtocols{};
  };
  using Write = kj::OneOf<EmptyWrite, AssignmentWrite, ReplacementWrite>;

  // group_join.cc
  kj::Maybe<Error> checkJoin(const JoinGroupRequest& request) const;
  kj::Maybe<Error> checkJoinSize(const JoinGroupRequest& request) const;
  bool hasRoomFor(const std::string& member) const;
  bool hasBytesFor(const JoinGroupRequest& request) const;
  bool supports(const JoinGroupRequest& request) const;
  void joinNew(Turn& turn, JoinGroupRequest request, Ticket ticket);
  void joinKnown(Turn& turn, JoinGroupRequest request, Ticket ticket);
  void giveId(Turn& turn, const JoinGroupRequest& request, std::string id, Ticket ticket);
  void addMember(Turn& turn, JoinGroupRequest request, std::string id, Ticket ticket);
  void updateMember(Turn& turn, Member& member, JoinGroupRequest request, Ticket ticket);
  void setMember(Turn& turn, Member& member, JoinGroupRequest request, Ticket ticket);
  void answerGeneration(Turn& turn, const Member& member, Ticket ticket, bool isLeader) const;
  static void refuseJoin(Turn& turn, Ticket ticket, std::string member, Error error);

  // group_static.cc
  void replaceStatic(Turn& turn, JoinGroupRequest request, const std::string& from, const std::string& to,
                     Ticket ticket);
  void replacementWritten(Turn& turn, ReplacementWrite write, const Result<void>& written);
  void undoReplacement(Turn& turn, Member& member, ReplacementWrite write, const Error& error);

  // group_sync.cc
  kj::Maybe<Error> checkSync(const SyncGroupRequest& request) const;
  void takeAssignments(Turn& turn, SyncGroupRequest& request);
  void assignmentsWritten(Turn& turn, AssignmentWrite write, const Result<void>& written);
  void answerSyncs(Turn& turn, const kj::Maybe<Error>& error);
  void answerAssignment(Turn& turn, const Member& member, Ticket ticket) const;
  static void refuseSync(Turn& turn, Ticket ticket, Error error);

  // group_rebalance.cc
  void rebalance(Turn& turn);
  void rebalanceOrCompleteJoin(Turn& turn);
  void maybeCompleteJoin(Turn& turn);
  void completeJoin(Turn& turn);
  void startGeneration(Turn& turn);
  void dropMember(Turn& turn, const std::string& id);
  void removeMember(Turn& turn, const std::string& id);
  void removePending(Turn& turn, const std::string& id);
  void transition(GroupState state, Moment now);
  void startSession(Member& member, int32_t timeoutMs, Moment now);
  void expireMembers(Turn& turn);
  void expireSyncs(Turn& turn);
  void expireJoin(Turn& turn);

  kj::Maybe<Error> checkMember(const MemberIdentity& who) const;
  kj::Maybe<Error> leaveOne(Turn& turn, const LeaveGroupRequest::Leaver& leaver);
  void persist(Turn& turn, GroupMetadata metadata, Write write);

  const std::string id_;
  const GroupConfig& config_;
  const Entropy& entropy_;

  GroupState state_ = GroupState::kEmpty;
  TimestampMs stateSince_;
  int32_t generation_ = 0;
  std::string protocolType_;
  kj::Maybe<std::string> protocol_;
  MemberTable members_;
  std::set<std::string> missingSyncs_;  // of this generation

  // No session and no pending id ends before this; null when there are none.
  kj::Maybe<SteadyMs> expiryFrom_;
  kj::Maybe<SteadyMs> joinDeadline_;  // while preparing a rebalance
  kj::Maybe<SteadyMs> syncDeadline_;
  // The first rebalance after the group was empty waits for more members.
  struct InitialDelay {
    int32_t delayMs;
    int32_t remainingMs;
    bool memberAdded;
  };
  kj::Maybe<InitialDelay> initialDelay_;

  std::map<PersistToken, Write> writes_;
  PersistToken nextToken_ = 1;
  bool assignmentsUnderWay_ = false;  // the leader's, of this generation
};

}  // namespace cambium
