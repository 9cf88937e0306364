#pragma once

#include <kj/async.h>
#include <kj/refcount.h>
#include <kj/timer.h>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/base/position_waiters.h"
#include "engine/base/wait_list.h"
#include "engine/base/work_pool.h"
#include "engine/partition/append_gate.h"
#include "engine/partition/append_outcome.h"
#include "engine/partition/move_status.h"
#include "engine/partition/partition_config.h"
#include "engine/partition/partition_metrics.h"
#include "engine/partition/producer_keeper.h"

namespace cambium {

// What a partition needs of its surroundings; all of it outlives the partition.
struct PartitionContext {
  WorkPool& pool;
  kj::Timer& timer;
  const Clock& clock;
  PartitionMetrics& metrics;
  WorkPool& checkPool;  // where large batches are checked; not `pool`, whose syncs would wait
  // What the records of a compressed batch may come to (--decompressed_batch_bytes_max).
  uint64_t inflatedBytesMax = kInflatedBytesDefault;
};

struct ReadOutcome {
  kj::Array<const kj::byte> batches;  // whole ones; the first may begin below the offset asked for
  Offset nextOffset;                  // where to read on
  Offset highWatermark;
  Offset logStart;
  Offset acknowledged;  // see Partition::noteAcknowledged; never below the high watermark
  // The reader has batches that this log does not have: it holds the same as this log up to this offset only. Nothing
  // was read.
  kj::Maybe<LeaderEpochs::End> diverging{};
};

// Which offset somebody looks for.
struct OffsetQuery {
  enum class Kind { kEarliest, kLatest, kTimestamp, kMaxTimestamp };
  Kind kind;
  TimestampMs timestamp = kNoTimestamp;  // for kTimestamp
};

struct OffsetFound {
  Offset offset = kNoOffset;  // kNoOffset: no record is that late
  TimestampMs timestamp = kNoTimestamp;
  LeaderEpoch leaderEpoch = kNoLeaderEpoch;
};

// How far compaction got, as far as it was looked at since the start of the broker.
struct CompactionStatus {
  Offset cleanedUpTo = kNoOffset;  // kNoOffset: the topic is not compacted, or nothing was yet
  kj::Maybe<kj::String> failure;   // why the last try came to nothing, and when the next one is

  CompactionStatus clone() const {
    return {cleanedUpTo, failure.map([](const kj::String& text) { return kj::str(text); })};
  }
};

// What a power loss would take, as far as is known: a system may write earlier than it is told to.
struct Unsynced {
  Bytes bytes;        // appended since the partition was opened and not synced
  int64_t ageMs = 0;  // since the oldest of them was appended
};

struct PartitionStatus {
  kj::Maybe<kj::String> offline;  // why, when it is, and what to do
  Offset logStart, highWatermark, end, durable;
  Bytes bytes;
  uint32_t extents = 0;
  LeaderEpoch leaderEpoch;
  CompactionStatus compaction;
  kj::Maybe<MoveStatus> move{};  // while the log is on its way to another engine; filled in by who moves it
  Unsynced unsynced;
};

// A piece of a log, for a copy of it.
struct LogSlice {
  kj::Array<const kj::byte> batches;  // whole ones; empty at the end
  Offset first;                       // of the first batch, or where the log ends
  Offset next;                        // one past the last batch, or where the log ends
  Bounds bounds;                      // of the log, at that moment
};

// One partition on its leader: checks and stamps what is appended, keeps the high watermark, groups syncs, wakes those
// who wait. Lives on one loop. When its log fails it goes offline: everything further is answered with kStorageError
// and the reason, until the broker opens it anew.
class Partition final : public kj::Refcounted {
 public:
  // A partition over an open log and what is known of its producers; `name` is for messages ("words-0"). `epoch` is
  // what is appended from now on; if the log has a later one, which it should not, that one goes on.
  Partition(kj::String name, kj::Own<PartitionLog> log, kj::Own<ProducerKeeper> producers, PartitionConfig config,
            LeaderEpoch epoch, PartitionContext context);
  // A partition whose log could not be opened.
  Partition(kj::String name, kj::String offlineReason, LeaderEpoch epoch, PartitionContext context);
  KJ_DISALLOW_COPY(Partition);

