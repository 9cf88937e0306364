#pragma once

#include "engine/retention/cleanup_config.h"
#include "engine/retention/log_picture.h"

namespace cambium {

// How far compaction got in one log, over restarts. Lost, the log is compacted anew, which harms nothing.
struct CleanerProgress {
  Offset cleanedUpTo = kNoOffset;          // records below were compacted; kNoOffset: none
  TimestampMs nextHorizon = kNoTimestamp;  // when a tombstone below may go; kNoTimestamp: there is none

  friend bool operator==(const CleanerProgress&, const CleanerProgress&) = default;
};

// A pass of compaction over one log: the extents that are closed and old enough, from the log's beginning on.
struct CompactionPlan {
  kj::Vector<Extent> extents;  // those to compact; at least one
  Offset logStart;
  Offset logEnd;
  Offset firstDirty;  // records from here on were never compacted
  Offset end;         // … up to here they may be
  double dirtyRatio;  // bytes of extents with such records, of all
};

// What there is to know of a log's dirty part.
struct DirtyPart {
  kj::Vector<Extent> extents;  // that may be compacted, clean and dirty
  Offset firstDirty;
  size_t firstDirtyExtent = 0;  // of `extents`; their number when all are clean
  double ratio = 0;
};

// Extents may be compacted as in Apache Kafka (LogCleanerManager.cleanableOffsets): closed, durable, below the high
// watermark, and with min.compaction.lag.ms without a record younger than that.
DirtyPart dirtyPart(const LogPicture& log, const CleanupConfig& config, const CleanerProgress& progress,
                    TimestampMs now);

// Whether the log is due: the share of its dirty bytes is above min.cleanable.dirty.ratio, or a dirty record is older
// than max.compaction.lag.ms, or a tombstone's time is over. `firstDirtyTimestamp` is that of the first dirty extent's
// first batch, kNoTimestamp when unknown. Null when it is not.
kj::Maybe<CompactionPlan> planCompaction(const LogPicture& log, const CleanupConfig& config,
                                         const CleanerProgress& progress, TimestampMs firstDirtyTimestamp,
                                         TimestampMs now);

}  // namespace cambium
