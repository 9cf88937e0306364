#pragma once

#include <kj/refcount.h>

#include "engine/partition/partition.h"
#include "engine/retention/cleaner_table.h"
#include "engine/retention/cleanup_config.h"
#include "engine/retention/compaction.h"
#include "engine/retention/throttle.h"

namespace cambium {

// What cleanup needs of its loop, shared by all partitions there; outlives them.
struct CleanupContext {
  WorkPool& pool;
  const Clock& clock;
  const Entropy& entropy;
  Throttle& throttle;  // of compaction
  CleanerTable table;
  size_t keysMax;     // of a key map
  int64_t backoffMs;  // after a failure; doubles with each further one, up to an hour
};

// Retention and compaction of one partition: applies the rules, and remembers what they need between two looks. Lives
// on the partition's loop. Where it lives on while the partition closes, it does nothing more.
class PartitionCleanup final : public kj::Refcounted {
 public:
  PartitionCleanup(CleanupContext& context, kj::Own<Partition> partition, LogId log, CleanupConfig config)
      : context_(context), partition_(kj::mv(partition)), log_(kj::mv(log)), config_(config) {}
  KJ_DISALLOW_COPY(PartitionCleanup);

  void configure(CleanupConfig config);
  // Whether it has to be looked at for retention, and for compaction.
  bool retains() const { return !partition_->isOffline(); }
  bool compacts() const { return config_.compacts() && !partition_->isOffline(); }

  // Gives up what retention says, a few extents at most, because their files are removed on the loop; closes the last
  // extent when its time is over. True when there is more to give up. What fails is logged, and tried again at the next
  // look.
  bool retainSome();

  // The share of dirty bytes, when compaction is due (when all that it lacks is that the log is durable, a sync is
  // begun); null when it is not, or was tried in vain and waits. What is known of earlier passes is loaded by
  // loadProgress() first.
  kj::Maybe<double> dirtyRatioIfDue();
  bool needsProgress() const { return config_.compacts() && !progressLoaded_; }
  kj::Promise<void> loadProgress();
  // Compacts until it is not due any more, or fails, or the partition closes. Never throws: a failure is logged,
  // counted, shown in the partition's status, and tried again later. Not at the same time as another call.
  kj::Promise<void> compact();

 private:
  LogPicture look(PartitionLog& log);
  kj::Maybe<CompactionPlan> plan();
  TimestampMs firstDirtyTimestamp(PartitionLog& log, const LogPicture& picture);
  void closeLastIfOld(PartitionLog& log, LogPicture& picture);
  kj::Own<Compaction> begin(CompactionPlan plan);
  // Null when all went well; else why not.
  kj::Promise<kj::Maybe<kj::String>> run(kj::Own<Compaction> pass);
  kj::Promise<void> saveProgress();
  void count(const Compaction& pass);
  void fail(kj::StringPtr reason);
  void show(kj::Maybe<kj::String> failure);

  CleanupContext& context_;
  kj::Own<Partition> partition_;
  LogId log_;
  CleanupConfig config_;
  UntimedExtents untimed_;
  uint32_t exchanges_ = 0;
  Offset closedAt_ = kNoOffset;  // the end of the log when its last extent was closed
  bool progressLoaded_ = false;
  CleanerProgress progress_;
  // The first batch of the first dirty extent, so that it is read once.
  Offset timedExtent_ = kNoOffset;
  TimestampMs timedAt_ = kNoTimestamp;
  int failures_ = 0;  // in a row
  int64_t retryAtNs_ = 0;
};

}  // namespace cambium
