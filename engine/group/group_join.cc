#include <set>

#include <kj/debug.h>

#include "engine/group/group.h"
#include "engine/group/group_errors.h"

namespace cambium {

namespace {

// A name that is offered twice counts once, where it stands first.
kj::Vector<GroupProtocol> distinct(kj::Vector<GroupProtocol> protocols) {
  std::set<std::string> seen;
  kj::Vector<GroupProtocol> kept(protocols.size());
  for (auto& protocol : protocols) {
    if (seen.insert(protocol.name).second) kept.add(kj::mv(protocol));
  }
  return kept;
}

}  // namespace

void Group::join(JoinGroupRequest request, Ticket ticket, Moment now, GroupActions& actions) {
  Turn turn{now, actions};
  KJ_IF_MAYBE(error, checkJoin(request)) {
    refuseJoin(turn, ticket, request.who.member, kj::mv(*error));
    return;
  }
  request.protocols = distinct(kj::mv(request.protocols));
  if (!hasRoomFor(request.who.member)) {
    refuseJoin(turn, ticket, "", groupIsFull(id_, static_cast<size_t>(config_.maxSize)));
    dropMember(turn, request.who.member);
    members_.removePending(request.who.member);
    maybeCompleteJoin(turn);
  } else if (!hasBytesFor(request)) {
    refuseJoin(turn, ticket, request.who.member,
               makeError(ErrorCode::kGroupMaxSizeReached, "what the members of group ", id_.c_str(),
                         " say of themselves would have more than ", config_.memberBytesMax,
                         " bytes; wait until one has left, or subscribe to fewer topics"));
  } else if (!supports(request)) {
    refuseJoin(turn, ticket, request.who.member,
               makeError(ErrorCode::kInconsistentGroupProtocol, "group ", id_.c_str(), " of type \"",
                         protocolType_.c_str(), "\" has no protocol in common with this member of type \"",
                         request.protocolType.c_str(), "\"; use one partition.assignment.strategy for all"));
  } else if (request.who.member.empty()) {
    joinNew(turn, kj::mv(request), ticket);
  } else {
    joinKnown(turn, kj::mv(request), ticket);
  }
}

kj::Maybe<Error> Group::checkJoin(const JoinGroupRequest& request) const {
  if (request.who.group.empty()) return noGroupId();
  if (state_ == GroupState::kDead) return groupIsDead(id_);
  if (request.sessionTimeoutMs < config_.minSessionTimeoutMs ||
      request.sessionTimeoutMs > config_.maxSessionTimeoutMs) {
    return makeError(ErrorCode::kInvalidSessionTimeout, "session.timeout.ms is ", request.sessionTimeoutMs,
                     "; it has to lie between ", config_.minSessionTimeoutMs, " and ", config_.maxSessionTimeoutMs);
  }
  return checkJoinSize(request);
}

kj::Maybe<Error> Group::checkJoinSize(const JoinGroupRequest& request) const {
  auto tooLarge = [](kj::StringPtr what, size_t size, size_t most) {
    return makeError(ErrorCode::kInvalidRequest, "a join with ", size, " ", what, "; at most ", most, " are possible");
  };
  if (request.protocols.size() > config_.protocolsPerJoinMax) {
    return tooLarge("protocols", request.protocols.size(), config_.protocolsPerJoinMax);
  }
  size_t bytes = 0;
  for (auto& protocol : request.protocols)
    bytes += protocol.name.size() + protocol.metadata.size();
  if (bytes > config_.protocolBytesMax) return tooLarge("bytes of protocols", bytes, config_.protocolBytesMax);
  size_t idBytes = kj::max(request.clientId.size(), request.protocolType.size());
  KJ_IF_MAYBE(instance, request.who.instance) idBytes = kj::max(idBytes, instance->size());
  if (idBytes > config_.idBytesMax) return tooLarge("bytes of an id", idBytes, config_.idBytesMax);
  return nullptr;
}

// While a rebalance is prepared it counts who has joined: the last ones to come back are left out when there are too
// many. Afterwards it counts everybody.
bool Group::hasRoomFor(const std::string& member) const {
  auto most = static_cast<size_t>(config_.maxSize);
  switch (state_) {
    case GroupState::kEmpty:
    case GroupState::kDead:
      return true;
    case GroupState::kPreparingRebalance:
      KJ_IF_MAYBE(known, members_.find(member)) {
        if (known->joined) return true;
      }
      return members_.joinedCount() < most;
    case GroupState::kCompletingRebalance:
    case GroupState::kStable:
      return members_.find(member) != nullptr || members_.size() < most;
  }
  KJ_UNREACHABLE;
}

bool Group::hasBytesFor(const JoinGroupRequest& request) const {
  size_t bytes = members_.bytes() + request.clientId.size() + request.clientHost.size();
  for (auto& protocol : request.protocols)
    bytes += protocol.name.size() + protocol.metadata.size();
  KJ_IF_MAYBE(known, members_.find(request.who.member)) bytes -= known->countedBytes;
  return bytes <= config_.memberBytesMax;
}

bool Group::supports(const JoinGroupRequest& request) const {
  if (state_ == GroupState::kEmpty) return !request.protocolType.empty() && request.protocols.size() > 0;
  return protocolType_ == request.protocolType && members_.supportsAny(request.protocols);
}

void Group::joinNew(Turn& turn, JoinGroupRequest request, Ticket ticket) {
  KJ_IF_MAYBE(instance, request.who.instance) {
    std::string id = makeMemberId(*instance, entropy_);
    KJ_IF_MAYBE(former, members_.idOfInstance(*instance)) {
      std::string from = *former;
      replaceStatic(turn, kj::mv(request), from, id, ticket);
    } else {
      addMember(turn, kj::mv(request), kj::mv(id), ticket);
    }
    return;
  }
  std::string id = makeMemberId(request.clientId, entropy_);
  if (request.memberIdRequired) {
    giveId(turn, request, kj::mv(id), ticket);
  } else {
    addMember(turn, kj::mv(request), kj::mv(id), ticket);
  }
}

void Group::giveId(Turn& turn, const JoinGroupRequest& request, std::string id, Ticket ticket) {
  if (members_.pending().size() >= config_.pendingMembersMax) {
    refuseJoin(turn, ticket, "", groupIsFull(id_, config_.pendingMembersMax));
    return;
  }
  SteadyMs until = turn.now.steady + request.sessionTimeoutMs;
  members_.addPending(id, until);
  expiryFrom_ = kj::min(expiryFrom_.orDefault(until), until);
  refuseJoin(turn, ticket, id,
             makeError(ErrorCode::kMemberIdRequired, "join group ", id_.c_str(), " again with the member id given"));
}

void Group::joinKnown(Turn& turn, JoinGroupRequest request, Ticket ticket) {
  std::string id = request.who.member;
  if (members_.isPending(id)) {
    if (request.who.instance == nullptr) {
      addMember(turn, kj::mv(request), kj::mv(id), ticket);
    } else {  // ids are given out to dynamic members only
      refuseJoin(turn, ticket, id, unknownMember(id_, id));
    }
    return;
  }
  KJ_IF_MAYBE(error, checkMember(request.who)) {
    refuseJoin(turn, ticket, id, kj::mv(*error));
    return;
  }
  auto& member = KJ_ASSERT_NONNULL(members_.find(id));
  bool isUnchanged = member.offersExactly(request.protocols);
  bool isLeader = members_.isLeader(id);
  // Without a change it has missed the answer. A stable leader's join asks for a rebalance: what it assigns may have
  // changed (partitions of a topic) though its own metadata has not.
  if (isUnchanged && (state_ == GroupState::kCompletingRebalance || (state_ == GroupState::kStable && !isLeader))) {
    startSession(member, member.sessionTimeoutMs, turn.now);
    answerGeneration(turn, member, ticket, isLeader);
  } else {
    updateMember(turn, member, kj::mv(request), ticket);
  }
}

void Group::addMember(Turn& turn, JoinGroupRequest request, std::string id, Ticket ticket) {
  KJ_IF_MAYBE(delay, initialDelay_) delay->memberAdded = true;
  if (members_.size() == 0) protocolType_ = request.protocolType;
  auto& member = members_.add(Member{
      .id = kj::mv(id),
      .instance = kj::mv(request.who.instance),
      .clientId = kj::mv(request.clientId),
      .clientHost = kj::mv(request.clientHost),
      .rebalanceTimeoutMs = request.rebalanceTimeoutMs,
      .sessionTimeoutMs = request.sessionTimeoutMs,
      .protocols = kj::mv(request.protocols),
      .isNew = true,
  });
  members_.awaitJoin(member, ticket);
  startSession(member, config_.newMemberJoinTimeoutMs, turn.now);
  rebalanceOrCompleteJoin(turn);
}

void Group::updateMember(Turn& turn, Member& member, JoinGroupRequest request, Ticket ticket) {
  setMember(turn, member, kj::mv(request), ticket);
  rebalanceOrCompleteJoin(turn);
}

void Group::setMember(Turn& turn, Member& member, JoinGroupRequest request, Ticket ticket) {
  KJ_IF_MAYBE(earlier, members_.endJoin(member)) refuseJoin(turn, *earlier, member.id, rebalanceInProgress(id_));
  member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  member.clientId = kj::mv(request.clientId);
  member.clientHost = kj::mv(request.clientHost);
  members_.setProtocols(member, kj::mv(request.protocols));
  members_.awaitJoin(member, ticket);
  startSession(member, member.isNew ? config_.newMemberJoinTimeoutMs : member.sessionTimeoutMs, turn.now);
}

void Group::answerGeneration(Turn& turn, const Member& member, Ticket ticket, bool isLeader) const {
  JoinGroupAnswer answer;
  answer.generation = generation_;
  answer.protocolType = protocolType_;
  answer.protocol = copyText(protocol_);
  answer.leader = KJ_ASSERT_NONNULL(members_.leader());
  answer.member = member.id;
  if (isLeader) {
    const std::string& protocol = KJ_ASSERT_NONNULL(protocol_);
    for (auto& [id, other] : members_.all()) {
      answer.members.add(JoinGroupAnswer::Member{id, copyText(other.instance), copyBytes(other.metadata(protocol))});
    }
  }
  turn.actions.add(AnswerJoin{ticket, kj::mv(answer)});
}

void Group::refuseJoin(Turn& turn, Ticket ticket, std::string member, Error error) {
  JoinGroupAnswer answer;
  answer.error = kj::mv(error);
  answer.member = kj::mv(member);
  turn.actions.add(AnswerJoin{ticket, kj::mv(answer)});
}

}  // namespace cambium
