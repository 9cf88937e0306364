#include "engine/group/group.h"

#include <kj/debug.h>

#include "engine/group/group_errors.h"

namespace cambium {

Group::Group(std::string id, const GroupConfig& config, const Entropy& entropy, Moment now)
    : id_(kj::mv(id)), config_(config), entropy_(entropy), stateSince_(now.wall) {}

Group::Group(std::string id, const GroupConfig& config, const Entropy& entropy, GroupMetadata metadata, Moment now)
    : id_(kj::mv(id)),
      config_(config),
      entropy_(entropy),
      stateSince_(metadata.currentStateTimestamp),
      generation_(metadata.generation),
      protocolType_(kj::mv(metadata.protocolType)) {
  if (metadata.members.size() == 0) return;
  state_ = GroupState::kStable;
  std::string protocol = metadata.protocol.orDefault("");
  for (auto& read : metadata.members) {
    bool isTwice = members_.find(read.member) != nullptr;
    KJ_IF_MAYBE(instance, read.instance) isTwice = isTwice || members_.idOfInstance(*instance) != nullptr;
    if (isTwice) {
      KJ_LOG(WARNING, "a group was written with a member twice; the second is left out", id_.c_str(),
             read.member.c_str());
      continue;
    }
    Member member{
        .id = kj::mv(read.member),
        .instance = kj::mv(read.instance),
        .clientId = kj::mv(read.clientId),
        .clientHost = kj::mv(read.clientHost),
        .rebalanceTimeoutMs = read.rebalanceTimeoutMs,
        .sessionTimeoutMs = read.sessionTimeoutMs,
        .assignment = kj::mv(read.assignment),
    };
    member.protocols.add(GroupProtocol{protocol, kj::mv(read.subscription)});
    auto& added = members_.add(kj::mv(member));
    startSession(added, added.sessionTimeoutMs, now);
  }
  protocol_ = kj::mv(protocol);
  KJ_IF_MAYBE(leader, metadata.leader) {
    if (members_.find(*leader) != nullptr) members_.setLeader(*leader);
  }
  if (members_.size() > static_cast<size_t>(config_.maxSize)) {
    // The limit has been lowered: whoever joins again first stays.
    GroupActions actions;
    Turn turn{now, actions};
    rebalance(turn);
    KJ_ASSERT(actions.size() == 0, "nobody waits in a group that was just read");
  }
}

kj::Maybe<Error> Group::checkMember(const MemberIdentity& who) const {
  KJ_IF_MAYBE(instance, who.instance) {
    KJ_IF_MAYBE(current, members_.idOfInstance(*instance)) {
      if (*current != who.member) return fencedInstance(id_, *instance, who.member);
    } else {
      return unknownMember(id_, who.member);
    }
  }
  if (members_.find(who.member) == nullptr) return unknownMember(id_, who.member);
  return nullptr;
}

Result<void> Group::heartbeat(const MemberIdentity& who, Moment now) {
  if (who.group.empty()) return noGroupId();
  if (state_ == GroupState::kDead) return groupIsDead(id_);
  KJ_IF_MAYBE(error, checkMember(who)) return kj::mv(*error);
  if (who.generation != generation_) return illegalGeneration(id_, who.generation, generation_);
  auto& member = KJ_ASSERT_NONNULL(members_.find(who.member));
  startSession(member, member.sessionTimeoutMs, now);
  if (state_ == GroupState::kPreparingRebalance) return rebalanceInProgress(id_);
  return {};
}

LeaveGroupAnswer Group::leave(const LeaveGroupRequest& request, Moment now, GroupActions& actions) {
  Turn turn{now, actions};
  LeaveGroupAnswer answer;
  if (request.group.empty()) {
    answer.error = noGroupId();
  } else if (state_ == GroupState::kDead) {
    answer.error = groupIsDead(id_);
  }
  if (answer.error != nullptr) return answer;
  for (auto& leaver : request.members)
    answer.perMember.add(leaveOne(turn, leaver));
  return answer;
}

kj::Maybe<Error> Group::leaveOne(Turn& turn, const LeaveGroupRequest::Leaver& leaver) {
  std::string id = leaver.member;
  if (id.empty()) {
    KJ_IF_MAYBE(instance, leaver.instance) {
      KJ_IF_MAYBE(current, members_.idOfInstance(*instance)) id = *current;
    }
    if (id.empty()) return unknownMember(id_, id);
  } else if (members_.isPending(id)) {
    removePending(turn, id);
    return nullptr;
  } else {
    MemberIdentity who{.group = id_, .member = id, .instance = copyText(leaver.instance)};
    KJ_IF_MAYBE(error, checkMember(who)) return kj::mv(*error);
  }
  removeMember(turn, id);
  return nullptr;
}

void Group::cancelPending(Ticket ticket, Moment now) {
  KJ_IF_MAYBE(member, members_.forget(ticket)) startSession(*member, member->sessionTimeoutMs, now);
}

void Group::persist(Turn& turn, GroupMetadata metadata, Write write) {
  PersistToken token = nextToken_++;
  writes_.emplace(token, kj::mv(write));
  turn.actions.add(Persist{token, kj::mv(metadata)});
}

void Group::persisted(PersistToken token, Result<void> written, Moment now, GroupActions& actions) {
  if (state_ == GroupState::kDead) return;
  auto node = writes_.extract(token);
  KJ_REQUIRE(!node.empty(), "no such write is under way", token);
  Turn turn{now, actions};
  KJ_SWITCH_ONEOF(node.mapped()) {
    KJ_CASE_ONEOF(empty, EmptyWrite) {
      // A restart would find the members of the generation before, whose sessions then end.
      if (!written.ok()) KJ_LOG(WARNING, "an empty group was not written", id_.c_str(), written.error());
    }
    KJ_CASE_ONEOF(assignment, AssignmentWrite) {
      assignmentsWritten(turn, kj::mv(assignment), written);
    }
    KJ_CASE_ONEOF(replacement, ReplacementWrite) {
      replacementWritten(turn, kj::mv(replacement), written);
    }
  }
}

Result<void> Group::checkCommit(const MemberIdentity& who, Moment now) {
  if (state_ == GroupState::kDead) return groupIsDead(id_);
  if (who.generation < 0 && state_ == GroupState::kEmpty) return {};
  if (who.generation < 0 && who.member.empty() && who.instance == nullptr) return unknownMember(id_, who.member);
  KJ_IF_MAYBE(error, checkMember(who)) return kj::mv(*error);
  if (who.generation != generation_) return illegalGeneration(id_, who.generation, generation_);
  if (state_ == GroupState::kCompletingRebalance) return rebalanceInProgress(id_);
  auto& member = KJ_ASSERT_NONNULL(members_.find(who.member));
  startSession(member, member.sessionTimeoutMs, now);
  return {};
}

Result<void> Group::checkDelete() const {
  if (state_ == GroupState::kDead) {
    return makeError(ErrorCode::kGroupIdNotFound, "there is no group ", id_.c_str());
  }
  if (state_ != GroupState::kEmpty) {
    return makeError(ErrorCode::kNonEmptyGroup, "group ", id_.c_str(), " has ", members_.size(),
                     " members; stop them first");
  }
  return {};
}

void Group::close(const Error& reason, GroupActions& actions) {
  Turn turn{{SteadyMs(0), stateSince_}, actions};
  for (auto& [id, member] : members_.all()) {
    KJ_IF_MAYBE(ticket, members_.endJoin(member)) refuseJoin(turn, *ticket, id, reason.clone());
    KJ_IF_MAYBE(ticket, members_.endSync(member)) refuseSync(turn, *ticket, reason.clone());
  }
  state_ = GroupState::kDead;
  expiryFrom_ = nullptr;
  joinDeadline_ = nullptr;
  syncDeadline_ = nullptr;
  missingSyncs_.clear();
  writes_.clear();
}

GroupDescription Group::describe() const {
  GroupDescription description;
  description.group = id_;
  description.state = state_;
  if (state_ == GroupState::kDead) return description;
  description.protocolType = protocolType_;
  bool isStable = state_ == GroupState::kStable;
  if (isStable) description.protocol = KJ_ASSERT_NONNULL(protocol_);
  for (auto& [id, member] : members_.all()) {
    description.members.add(GroupDescription::Member{
        .member = id,
        .instance = copyText(member.instance),
        .clientId = member.clientId,
        .clientHost = member.clientHost,
        .metadata = isStable ? copyBytes(member.metadata(description.protocol)) : nullptr,
        .assignment = isStable ? copyBytes(member.assignment) : nullptr,
    });
  }
  return description;
}

GroupMetadata Group::toMetadata() const {
  GroupMetadata metadata{
      .protocolType = protocolType_,
      .generation = generation_,
      .protocol = copyText(protocol_),
      .leader = copyText(members_.leader()),
      .currentStateTimestamp = stateSince_,
  };
  std::string protocol = protocol_.orDefault("");
  for (auto& [id, member] : members_.all()) {
    metadata.members.add(GroupMetadata::Member{
        .member = id,
        .instance = copyText(member.instance),
        .clientId = member.clientId,
        .clientHost = member.clientHost,
        .rebalanceTimeoutMs = member.rebalanceTimeoutMs,
        .sessionTimeoutMs = member.sessionTimeoutMs,
        .subscription = copyBytes(member.metadata(protocol)),
        .assignment = copyBytes(member.assignment),
    });
  }
  return metadata;
}

}  // namespace cambium
