#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/group/group_coordinator.h"
#include "engine/group/subscription.h"

// The half of GroupCoordinator that is about committed offsets.

namespace cambium {

namespace {

constexpr kj::StringPtr kConsumerType = "consumer"_kj;
// Groups looked at for what has expired before the loop may turn.
constexpr size_t kExpiryStep = 500;

Error noGroup(const std::string& group) {
  return makeError(ErrorCode::kGroupIdNotFound, "group ", group.c_str(), " is not found");
}

OffsetKey firstKeyOf(const std::string& group) {
  return {group, "", INT32_MIN};
}

}  // namespace

bool GroupCoordinator::hasOffsets(const std::string& group) const {
  auto first = offsets_.lower_bound(firstKeyOf(group));
  return first != offsets_.end() && first->first.group == group;
}

std::set<OffsetKey> GroupCoordinator::keysOf(kj::Maybe<const std::string&> group) const {
  std::set<OffsetKey> keys;
  auto at = offsets_.begin();
  KJ_IF_MAYBE(name, group) at = offsets_.lower_bound(firstKeyOf(*name));
  auto belongs = [&](const OffsetKey& key) {
    KJ_IF_MAYBE(name, group) return key.group == *name;
    return true;
  };
  for (; at != offsets_.end() && belongs(at->first); ++at)
    keys.insert(at->first);
  log_.eachPending([&](const GroupChanges& changes) {
    for (auto& change : changes.offsets)
      if (belongs(change.key)) keys.insert(change.key);
  });
  return keys;
}

Result<void> GroupCoordinator::checkCommit(const MemberIdentity& who) {
  if (closed_) return closedError();
  if (who.group.size() > kOffsetKeyNameBytesMax) {
    return makeError(ErrorCode::kInvalidGroupId, "a group's name of ", who.group.size(),
                     " bytes has no offsets; at most ", kOffsetKeyNameBytesMax, " are possible");
  }
  KJ_IF_MAYBE(slot, find(who.group)) {
    auto checked = slot->group.checkCommit(who, now());
    carryOut(*slot, {});
    return checked;
  }
  // Without a generation it comes from somebody who manages no group: a simple group is made, or is there.
  if (who.generation < 0) return Result<void>();
  if (!hasOffsets(who.group)) return noGroup(who.group);
  return makeError(ErrorCode::kUnknownMemberId, "group ", who.group.c_str(), " has no members");
}

Result<void> GroupCoordinator::checkMetadata(const std::string& group, const OffsetToCommit& offset,
                                             size_t more) const {
  auto tooLarge = [&](kj::StringPtr whose, size_t bytes, size_t most) {
    return makeError(ErrorCode::kOffsetMetadataTooLarge, "the metadata ", whose, offset.topic.c_str(), "-",
                     offset.partition, " has ", bytes, " bytes, at most ", most, " are allowed");
  };
  auto& settings = surroundings_.settings;
  if (offset.metadata.size() > settings.metadataBytesMax) {
    return tooLarge("for ", offset.metadata.size(), settings.metadataBytesMax);
  }
  size_t all = more + offset.metadata.size() + metadataBytes_->of(group);
  auto before = offsets_.find(OffsetKey{group, offset.topic, offset.partition});
  if (before != offsets_.end()) all -= before->second.metadata.size();
  if (all > settings.groupMetadataBytesMax && offset.metadata.size() > 0) {
    return tooLarge("of all offsets of the group with that for ", all, settings.groupMetadataBytesMax);
  }
  return Result<void>();
}

kj::Promise<CommitOffsetsAnswer> GroupCoordinator::commitOffsets(CommitOffsetsRequest request) {
  CommitOffsetsAnswer answer(request.offsets.size());
  auto allowed = checkCommit(request.who);
  auto now = surroundings_.clock.now();
  GroupChanges changes;
  size_t bytes = 0;
  for (auto& offset : request.offsets) {
    auto& error = answer.add();
    auto there = surroundings_.checkPartition(offset.topic, offset.partition);
    auto fits = checkMetadata(request.who.group, offset, bytes);
    if (!allowed.ok()) {
      error = allowed.error().clone();
    } else if (!fits.ok()) {
      error = kj::mv(fits.error());
    } else if (!there.ok()) {
      error = kj::mv(there.error());
    } else {
      bytes += offset.metadata.size();
      changes.offsets.add(
          OffsetChange{{request.who.group, offset.topic, offset.partition},
                       CommittedOffset{offset.offset, offset.leaderEpoch,
                                       kj::heapString(offset.metadata.data(), offset.metadata.size()), now}});
    }
  }
  // They count until they are among the others, or the client has gone.
  kj::Maybe<MetadataBytes::Lease> underWay;
  underWay.emplace(*metadataBytes_, request.who.group, bytes);
  auto written = co_await log_.write(kj::mv(changes));
  underWay = nullptr;
  if (!written.ok()) {
    for (auto& error : answer)
      if (error == nullptr) error = written.error().clone();
  }
  co_return kj::mv(answer);
}

Result<kj::Vector<OffsetOfKey>> GroupCoordinator::fetchOffsets(const FetchOffsetsRequest& request) const {
  if (closed_) return closedError();
  kj::Vector<OffsetOfKey> entries;
  uint64_t bytes = 0;
  auto add = [&](OffsetKey key, CommittedOffset offset) {
    bytes += offset.metadata.size();
    entries.add(OffsetOfKey{kj::mv(key), kj::mv(offset)});
  };
  auto mayAdd = [&] { return entries.size() < request.entriesMax && bytes < request.bytesMax; };
  auto& group = request.who.group;
  KJ_IF_MAYBE(wanted, request.wanted) {
    for (auto& one : *wanted) {
      if (!mayAdd()) break;
      OffsetKey key{group, one.topic, one.partition};
      auto found = offsets_.find(key);
      auto offset = found == offsets_.end() ? CommittedOffset() : found->second.clone();
      add(kj::mv(key), kj::mv(offset));
    }
  } else {
    auto at = offsets_.lower_bound(firstKeyOf(group));
    KJ_IF_MAYBE(after, request.after) at = offsets_.upper_bound(*after);
    for (; at != offsets_.end() && at->first.group == group && mayAdd(); ++at)
      add(at->first, at->second.clone());
  }
  return kj::mv(entries);
}

// --- Deletion
// --------------------------------------------------------------------------------------------------------------

kj::Promise<DeleteOffsetsAnswer> GroupCoordinator::deleteOffsets(DeleteOffsetsRequest request) {
  DeleteOffsetsAnswer answer;
  auto refuse = [&](Error error) {
    answer.error = kj::mv(error);
    return kj::mv(answer);
  };
  if (closed_) co_return refuse(closedError());
  auto keys = keysOf(request.group);
  std::set<std::string> subscribed;
  KJ_IF_MAYBE(slot, find(request.group)) {
    if (slot->group.state() != GroupState::kEmpty && slot->group.protocolType() != kConsumerType.cStr()) {
      co_return refuse(makeError(ErrorCode::kNonEmptyGroup, "group ", request.group.c_str(), " has members"));
    }
    for (auto& member : slot->group.toMetadata().members)
      addSubscribedTopics(member.subscription, subscribed);
  } else if (keys.empty()) {
    co_return refuse(noGroup(request.group));
  }
  GroupChanges changes;
  for (auto& which : request.which) {
    auto& error = answer.perOffset.add();
    OffsetKey key{request.group, which.topic, which.partition};
    if (subscribed.count(which.topic) > 0) {
      error = makeError(ErrorCode::kGroupSubscribedToTopic, "a member of group ", request.group.c_str(), " consumes ",
                        which.topic.c_str());
    } else if (keys.count(key) > 0) {
      changes.offsets.add(OffsetChange{kj::mv(key), nullptr});
    }
  }
  auto written = co_await log_.write(kj::mv(changes));
  if (!written.ok()) answer.error = kj::mv(written.error());
  // As with Kafka, a group without its last offset stays until expired ones are looked for: who deletes offsets may
  // well delete the group next, and shall find it.
  if (!closed_) findOrMake(request.group);
  co_return kj::mv(answer);
}

kj::Promise<Result<void>> GroupCoordinator::deleteGroup(std::string group) {
  if (closed_) co_return Result<void>(closedError());
  auto keys = keysOf(group);
  KJ_IF_MAYBE(slot, find(group)) {
    auto allowed = slot->group.checkDelete();
    if (!allowed.ok()) co_return kj::mv(allowed);
  } else if (keys.empty()) {
    co_return Result<void>(noGroup(group));
  }
  GroupChanges changes;
  for (auto& key : keys)
    changes.offsets.add(OffsetChange{key, nullptr});
  changes.groups.add(GroupChange{group, nullptr});
  auto written = co_await log_.write(kj::mv(changes));
  dropIfIdle(group, true);
  co_return kj::mv(written);
}

kj::Promise<Result<void>> GroupCoordinator::forgetTopic(std::string topic) {
  GroupChanges changes;
  for (auto& key : keysOf(nullptr))
    if (key.topic == topic) changes.offsets.add(OffsetChange{key, nullptr});
  return log_.write(kj::mv(changes));
}

// --- Expiry
// --------------------------------------------------------------------------------------------------------------

kj::Maybe<std::string> GroupCoordinator::groupAfter(const std::string& group) const {
  auto withOffsets = offsets_.lower_bound(firstKeyOf(group + '\0'));
  auto withMembers = groups_.upper_bound(group);
  if (withOffsets == offsets_.end() && withMembers == groups_.end()) return nullptr;
  if (withOffsets == offsets_.end()) return withMembers->first;
  if (withMembers == groups_.end()) return withOffsets->first.group;
  return std::min(withMembers->first, withOffsets->first.group);
}

kj::Promise<void> GroupCoordinator::expireRegularly() {
  for (;;) {
    co_await surroundings_.timer.afterDelay(surroundings_.settings.expiryCheckMs * kj::MILLISECONDS);
    // The group named "" has no members, but may have offsets.
    kj::Maybe<std::string> at = std::string();
    while (at != nullptr && !closed_) {
      GroupChanges changes;
      // A commit on its way is newer than what would be judged here.
      std::set<std::string> busy;
      log_.eachPending([&](const GroupChanges& pending) {
        for (auto& change : pending.offsets)
          busy.insert(change.key.group);
        for (auto& change : pending.groups)
          busy.insert(change.group);
      });
      for (size_t step = 0; step < kExpiryStep; ++step) {
        KJ_IF_MAYBE(group, at) {
          if (busy.count(*group) == 0) expire(*group, changes);
          at = groupAfter(std::string(*group));
        }
      }
      auto written = co_await log_.write(kj::mv(changes));
      if (!written.ok()) KJ_LOG(ERROR, "expired offsets stay until the next look", written.error());
      co_await kj::evalLater([] {});
    }
  }
}

void GroupCoordinator::expire(const std::string& group, GroupChanges& changes) const {
  auto wall = surroundings_.clock.now();
  auto emptySince = kNoTimestamp;
  KJ_IF_MAYBE(slot, find(group)) {
    if (slot->group.state() != GroupState::kEmpty) return;
    if (!slot->group.protocolType().empty()) emptySince = slot->group.stateSince();
  }
  bool keepsSome = false;
  for (auto at = offsets_.lower_bound(firstKeyOf(group)); at != offsets_.end() && at->first.group == group; ++at) {
    auto since = kj::max(emptySince, at->second.committedAt);
    if (wall - since >= surroundings_.settings.offsetsRetentionMs) {
      changes.offsets.add(OffsetChange{at->first, nullptr});
    } else {
      keepsSome = true;
    }
  }
  KJ_IF_MAYBE(slot, find(group)) {
    bool idle = slot->writes == 0 && slot->group.nextDeadline() == nullptr;
    if (idle && !keepsSome) changes.groups.add(GroupChange{group, nullptr});
  }
}

// --- What doors show
// --------------------------------------------------------------------------------------------------------------

GroupDescription GroupCoordinator::describe(const std::string& group) const {
  KJ_IF_MAYBE(slot, find(group)) return slot->group.describe();
  GroupDescription description;
  description.group = group;
  if (hasOffsets(group)) description.state = GroupState::kEmpty;
  return description;
}

kj::Vector<GroupListing> GroupCoordinator::list() const {
  kj::Vector<GroupListing> all;
  if (hasOffsets("")) all.add(GroupListing{"", "", GroupState::kEmpty});
  for (auto at = groupAfter(""); at != nullptr;) {
    auto& name = KJ_ASSERT_NONNULL(at);
    KJ_IF_MAYBE(slot, find(name)) {
      all.add(GroupListing{name, slot->group.protocolType(), slot->group.state()});
    } else {
      all.add(GroupListing{name, "", GroupState::kEmpty});
    }
    at = groupAfter(std::string(name));
  }
  return all;
}

CoordinatorReport GroupCoordinator::report() const {
  auto report = report_;
  report.writtenUpTo = rows_.writtenUpTo();
  report.groups = groups_.size();
  report.offsets = offsets_.size();
  return report;
}

}  // namespace cambium