  // Checks one or more batches, stamps them in place and writes them; readable up to the high watermark at once. The
  // bytes are the partition's to change during the call. An answer that waits for durability waits on
  // whenCommitted(nextOffset) as well, also for batches of an idempotent producer that are there already (`duplicate`),
  // which are not written again. All of the batches or none. However long the check takes: for batches of our own.
  // While others wait: kRequestTimedOut.
  Result<AppendOutcome> append(kj::ArrayPtr<kj::byte> batches);
  // The same for batches of clients; null when others wait, or when there is so much in the batches that they are to be
  // checked on a thread. Then, before anything else is appended: appendLater().
  kj::Maybe<Result<AppendOutcome>> appendNow(kj::ArrayPtr<kj::byte> batches);
  // append(), behind all that waits. Dropping the promise changes nothing.
  kj::Promise<Result<AppendOutcome>> appendLater(kj::Array<kj::byte> batches);
  // What is appended from now on is of `epoch`; nothing when it is so already, or of a later one.
  void lead(LeaderEpoch epoch);
  // Counts an append that was refused before it came here.
  void countRefusal() { ++context_.metrics.appendFailures; }
  // Done once everything below `offset` is as safe as the topic's durability promises; an error when that cannot come
  // about.
  kj::Promise<Result<void>> whenCommitted(Offset offset);
  // Notes that a client goes on as if everything below `offset` was there: it was answered before the records were
  // committed (acks=leader), or waits for no answer.
  void noteAcknowledged(Offset offset) { acknowledged_ = kj::max(acknowledged_, offset); }
  // The end of what clients believe to be there; never below the high watermark.
  Offset acknowledged() const { return kj::max(acknowledged_, highWatermark_); }
  // Done when everything that was acknowledged before the call can be read. Ends as well when the oldest record that is
  // not synced has waited for kAcknowledgedWaitMs, and when the partition was closed or went offline.
  kj::Promise<void> whenAcknowledgedReadable();

  // Batches from `from` up to the high watermark, at least one if there is one; with bytesMax 0 none, only the bounds.
  // Empty at the high watermark. Batches that compaction has left without records are passed over: nextOffset may lie
  // further on than the last batch ends, also when there is none. kOffsetOutOfRange below the log start and beyond the
  // end. `lastEpoch` is that of the record before `from` as the reader has it, when it says so: see
  // ReadOutcome::diverging.
  Result<ReadOutcome> read(Offset from, Bytes bytesMax, LeaderEpoch lastEpoch = kNoLeaderEpoch);
  // Done when a record at `from` or later can be read, or when the partition was closed or went offline.
  kj::Promise<void> whenReadable(Offset from);

  Result<OffsetFound> findOffset(OffsetQuery query);
  // Where the records of a leader epoch end in this log, synced or not: see LeaderEpochs::endOffsetFor.
  Result<LeaderEpochs::End> endOfEpoch(LeaderEpoch epoch);
  // Makes everything below `before` unreadable (kNoOffset: below the high watermark); returns the new start.
  // kOffsetOutOfRange beyond the high watermark, but kRequestTimedOut for what was acknowledged and is not committed.
  Result<Offset> deleteRecords(Offset before);

