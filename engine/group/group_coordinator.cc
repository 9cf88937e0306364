#include "engine/group/group_coordinator.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/group/offset_records.h"

namespace cambium {

namespace {

Error unknownMember(const std::string& group) {
  return makeError(ErrorCode::kUnknownMemberId, "group ", group.c_str(), " has no members");
}

Result<void> checkGroupId(const std::string& group) {
  if (!group.empty() && group.size() <= kOffsetKeyNameBytesMax) return Result<void>();
  return makeError(ErrorCode::kInvalidGroupId, "the name of a group that has members is 1 to ", kOffsetKeyNameBytesMax,
                   " bytes long, not ", group.size());
}

JoinGroupAnswer refuseJoin(Error error, std::string member) {
  JoinGroupAnswer answer;
  answer.error = kj::mv(error);
  answer.member = kj::mv(member);
  return answer;
}

SyncGroupAnswer refuseSync(Error error) {
  SyncGroupAnswer answer;
  answer.error = kj::mv(error);
  return answer;
}

// Hands out the answer to whoever still waits for it.
template <class Waiting, class Answer>
void answerTicket(Waiting& waiting, Ticket ticket, Answer answer) {
  auto found = waiting.find(ticket);
  if (found == waiting.end()) return;
  auto fulfiller = kj::mv(found->second);
  waiting.erase(found);
  fulfiller->fulfill(kj::mv(answer));
}

}  // namespace

GroupCoordinator::GroupCoordinator(Uuid topic, int32_t index, kj::Own<Partition> partition,
                                   const GroupSurroundings& surroundings)
    : index_(index),
      topic_(topic),
      surroundings_(surroundings),
      rows_(index, topic, surroundings.tables, surroundings.pool, surroundings.timer),
      log_(kj::mv(partition), surroundings.clock,
           [this](GroupChanges changes, Offset upTo) { apply(kj::mv(changes), upTo); }),
      timers_(surroundings.timer, surroundings.clock, [this](const std::string& group) { due(group); }) {
  report_.partition = index;
}

GroupCoordinator::~GroupCoordinator() noexcept(false) {}

void GroupCoordinator::TaskErrors::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "group coordinator", exception);
}

Moment GroupCoordinator::now() const {
  return {SteadyMs(surroundings_.clock.steadyNs() / 1'000'000), surroundings_.clock.now()};
}

Error GroupCoordinator::closedError() const {
  return makeError(ErrorCode::kCoordinatorNotAvailable, "the broker is stopping");
}

// --- Coming and going
// --------------------------------------------------------------------------------------------------------------

kj::Promise<Result<void>> GroupCoordinator::load(GroupRows rows) {
  auto found = co_await log_.bounds();
  if (!found.ok()) co_return Result<void>(kj::mv(found.error()));
  auto bounds = found.value();
  auto from = bounds.start;
  bool trusted = false;
  KJ_IF_MAYBE(position, rows.position) {
    trusted = position->topic == topic_ && position->upTo >= bounds.start && position->upTo <= bounds.end;
    if (trusted) {
      from = position->upTo;
    } else {
      KJ_LOG(WARNING, "the tables of groups do not belong to the log; all of it is read", index_, position->topic,
             position->upTo);
    }
  }
  offsets_ = kj::mv(rows.offsets);
  for (auto& [key, offset] : offsets_)
    metadataBytes_->add(key.group, offset.metadata.size());
  restored_ = kj::mv(rows.groups);
  if (!trusted) seen_.emplace();
  report_.logStart = bounds.start;
  report_.replayedFrom = from;
  report_.replayedTo = bounds.end;
  auto replayed = co_await log_.replay(from, bounds.end);
  if (!replayed.ok()) co_return kj::mv(replayed);
  KJ_IF_MAYBE(seen, seen_) {
    auto unknown = unknownToTheLog(*seen);
    seen_ = nullptr;
    auto written = co_await log_.write(kj::mv(unknown));
    if (!written.ok()) co_return kj::mv(written);
    rows_.begin();
    co_await rows_.writeNow();
  }
  rows_.begin();
  restoreGroups();
  loading_ = false;
  tasks_.add(expireRegularly());
  co_return Result<void>();
}

GroupChanges GroupCoordinator::unknownToTheLog(const Seen& seen) const {
  GroupChanges changes;
  for (auto& [key, offset] : offsets_)
    if (seen.offsets.count(key) == 0) changes.offsets.add(OffsetChange{key, offset.clone()});
  for (auto& [group, value] : restored_) {
    if (seen.groups.count(group) == 0)
      changes.groups.add(GroupChange{group, kj::heapArray<const kj::byte>(value.asPtr())});
  }
  return changes;
}

