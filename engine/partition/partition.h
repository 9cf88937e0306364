#pragma once

#include <kj/async.h>
#include <kj/refcount.h>
#include <kj/timer.h>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/base/position_waiters.h"
#include "engine/base/work_pool.h"
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
};

struct AppendOutcome {
  Offset baseOffset;  // of the first record
  Offset nextOffset;  // one past the last one
  TimestampMs logAppendTime = kNoTimestamp;
  Offset logStart;
  bool duplicate = false;  // the batches were there already, and the rest says where
};

struct ReadOutcome {
  kj::Array<const kj::byte> batches;  // whole ones; the first may begin below the offset asked for
  Offset nextOffset;                  // where to read on
  Offset highWatermark;
  Offset logStart;
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
  Unsynced unsynced;
};

// One partition on its leader: checks and stamps what is appended, keeps the high watermark, groups syncs, wakes those
// who wait. Lives on one loop. When its log fails it goes offline: everything further is answered with kStorageError
// and the reason, until the broker opens it anew.
class Partition final : public kj::Refcounted {
 public:
  // A partition over an open log and what is known of its producers; `name` is for messages ("words-0").
  Partition(kj::String name, kj::Own<PartitionLog> log, kj::Own<ProducerKeeper> producers, PartitionConfig config,
            LeaderEpoch epoch, PartitionContext context);
  // A partition whose log could not be opened.
  Partition(kj::String name, kj::String offlineReason, LeaderEpoch epoch, PartitionContext context);
  KJ_DISALLOW_COPY(Partition);

  // Checks one or more batches, stamps them in place and writes them; readable up to the high watermark at once. The
  // bytes are the partition's to change during the call. An answer that waits for durability waits on
  // whenCommitted(nextOffset) as well, also for batches of an idempotent producer that are there already (`duplicate`),
  // which are not written again. All of the batches or none.
  Result<AppendOutcome> append(kj::ArrayPtr<kj::byte> batches);
  // Counts an append that was refused before it came here.
  void countRefusal() { ++context_.metrics.appendFailures; }
  // Done once everything below `offset` is as safe as the topic's durability promises; an error when that cannot come
  // about.
  kj::Promise<Result<void>> whenCommitted(Offset offset);

  // Batches from `from` up to the high watermark, at least one if there is one; with bytesMax 0 none, only the bounds.
  // Empty at the high watermark. kOffsetOutOfRange below the log start and beyond the end.
  Result<ReadOutcome> read(Offset from, Bytes bytesMax);
  // Done when a record at `from` or later can be read, or when the partition was closed or went offline.
  kj::Promise<void> whenReadable(Offset from);

  Result<OffsetFound> findOffset(OffsetQuery query);
  // Makes everything below `before` unreadable (kNoOffset: below the high watermark); returns the new start.
  Result<Offset> deleteRecords(Offset before);

  void configure(PartitionConfig config);
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
  Result<kj::Array<kj::byte>> inTopicCodec(kj::ArrayPtr<kj::byte> batches, Codec codec);
  Result<OffsetFound> firstSince(PartitionLog& log, TimestampMs atLeast);
  Result<OffsetFound> newest(PartitionLog& log);
  // The first record in [from, upTo) that is at least so late, or none.
  Result<OffsetFound> searchRecords(PartitionLog& log, Offset from, Offset upTo, TimestampMs atLeast);
  // The largest max timestamp of the batches with a record in [from, upTo).
  TimestampMs newestOfBatches(PartitionLog& log, Offset from, Offset upTo);
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
  // Appended and not synced: behind what the sync that is under way covers, and in it.
  struct Waiting {
    uint64_t bytes = 0;
    int64_t sinceNs = 0;
  };
  Waiting unsynced_, inSync_;
  bool syncing_ = false;  // a sync loop is under way
  bool keeping_ = false;  // a row of the producers is being written
  bool closing_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> intervalEnd_;  // set while an interval runs: cuts it short
  PositionWaiters<Offset> readers_;
  PositionWaiters<Offset> committers_;
  TaskErrors taskErrors_{*this};
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