  // --- The log's way to another engine; LogMove takes the steps. In partition_move.cc.
  // While it is set the batches of the log are not to be changed: part of them is copied already. Compaction gives up;
  // retention, which takes whole extents away, goes on.
  void setMoving(bool moving) { moving_ = moving; }
  bool isMoving() const { return moving_; }
  // Done when nobody has a hold().
  kj::Promise<void> whenUnheld();
  // From now on nothing changes the log: appends wait, deletions are refused (kRequestTimedOut), no sync begins.
  void holdAppends();
  // Lets what waits go on, in the order in which it came.
  void releaseAppends();
  bool holdsAppends() const { return gate_.held(); }
  kj::Promise<void> whenReleased() { return gate_.whenReleased(); }
  // Done when no sync is under way any more; while appends are held, that is when nobody but the caller uses the log.
  kj::Promise<void> whenQuiet();
  bool isQuiet() const { return !syncing_; }
  // What lies from `from` on (kNoOffset, or below the log's start: from there on), at least one batch if there is one,
  // beyond the high watermark too.
  Result<LogSlice> slice(Offset from, Bytes bytesMax);
  // Puts another log in the place of the one that is there, which is returned. Requires held appends, quiet, a log that
  // holds the same and is durable as a whole.
  kj::Own<PartitionLog> exchangeLog(kj::Own<PartitionLog> log);
  // It is not known any more which log is in charge: offline, until the broker opens the right one.
  void loseLog(kj::StringPtr reason);
  // How often that was done: who remembers something of the log by its extents forgets it then.
  uint32_t exchanges() const { return exchanges_; }
  // Of all appends since the partition was opened.
  uint64_t appendedBytes() const { return appendedBytes_; }

  // For retention and compaction: does something to the log, as all others do. An error when the partition is or goes
  // offline, when the device is full, and while appends are held.
  Result<bool> maintain(kj::StringPtr doing, kj::FunctionParam<bool(PartitionLog& log)> action);
  // While one lives, close() and a move wait: a piece of the log is worked on elsewhere. Who holds one ends soon when
  // isClosing() or isMoving(); whenClosing() is done in the first case.
  class Hold;
  kj::Own<Hold> hold();
  bool isClosing() const { return closing_; }
  // Syncs that a full device holds up are tried once more and then fail: the broker stops, and whoever waits for such a
  // sync is answered. Part of close().
  void awaitRoomNoMore();
  // Begins to sync what is not durable, whatever the topic's durability: only what is durable can be compacted.
  void requestSync();
  kj::Promise<void> whenClosing() {
    if (closing_) return kj::READY_NOW;
    return closingBegun_.wait();
  }
  Offset highWatermark() const { return highWatermark_; }
  PartitionMetrics& metrics() { return context_.metrics; }
  void setCompactionStatus(CompactionStatus status) { compaction_ = kj::mv(status); }

  void configure(PartitionConfig config);
  const PartitionConfig& config() const { return config_; }
  PartitionStatus status();
  // Sorted by id.
  Result<kj::Vector<ProducerDescription>> producers() const;
  // Forgets producers whose time is over; they are also forgotten at other moments.
  void expireProducers();
  kj::StringPtr name() const { return name_; }
  bool isOffline() const { return offlineReason_ != nullptr; }
  // What those are told who use it while it is offline: why, and what to do.
  kj::Maybe<Error> whyOffline() const;
  // Nothing when the partition is offline or closed.
  Unsynced unsynced() const;
  size_t waiting() const { return readers_.size() + committers_.size(); }

  enum class Ending {
    kKept,     // the log is opened again some day: what is there is synced
    kDeleted,  // it goes with the topic: what is not on the device need not get there
  };
  // Closes the log; the partition only answers errors from then on. Everybody who waits is woken. Never
  // fails: what goes wrong is logged.
  kj::Promise<void> close(Ending ending = Ending::kKept);
  // After a close() that kept: the row of the producers' states that has to be written, unless there is nothing new to
  // it. Left to the caller, who closes many partitions and writes all of their rows at once. Once.
  kj::Maybe<ProducerRow> takeLastProducerRow();

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    explicit TaskErrors(Partition& partition) : partition_(partition) {}
    void taskFailed(kj::Exception&& exception) override;

   private:
    Partition& partition_;
  };