void GroupCoordinator::restoreGroups() {
  for (auto& [name, value] : restored_) {
    stored_.insert(name);
    KJ_IF_MAYBE(metadata, decodeGroupRecordValue(value)) {
      auto slot =
          kj::refcounted<Slot>(name, surroundings_.settings.group, surroundings_.entropy, kj::mv(*metadata), now());
      timers_.set(name, slot->group.nextDeadline());
      groups_.emplace(name, kj::mv(slot));
    } else {
      KJ_LOG(ERROR, "the record of a group is damaged; it begins anew, with its offsets", name.c_str());
    }
  }
  restored_.clear();
}

void GroupCoordinator::apply(GroupChanges changes, Offset upTo) {
  rows_.note(changes, upTo);
  KJ_IF_MAYBE(seen, seen_) {
    for (auto& change : changes.offsets)
      seen->offsets.insert(change.key);
    for (auto& change : changes.groups)
      seen->groups.insert(change.group);
  }
  for (auto& change : changes.offsets) {
    auto before = offsets_.find(change.key);
    if (before != offsets_.end()) metadataBytes_->remove(change.key.group, before->second.metadata.size());
    KJ_IF_MAYBE(offset, change.offset) {
      metadataBytes_->add(change.key.group, offset->metadata.size());
      offsets_.insert_or_assign(kj::mv(change.key), kj::mv(*offset));
    } else {
      offsets_.erase(change.key);
    }
  }
  for (auto& change : changes.groups) {
    if (change.value == nullptr) {
      stored_.erase(change.group);
      restored_.erase(change.group);
      dropIfIdle(change.group);
    } else {
      stored_.insert(change.group);
      if (loading_) restored_.insert_or_assign(change.group, kj::mv(KJ_ASSERT_NONNULL(change.value)));
    }
  }
}

kj::Promise<void> GroupCoordinator::close() {
  closed_ = true;
  timers_.stop();
  for (auto& [name, slot] : groups_) {
    GroupActions actions;
    slot->group.close(closedError(), actions);
    slot->changed.ring();
    for (auto& action : actions) {
      if (action.is<AnswerJoin>()) {
        auto& join = action.get<AnswerJoin>();
        answerTicket(joins_, join.ticket, kj::mv(join.answer));
      } else if (action.is<AnswerSync>()) {
        auto& sync = action.get<AnswerSync>();
        answerTicket(syncs_, sync.ticket, kj::mv(sync.answer));
      }
    }
  }
  co_await log_.whenIdle();
  co_await rows_.writeNow();
}

// --- Members
// --------------------------------------------------------------------------------------------------------------

kj::Maybe<GroupCoordinator::Slot&> GroupCoordinator::find(const std::string& name) const {
  auto found = groups_.find(name);
  if (found == groups_.end()) return nullptr;
  return const_cast<Slot&>(*found->second);
}

GroupCoordinator::Slot& GroupCoordinator::findOrMake(const std::string& name) {
  auto& slot = groups_[name];
  if (slot.get() == nullptr)
    slot = kj::refcounted<Slot>(name, surroundings_.settings.group, surroundings_.entropy, now());
  return *slot;
}

template <class Answer>
kj::Promise<Answer> GroupCoordinator::wait(Waiting<Answer>& waiting, Ticket ticket, const std::string& group) {
  auto paf = kj::newPromiseAndFulfiller<Answer>();
  waiting.emplace(ticket, kj::mv(paf.fulfiller));
  return paf.promise.attach(kj::defer([this, &waiting, ticket, group] {
    if (waiting.erase(ticket) > 0) forgetTicket(group, ticket);
  }));
}

void GroupCoordinator::forgetTicket(const std::string& group, Ticket ticket) {
  KJ_IF_MAYBE(slot, find(group)) {
    slot->group.cancelPending(ticket, now());
    carryOut(*slot, {});
  }
}

kj::Promise<JoinGroupAnswer> GroupCoordinator::join(JoinGroupRequest request) {
  if (closed_) return refuseJoin(closedError(), request.who.member);
  auto named = checkGroupId(request.who.group);
  if (!named.ok()) return refuseJoin(kj::mv(named.error()), request.who.member);
  auto ticket = nextTicket_++;
  auto answer = wait(joins_, ticket, request.who.group);
  auto& slot = findOrMake(request.who.group);
  GroupActions actions;
  slot.group.join(kj::mv(request), ticket, now(), actions);
  carryOut(slot, kj::mv(actions));
  return answer;
}

kj::Promise<SyncGroupAnswer> GroupCoordinator::sync(SyncGroupRequest request) {
  if (closed_) return refuseSync(closedError());
  auto named = checkGroupId(request.who.group);
  if (!named.ok()) return refuseSync(kj::mv(named.error()));
  KJ_IF_MAYBE(slot, find(request.who.group)) {
    auto ticket = nextTicket_++;
    auto answer = wait(syncs_, ticket, request.who.group);
    GroupActions actions;
    slot->group.sync(kj::mv(request), ticket, now(), actions);
    carryOut(*slot, kj::mv(actions));
    return answer;
  }
  return refuseSync(unknownMember(request.who.group));
}

