#include <algorithm>
#include <limits>
#include <vector>

#include <kj/debug.h>

#include "engine/group/group.h"
#include "engine/group/group_errors.h"

namespace cambium {

namespace {

// How long a generation that nobody joined is put off at least; members may give 0 as their rebalance timeout.
constexpr int32_t kPutOffMsMin = 1'000;

bool isDue(const kj::Maybe<SteadyMs>& deadline, Moment now) {
  KJ_IF_MAYBE(d, deadline) return *d <= now.steady;
  return false;
}

}  // namespace

void Group::rebalance(Turn& turn) {
  if (state_ == GroupState::kCompletingRebalance) {
    for (auto& [id, member] : members_.all())
      member.assignment = nullptr;
    answerSyncs(turn, rebalanceInProgress(id_));
  }
  missingSyncs_.clear();
  syncDeadline_ = nullptr;
  assignmentsUnderWay_ = false;

  int32_t timeoutMs = members_.rebalanceTimeoutMs();
  if (state_ == GroupState::kEmpty) {
    int32_t delayMs = config_.initialRebalanceDelayMs;
    initialDelay_ = InitialDelay{delayMs, kj::max(timeoutMs - delayMs, 0), false};
    joinDeadline_ = turn.now.steady + delayMs;
    transition(GroupState::kPreparingRebalance, turn.now);
    return;
  }
  initialDelay_ = nullptr;
  transition(GroupState::kPreparingRebalance, turn.now);
  if (members_.allJoined()) {
    completeJoin(turn);
  } else {
    joinDeadline_ = turn.now.steady + timeoutMs;
  }
}

void Group::rebalanceOrCompleteJoin(Turn& turn) {
  if (state_ == GroupState::kPreparingRebalance) {
    maybeCompleteJoin(turn);
  } else {
    rebalance(turn);
  }
}

void Group::maybeCompleteJoin(Turn& turn) {
  if (state_ == GroupState::kPreparingRebalance && initialDelay_ == nullptr && members_.allJoined()) {
    completeJoin(turn);
  }
}

void Group::completeJoin(Turn& turn) {
  joinDeadline_ = nullptr;
  std::vector<std::string> absent;  // static members stay: they may be away for as long as their session
  for (auto& [id, member] : members_.all()) {
    if (!member.joined && member.instance == nullptr) absent.push_back(id);
  }
  for (auto& id : absent)
    dropMember(turn, id);
  if (!members_.electLeader() && members_.size() > 0) {
    joinDeadline_ = turn.now.steady + kj::max(members_.rebalanceTimeoutMs(), kPutOffMsMin);
    return;
  }
  initialDelay_ = nullptr;
  startGeneration(turn);
}

void Group::startGeneration(Turn& turn) {
  generation_ = generation_ == std::numeric_limits<int32_t>::max() ? 1 : generation_ + 1;
  missingSyncs_.clear();
  if (members_.size() == 0) {
    protocol_ = nullptr;
    transition(GroupState::kEmpty, turn.now);
    persist(turn, toMetadata(), EmptyWrite());
    return;
  }
  protocol_ = members_.selectProtocol();
  transition(GroupState::kCompletingRebalance, turn.now);
  for (auto& [id, member] : members_.all()) {
    KJ_IF_MAYBE(ticket, members_.endJoin(member)) answerGeneration(turn, member, *ticket, members_.isLeader(id));
    member.isNew = false;
    startSession(member, member.sessionTimeoutMs, turn.now);
    missingSyncs_.insert(id);
  }
  syncDeadline_ = turn.now.steady + members_.rebalanceTimeoutMs();
}

// Whatever the member waits for is answered; what follows from its absence is the caller's.
void Group::dropMember(Turn& turn, const std::string& id) {
  KJ_IF_MAYBE(member, members_.find(id)) {
    KJ_IF_MAYBE(ticket, members_.endJoin(*member)) refuseJoin(turn, *ticket, "", unknownMember(id_, id));
    KJ_IF_MAYBE(ticket, members_.endSync(*member)) refuseSync(turn, *ticket, unknownMember(id_, id));
    missingSyncs_.erase(id);
    members_.remove(id);
  }
}

void Group::removeMember(Turn& turn, const std::string& id) {
  dropMember(turn, id);
  if (state_ == GroupState::kStable || state_ == GroupState::kCompletingRebalance) {
    rebalance(turn);
  } else {
    maybeCompleteJoin(turn);
  }
}

void Group::removePending(Turn& turn, const std::string& id) {
  members_.removePending(id);
  maybeCompleteJoin(turn);
}

void Group::transition(GroupState state, Moment now) {
  state_ = state;
  stateSince_ = now.wall;
}

void Group::startSession(Member& member, int32_t timeoutMs, Moment now) {
  member.sessionEnds = now.steady + timeoutMs;
  expiryFrom_ = kj::min(expiryFrom_.orDefault(member.sessionEnds), member.sessionEnds);
}

kj::Maybe<SteadyMs> Group::nextDeadline() const {
  kj::Maybe<SteadyMs> next;
  auto consider = [&](const kj::Maybe<SteadyMs>& deadline) {
    KJ_IF_MAYBE(d, deadline) next = kj::min(next.orDefault(*d), *d);
  };
  consider(expiryFrom_);
  consider(joinDeadline_);
  if (!missingSyncs_.empty()) consider(syncDeadline_);
  return next;
}

void Group::tick(Moment now, GroupActions& actions) {
  Turn turn{now, actions};
  expireMembers(turn);
  expireSyncs(turn);
  expireJoin(turn);
}

void Group::expireMembers(Turn& turn) {
  if (!isDue(expiryFrom_, turn.now)) return;
  std::vector<std::string> lapsed;
  for (auto& [id, until] : members_.pending()) {
    if (until <= turn.now.steady) lapsed.push_back(id);
  }
  for (auto& id : lapsed)
    removePending(turn, id);
  std::vector<std::string> silent;
  auto isSilent = [&](const Member& member) { return member.mayExpire() && member.sessionEnds <= turn.now.steady; };
  for (auto& [id, member] : members_.all()) {
    if (isSilent(member)) silent.push_back(id);
  }
  for (auto& id : silent) {
    // The removal of one may end a wait, which begins the session of another anew.
    KJ_IF_MAYBE(member, members_.find(id)) {
      if (isSilent(*member)) removeMember(turn, id);
    }
  }
  expiryFrom_ = nullptr;
  auto consider = [&](SteadyMs end) { expiryFrom_ = kj::min(expiryFrom_.orDefault(end), end); };
  for (auto& [id, until] : members_.pending())
    consider(until);
  for (auto& [id, member] : members_.all()) {
    if (member.mayExpire()) consider(member.sessionEnds);
  }
}

void Group::expireSyncs(Turn& turn) {
  if (!isDue(syncDeadline_, turn.now)) return;
  syncDeadline_ = nullptr;
  if (missingSyncs_.empty()) return;
  auto missing = missingSyncs_;
  for (auto& id : missing)
    dropMember(turn, id);
  rebalance(turn);
}

void Group::expireJoin(Turn& turn) {
  if (!isDue(joinDeadline_, turn.now)) return;
  KJ_IF_MAYBE(delay, initialDelay_) {
    if (delay->memberAdded && delay->remainingMs > 0) {
      int32_t nextMs = kj::min(config_.initialRebalanceDelayMs, delay->remainingMs);
      *delay = InitialDelay{nextMs, kj::max(delay->remainingMs - delay->delayMs, 0), false};
      joinDeadline_ = turn.now.steady + nextMs;
      return;
    }
  }
  completeJoin(turn);
}

}  // namespace cambium