  // The log is there and was not given up.
  bool usable() const { return log_.get() != nullptr && offlineReason_ == nullptr; }
  Error offlineError() const;
  // Runs `action` on the log; turns what it throws into an error, and the partition offline unless only the device is
  // full.
  template <class T>
  Result<T> guarded(kj::StringPtr doing, kj::FunctionParam<Result<T>(PartitionLog&)> action);
  void goOffline(kj::String reason);
  // The batches from `from` up to the high watermark that have records; moves `from` behind what was looked at.
  kj::Array<const kj::byte> readRecordful(PartitionLog& log, Offset& from, Bytes bytesMax);
  // The epochs of what the log has now.
  LeaderEpochs& epochsOf(PartitionLog& log);
  // Set when a reader at `from`, whose last record is of `lastEpoch`, holds something else than this log.
  Result<kj::Maybe<LeaderEpochs::End>> divergence(PartitionLog& log, Offset from, LeaderEpoch lastEpoch);
  Result<OffsetFound> firstSince(PartitionLog& log, TimestampMs atLeast);
  Result<OffsetFound> newest(PartitionLog& log);
  // The first record in [from, upTo) that is at least so late, or none.
  Result<OffsetFound> searchRecords(PartitionLog& log, Offset from, Offset upTo, TimestampMs atLeast);
  // The largest max timestamp of the batches with a record in [from, upTo).
  TimestampMs newestOfBatches(PartitionLog& log, Offset from, Offset upTo);
  // --- Appends. In partition_append.cc.
  IntakeRules intakeRules() const;
  // Appends what waits, in order, until one has to be checked on a thread or appends are held.
  void letIn();
  kj::Maybe<Result<AppendOutcome>> tryFirst(AppendGate::Waiting& first);
  kj::Promise<void> checkFirst();
  Result<AppendOutcome> finishAppend(kj::ArrayPtr<kj::byte> batches, Result<Intake> taken, int64_t begunNs);
  AppendOutcome stampAndWrite(PartitionLog& log, kj::ArrayPtr<kj::byte> batches);
  Result<AppendOutcome> refused(Error error);
  Result<AppendOutcome> refusedOffline();
  // For batches that are all in the log already.
  Result<AppendOutcome> answerDuplicate(const DuplicateBatch& duplicate) const;
  // Writes the producers' states when it is time.
  void keepProducers();
  kj::Promise<void> writeProducers(ProducerRow row);
  void scheduleSync();
  kj::Promise<void> syncUntilClean(bool afterInterval);
  kj::Promise<void> waitForInterval();
  void endInterval();
  kj::Promise<void> syncOnce();
  void advanceHighWatermark();
  void noteUnsynced(uint64_t bytes);

  kj::String name_;
  kj::Own<PartitionLog> log_;
  kj::Own<ProducerKeeper> producers_;  // there when the log ever was
  kj::Maybe<ProducerRow> lastProducerRow_;
  kj::Maybe<kj::String> offlineReason_;
  PartitionConfig config_;
  LeaderEpoch epoch_;
  PartitionContext context_;
  Offset highWatermark_{0};
  Offset acknowledged_{0};
  // Appended and not synced: behind what the sync that is under way covers, and in it.
  struct Waiting {
    uint64_t bytes = 0;
    int64_t sinceNs = 0;
  };
  Waiting unsynced_, inSync_;
  bool syncing_ = false;   // a sync loop is under way
  bool keeping_ = false;   // a row of the producers is being written
  bool checking_ = false;  // batches of the append whose turn it is are checked on a thread
  bool closing_ = false;
  bool moving_ = false;
  uint32_t exchanges_ = 0;
  uint64_t appendedBytes_ = 0;
  AppendGate gate_{kHeldBytesMax};
  WaitList quiet_;
  size_t holds_ = 0;
  WaitList holdsGone_;
  WaitList closingBegun_;
  CompactionStatus compaction_;
  bool roomAwaited_ = true;                                      // a sync that a full device holds up is tried again
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> syncPauseEnd_;  // set between two attempts: cuts the pause short
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> intervalEnd_;   // set while an interval runs: cuts it short
  PositionWaiters<Offset> readers_;
  PositionWaiters<Offset> committers_;
  TaskErrors taskErrors_{*this};
  kj::TaskSet tasks_{taskErrors_};
};

class Partition::Hold {
 public:
  explicit Hold(kj::Own<Partition> partition) : partition_(kj::mv(partition)) { ++partition_->holds_; }
  ~Hold() noexcept(false) {
    if (--partition_->holds_ == 0) partition_->holdsGone_.wakeAll();
  }
  KJ_DISALLOW_COPY(Hold);

 private:
  kj::Own<Partition> partition_;
};

}  // namespace cambium
