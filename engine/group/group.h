#pragma once

#include "engine/base/clock.h"
#include "engine/group/group_actions.h"
#include "engine/group/group_config.h"

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
// Every ticket is answered exactly once, in the same call or in a later one, unless cancelPending() takes it back.
class Group {
 public:
  // A new group: empty, generation 0, without a type.
  Group(std::string id, const GroupConfig& config, const Entropy& entropy, Moment now);
  // A group as it was written: stable when it has members, whose sessions begin anew; empty otherwise.
  Group(std::string id, const GroupConfig& config, const Entropy& entropy, GroupMetadata metadata, Moment now);
  ~Group() noexcept(false);
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

  // The earliest time at which tick() has something to do; null while nothing runs.
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

  GroupState state() const;
  int32_t generation() const;
  const std::string& protocolType() const;
  // When the state last changed.
  TimestampMs stateSince() const;
  GroupDescription describe() const;
  // What Persist would carry now: members with the assignments that are in force.
  GroupMetadata toMetadata() const;
};

}  // namespace cambium