Result<void> GroupCoordinator::heartbeat(const MemberIdentity& who) {
  if (closed_) return closedError();
  auto named = checkGroupId(who.group);
  if (!named.ok()) return named;
  KJ_IF_MAYBE(slot, find(who.group)) {
    auto result = slot->group.heartbeat(who, now());
    carryOut(*slot, {});
    return result;
  }
  return unknownMember(who.group);
}

kj::Promise<Result<void>> GroupCoordinator::awaitRebalance(MemberIdentity who, int64_t waitMsMax) {
  auto deadline = surroundings_.timer.now() + waitMsMax * kj::MILLISECONDS;
  for (;;) {
    auto alive = heartbeat(who);
    if (!alive.ok() || surroundings_.timer.now() >= deadline) co_return kj::mv(alive);
    kj::Promise<void> changed = kj::READY_NOW;
    KJ_IF_MAYBE(slot, find(who.group)) changed = slot->changed.wait();
    // The bell fails when its group is dropped: then nobody is a member of it.
    co_await changed.catch_([](kj::Exception&&) {}).exclusiveJoin(surroundings_.timer.atTime(deadline));
  }
}

LeaveGroupAnswer GroupCoordinator::leave(const LeaveGroupRequest& request) {
  LeaveGroupAnswer answer;
  auto named = checkGroupId(request.group);
  if (closed_) {
    answer.error = closedError();
  } else if (!named.ok()) {
    answer.error = kj::mv(named.error());
  } else KJ_IF_MAYBE(slot, find(request.group)) {
    GroupActions actions;
    answer = slot->group.leave(request, now(), actions);
    carryOut(*slot, kj::mv(actions));
  } else {
    for (size_t i = 0; i < request.members.size(); ++i)
      answer.perMember.add(unknownMember(request.group));
  }
  return answer;
}

void GroupCoordinator::due(const std::string& group) {
  KJ_IF_MAYBE(slot, find(group)) {
    GroupActions actions;
    slot->group.tick(now(), actions);
    carryOut(*slot, kj::mv(actions));
  }
}

void GroupCoordinator::noteState(Slot& slot) {
  auto state = slot.group.state();
  if (slot.seenState == state) return;
  slot.seenState = state;
  slot.changed.ring();
  auto nowNs = surroundings_.clock.steadyNs();
  if (state == GroupState::kStable) {
    KJ_IF_MAYBE(since, slot.rebalancingSinceNs) report_.rebalances.add(nowNs - *since);
  }
  if (state == GroupState::kStable || state == GroupState::kEmpty) {
    slot.rebalancingSinceNs = nullptr;
  } else if (slot.rebalancingSinceNs == nullptr) {
    slot.rebalancingSinceNs = nowNs;
  }
}

void GroupCoordinator::carryOut(Slot& slot, GroupActions actions) {
  noteState(slot);
  for (auto& action : actions) {
    if (action.is<AnswerJoin>()) {
      auto& join = action.get<AnswerJoin>();
      answerTicket(joins_, join.ticket, kj::mv(join.answer));
    } else if (action.is<AnswerSync>()) {
      auto& sync = action.get<AnswerSync>();
      answerTicket(syncs_, sync.ticket, kj::mv(sync.answer));
    } else {
      persist(kj::addRef(slot), kj::mv(action.get<Persist>()));
    }
  }
  auto current = groups_.find(slot.name);
  if (closed_ || current == groups_.end() || current->second.get() != &slot) return;
  timers_.set(slot.name, slot.group.nextDeadline());
  dropIfIdle(std::string(slot.name));
}

void GroupCoordinator::persist(kj::Own<Slot> slot, Persist persist) {
  GroupChanges changes;
  changes.groups.add(GroupChange{slot->name, kj::Array<const kj::byte>(encodeGroupRecordValue(persist.metadata))});
  auto token = persist.token;
  ++slot->writes;
  tasks_.add(log_.write(kj::mv(changes)).then([this, slot = kj::mv(slot), token](Result<void>&& written) mutable {
    --slot->writes;
    GroupActions actions;
    slot->group.persisted(token, kj::mv(written), now(), actions);
    carryOut(*slot, kj::mv(actions));
  }));
}

void GroupCoordinator::dropIfIdle(const std::string& group, bool deleted) {
  auto found = groups_.find(group);
  if (found == groups_.end() || stored_.count(group) > 0 || hasOffsets(group)) return;
  auto& slot = *found->second;
  if (slot.writes > 0 || slot.group.state() != GroupState::kEmpty) return;
  if (!deleted && slot.group.nextDeadline() != nullptr) return;
  timers_.set(group, nullptr);
  groups_.erase(found);
}

}  // namespace cambium
