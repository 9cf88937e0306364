#pragma once

#include <set>
#include <unordered_map>

#include <kj/refcount.h>

#include "engine/base/bell.h"
#include "engine/group/coordinator_report.h"
#include "engine/group/group.h"
#include "engine/group/group_log.h"
#include "engine/group/group_row_writer.h"
#include "engine/group/group_timers.h"
#include "engine/group/metadata_bytes.h"

namespace cambium {

struct GroupSettings {
  GroupConfig group;
  int64_t offsetsRetentionMs = 7LL * 24 * 3600 * 1000;
  int64_t expiryCheckMs = 10LL * 60 * 1000;  // between two looks for what has expired
  size_t metadataBytesMax = 4096;            // that a client may keep with an offset
  size_t groupMetadataBytesMax = 16 << 20;   // … and with all offsets of one group
};

// What a coordinator needs of its surroundings; all of it outlives the coordinator.
struct GroupSurroundings {
  StorageEngine& tables;
  WorkPool& pool;
  kj::Timer& timer;
  const Clock& clock;
  const Entropy& entropy;
  const GroupSettings& settings;
  // Whether there is such a partition; kUnknownTopicOrPartition otherwise.
  kj::ConstFunction<Result<void>(const std::string& topic, int32_t partition)>& checkPartition;
};

// The groups of one partition of the internal topic: their members (a Group each) and their committed offsets. The log
// has the truth; the maps here hold what of it is committed, the tables a somewhat older state of them. Lives on the
// loop that owns the partition. Nothing may be asked before load() is done. Promises that wait may be dropped at any
// time, but not after the coordinator has gone.
class GroupCoordinator {
 public:
  // `index`: of the partition in the internal topic.
  GroupCoordinator(Uuid topic, int32_t index, kj::Own<Partition> partition, const GroupSurroundings& surroundings);
  ~GroupCoordinator() noexcept(false);
  KJ_DISALLOW_COPY(GroupCoordinator);

  // Takes `rows` and what the log has behind them. Rows that the log may not know (of a data directory from before
  // there was one; see GroupRows::position) are written into it where it says nothing else. An error leaves the
  // coordinator without its groups: it must not be used.
  kj::Promise<Result<void>> load(GroupRows rows);
  // Answers everybody who waits, and everything from then on, with kCoordinatorNotAvailable; done when what was begun
  // has ended and the tables hold it.
  kj::Promise<void> close();

  // Dropping the promise of a join or a sync only forgets the pending answer.
  kj::Promise<JoinGroupAnswer> join(JoinGroupRequest request);
  kj::Promise<SyncGroupAnswer> sync(SyncGroupRequest request);
  Result<void> heartbeat(const MemberIdentity& who);
  // Heartbeats for a member that lives in this process: answers when heartbeat() no longer says that all is well, at
  // the moment when that happens, or after this time, which is to be shorter than the session.
  kj::Promise<Result<void>> awaitRebalance(MemberIdentity who, int64_t waitMsMax);
  LeaveGroupAnswer leave(const LeaveGroupRequest& request);

  // Done when the offsets are durable and to be fetched. kOffsetMetadataTooLarge, kUnknownTopicOrPartition for one
  // offset; the others go through.
  kj::Promise<CommitOffsetsAnswer> commitOffsets(CommitOffsetsRequest request);
  Result<kj::Vector<OffsetOfKey>> fetchOffsets(const FetchOffsetsRequest& request) const;
  // kGroupIdNotFound; kNonEmptyGroup for a group with members of another kind than consumers, as a whole;
  // kGroupSubscribedToTopic for an offset. What is not there counts as deleted.
  kj::Promise<DeleteOffsetsAnswer> deleteOffsets(DeleteOffsetsRequest request);
  // With all its offsets. kGroupIdNotFound, kNonEmptyGroup.
  kj::Promise<Result<void>> deleteGroup(std::string group);
  // Forgets what was committed for a topic, also what is on its way.
  kj::Promise<Result<void>> forgetTopic(std::string topic);

  GroupDescription describe(const std::string& group) const;
  // Sorted by name.
  kj::Vector<GroupListing> list() const;
  CoordinatorReport report() const;

 private:
  // Kept alive by writes under way, which may outlive its place in the map.
  struct Slot final : public kj::Refcounted {
    template <class... Parts>
    explicit Slot(const std::string& name, Parts&&... parts) : name(name), group(name, kj::fwd<Parts>(parts)...) {}
    const std::string name;
    Group group;
    GroupState seenState = GroupState::kDead;  // when carryOut() was last called
    Bell changed;                              // the state
    kj::Maybe<int64_t> rebalancingSinceNs;     // by the steady clock
    size_t writes = 0;                         // under way
  };
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };
  template <class Answer>
  using Waiting = std::unordered_map<Ticket, kj::Own<kj::PromiseFulfiller<Answer>>>;

  // While loading rows that may say more than the log: what the log says anything about.
  struct Seen {
    std::set<OffsetKey> offsets;
    std::set<std::string> groups;
  };

  Moment now() const;
  Error closedError() const;
  kj::Maybe<Slot&> find(const std::string& name) const;
  Slot& findOrMake(const std::string& name);
  // Carries out what a group asks for, and takes note of its next deadline. The group may be gone afterwards.
  void noteState(Slot& slot);
  void carryOut(Slot& slot, GroupActions actions);
  void persist(kj::Own<Slot> slot, Persist persist);
  template <class Answer>
  kj::Promise<Answer> wait(Waiting<Answer>& waiting, Ticket ticket, const std::string& group);
  void forgetTicket(const std::string& group, Ticket ticket);
  void due(const std::string& group);

  // Forgets a group that is empty, has no offsets and is not in the log, unless somebody was given an id to join with;
  // with `deleted` also then.
  void dropIfIdle(const std::string& group, bool deleted = false);

  void apply(GroupChanges changes, Offset upTo);
  // The metadata of an offset is no larger than it may be, neither alone nor with the others of its group, of which
  // `more` bytes come along.
  Result<void> checkMetadata(const std::string& group, const OffsetToCommit& offset, size_t more) const;
  void restoreGroups();
  GroupChanges unknownToTheLog(const Seen& seen) const;
  Result<void> checkCommit(const MemberIdentity& who);
  bool hasOffsets(const std::string& group) const;
  bool knows(const std::string& group) const { return find(group) != nullptr || hasOffsets(group); }
  // Keys of the group (or of all, with null) that have an offset, or get one by a write under way.
  std::set<OffsetKey> keysOf(kj::Maybe<const std::string&> group) const;

  kj::Promise<void> expireRegularly();
  kj::Maybe<std::string> groupAfter(const std::string& group) const;
  void expire(const std::string& group, GroupChanges& changes) const;

  const int32_t index_;
  const Uuid topic_;
  const GroupSurroundings& surroundings_;
  std::map<OffsetKey, CommittedOffset> offsets_;
  kj::Own<MetadataBytes> metadataBytes_ = kj::refcounted<MetadataBytes>();
  std::map<std::string, kj::Array<const kj::byte>> restored_;  // values of groups while loading
  std::set<std::string> stored_;                               // groups with a record in the log
  std::map<std::string, kj::Own<Slot>> groups_;
  kj::Maybe<Seen> seen_;
  Waiting<JoinGroupAnswer> joins_;
  Waiting<SyncGroupAnswer> syncs_;
  Ticket nextTicket_ = 1;
  bool loading_ = true;
  bool closed_ = false;
  CoordinatorReport report_;
  GroupRowWriter rows_;
  GroupLog log_;
  GroupTimers timers_;
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
