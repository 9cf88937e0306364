#include <kj/debug.h>

#include "engine/group/group.h"
#include "engine/group/group_errors.h"

namespace cambium {

namespace {

bool contradicts(const kj::Maybe<std::string>& asked, const kj::Maybe<std::string>& actual) {
  KJ_IF_MAYBE(a, asked) {
    KJ_IF_MAYBE(b, actual) return *a != *b;
  }
  return false;
}

}  // namespace

void Group::sync(SyncGroupRequest request, Ticket ticket, Moment now, GroupActions& actions) {
  Turn turn{now, actions};
  KJ_IF_MAYBE(error, checkSync(request)) {
    refuseSync(turn, ticket, kj::mv(*error));
    return;
  }
  auto& member = KJ_ASSERT_NONNULL(members_.find(request.who.member));
  missingSyncs_.erase(member.id);
  if (state_ == GroupState::kStable) {
    answerAssignment(turn, member, ticket);
    return;
  }
  KJ_IF_MAYBE(earlier, members_.endSync(member)) refuseSync(turn, *earlier, rebalanceInProgress(id_));
  members_.awaitSync(member, ticket);
  if (members_.isLeader(member.id) && !assignmentsUnderWay_) takeAssignments(turn, request);
}

kj::Maybe<Error> Group::checkSync(const SyncGroupRequest& request) const {
  if (request.who.group.empty()) return noGroupId();
  if (state_ == GroupState::kDead) return groupIsDead(id_);
  KJ_IF_MAYBE(error, checkMember(request.who)) return kj::mv(*error);
  if (request.who.generation != generation_) return illegalGeneration(id_, request.who.generation, generation_);
  kj::Maybe<std::string> type;
  if (!protocolType_.empty()) type = protocolType_;
  if (contradicts(request.protocolType, type) || contradicts(request.protocol, protocol_)) {
    return makeError(ErrorCode::kInconsistentGroupProtocol, "group ", id_.c_str(), " uses type \"",
                     protocolType_.c_str(), "\" and protocol \"", protocol_.orDefault("").c_str(),
                     "\" in this generation; sync with the ones that the join was answered with");
  }
  if (state_ == GroupState::kPreparingRebalance) return rebalanceInProgress(id_);
  size_t bytes = 0;
  for (auto& assigned : request.assignments)
    bytes += assigned.member.size() + assigned.assignment.size();
  if (bytes > config_.assignmentBytesMax) {
    return makeError(ErrorCode::kInvalidRequest, "assignments of ", bytes, " bytes for group ", id_.c_str(),
                     "; at most ", config_.assignmentBytesMax, " are possible");
  }
  return nullptr;
}

void Group::takeAssignments(Turn& turn, SyncGroupRequest& request) {
  AssignmentWrite write{.generation = generation_, .assignments = {}};
  for (auto& assigned : request.assignments) {
    if (members_.find(assigned.member) != nullptr) {
      write.assignments.insert_or_assign(kj::mv(assigned.member), kj::mv(assigned.assignment));
    }
  }
  GroupMetadata metadata = toMetadata();
  for (auto& member : metadata.members) {
    auto found = write.assignments.find(member.member);
    member.assignment = found == write.assignments.end() ? nullptr : copyBytes(found->second);
  }
  assignmentsUnderWay_ = true;
  persist(turn, kj::mv(metadata), kj::mv(write));
}

void Group::assignmentsWritten(Turn& turn, AssignmentWrite write, const Result<void>& written) {
  // Somebody joined or left meanwhile: what was assigned is for nobody any more.
  if (state_ != GroupState::kCompletingRebalance || generation_ != write.generation) return;
  assignmentsUnderWay_ = false;
  if (!written.ok()) {
    for (auto& [id, member] : members_.all())
      member.assignment = nullptr;
    answerSyncs(turn, forMembers(written.error()));
    rebalance(turn);
    return;
  }
  for (auto& [id, member] : members_.all()) {
    auto found = write.assignments.find(id);
    member.assignment = found == write.assignments.end() ? nullptr : kj::mv(found->second);
  }
  transition(GroupState::kStable, turn.now);
  answerSyncs(turn, nullptr);
}

void Group::answerSyncs(Turn& turn, const kj::Maybe<Error>& error) {
  for (auto& [id, member] : members_.all()) {
    KJ_IF_MAYBE(ticket, members_.endSync(member)) {
      KJ_IF_MAYBE(e, error) {
        refuseSync(turn, *ticket, e->clone());
      } else {
        answerAssignment(turn, member, *ticket);
      }
      // While it waited, no session could end.
      startSession(member, member.sessionTimeoutMs, turn.now);
    }
  }
}

void Group::answerAssignment(Turn& turn, const Member& member, Ticket ticket) const {
  turn.actions.add(AnswerSync{ticket, SyncGroupAnswer{.protocolType = protocolType_,
                                                      .protocol = copyText(protocol_),
                                                      .assignment = copyBytes(member.assignment)}});
}

void Group::refuseSync(Turn& turn, Ticket ticket, Error error) {
  SyncGroupAnswer answer;
  answer.error = kj::mv(error);
  turn.actions.add(AnswerSync{ticket, kj::mv(answer)});
}

}  // namespace cambium
