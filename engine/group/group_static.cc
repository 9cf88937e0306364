#include <kj/debug.h>

#include "engine/group/group.h"
#include "engine/group/group_errors.h"

// A static member that comes back without its member id (KIP-345): its process was started anew.

namespace cambium {

void Group::replaceStatic(Turn& turn, JoinGroupRequest request, const std::string& from, const std::string& to,
                          Ticket ticket) {
  auto& former = KJ_ASSERT_NONNULL(members_.find(from));
  auto fenced = [&] { return fencedInstance(id_, KJ_ASSERT_NONNULL(former.instance), from); };
  KJ_IF_MAYBE(waiting, members_.endJoin(former)) refuseJoin(turn, *waiting, from, fenced());
  KJ_IF_MAYBE(waiting, members_.endSync(former)) refuseSync(turn, *waiting, fenced());
  ReplacementWrite write{
      .generation = generation_,
      .member = to,
      .canSkipAssignment = request.canSkipAssignment,
      .formerLeader = KJ_ASSERT_NONNULL(members_.leader()),
      .formerId = from,
      .formerClientId = former.clientId,
      .formerClientHost = former.clientHost,
      .formerRebalanceTimeoutMs = former.rebalanceTimeoutMs,
      .formerSessionTimeoutMs = former.sessionTimeoutMs,
  };
  for (auto& protocol : former.protocols)
    write.formerProtocols.add(GroupProtocol{protocol.name, copyBytes(protocol.metadata)});
  if (missingSyncs_.erase(from) > 0) missingSyncs_.insert(to);
  auto& member = members_.rename(from, to);
  member.isNew = false;
  setMember(turn, member, kj::mv(request), ticket);

  switch (state_) {
    case GroupState::kStable:
      if (KJ_ASSERT_NONNULL(protocol_) == members_.selectProtocol()) {
        // It takes over what its former self was assigned. The new id has to outlive a restart before it is told.
        persist(turn, toMetadata(), kj::mv(write));
      } else {
        rebalance(turn);
      }
      return;
    case GroupState::kCompletingRebalance:
      // The leader may be assigning to the former id by now.
      rebalance(turn);
      return;
    case GroupState::kPreparingRebalance:
      maybeCompleteJoin(turn);
      return;
    case GroupState::kEmpty:
    case GroupState::kDead:
      break;
  }
  KJ_FAIL_ASSERT("a group without members has a static one", id_.c_str());
}

void Group::replacementWritten(Turn& turn, ReplacementWrite write, const Result<void>& written) {
  // A rebalance that began meanwhile has taken the join over, and writes the group again at its end.
  if (state_ != GroupState::kStable || generation_ != write.generation) return;
  KJ_IF_MAYBE(member, members_.find(write.member)) {
    if (!written.ok()) {
      undoReplacement(turn, *member, kj::mv(write), forMembers(written.error()));
      return;
    }
    auto ticket = members_.endJoin(*member);
    startSession(*member, member->sessionTimeoutMs, turn.now);
    KJ_IF_MAYBE(t, ticket) {
      bool isLeader = members_.isLeader(member->id);
      answerGeneration(turn, *member, *t, isLeader && write.canSkipAssignment);
      auto& answer = turn.actions.back().get<AnswerJoin>().answer;
      if (isLeader && write.canSkipAssignment) {
        answer.skipAssignment = true;
      } else if (isLeader) {
        // A leader that cannot skip would assign anew; it believes somebody else leads (KIP-814).
        answer.leader = write.formerLeader;
      }
    }
  }
}

void Group::undoReplacement(Turn& turn, Member& member, ReplacementWrite write, const Error& error) {
  KJ_IF_MAYBE(ticket, members_.endJoin(member)) refuseJoin(turn, *ticket, "", error.clone());
  members_.setProtocols(member, kj::mv(write.formerProtocols));
  member.rebalanceTimeoutMs = write.formerRebalanceTimeoutMs;
  member.sessionTimeoutMs = write.formerSessionTimeoutMs;
  member.clientId = kj::mv(write.formerClientId);
  member.clientHost = kj::mv(write.formerClientHost);
  if (missingSyncs_.erase(write.member) > 0) missingSyncs_.insert(write.formerId);
  auto& former = members_.rename(write.member, write.formerId);
  startSession(former, former.sessionTimeoutMs, turn.now);
}

}  // namespace cambium
