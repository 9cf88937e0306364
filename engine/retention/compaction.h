#pragma once

#include <kj/refcount.h>

#include "engine/retention/compaction_plan.h"
#include "engine/retention/record_filter.h"

namespace cambium {

struct CompactionSettings {
  TimestampMs now;
  int64_t deleteRetentionMs;
  kj::Maybe<Codec> codec{};  // of the topic, with its level
  int compressionLevel = kDefaultCompressionLevel;
  Bytes segmentBytes;  // neighbours that together hold no more become one extent
  size_t keysMax;      // of the key map
  KeyHasher::Seed seed;
  LastOffsets producers;
};

struct CompactionOutcome {
  // False: the log was cut meanwhile, so that the rest was given up. What was put in place stays.
  bool complete = false;
  CleanerProgress progress;  // when complete
  FilterCounts counts;       // of what was looked at
  uint64_t mapped = 0;       // keys in the map
  uint64_t replaced = 0;     // pieces of the log that were put in place
  uint64_t bytesBefore = 0;  // … what they held before
  uint64_t bytesAfter = 0;   // … and after
};

// One pass over one log, as a machine in steps: those on the log are quick and belong to its thread, those that read,
// filter and write are slow, touch nothing but what was cut out of the log, and may run on any thread, one at a time.
//
//     while (pass.next() != Compaction::Step::kDone) {
//       if (pass.next() == Compaction::Step::kLog) pass.onLog(log);
//       else pass.work();
//     }
//
// First the dirty part is read and the newest offset of each of its keys noted, as far as the map takes them. Then the
// log is rewritten from its beginning up to there, piece by piece; a piece of one extent that stays as it is is not
// written. Each piece is replaced atomically, older ones first: a pass that ends anywhere leaves a log that is right.
// Between the steps the log may be appended to, synced, and cut. Throws what the log throws, and FAILED for batches
// that cannot be read; the pass is over then.
class Compaction final : public kj::AtomicRefcounted {
 public:
  enum class Step { kLog, kWork, kDone };

  Compaction(CompactionPlan plan, CompactionSettings settings);
  KJ_DISALLOW_COPY(Compaction);

  Step next() const;
  void onLog(PartitionLog& log);
  // Some of it, about 256 KiB.
  void work();
  // Bytes that the last work() read and wrote.
  Bytes moved() const { return moved_; }
  // Lets go of what was cut out of the log; on the log's thread, at any time. The pass is over.
  void giveUp();

  // At the end.
  const CompactionOutcome& outcome() const { return outcome_; }

 private:
  enum class State {
    kOpenMap,    // log: cut out the dirty part, or the next piece of it
    kFillMap,    // work
    kOpenPiece,  // log: cut out the next piece
    kScan,       // work: is there anything to do?
    kWrite,      // work
    kFinish,     // work: make it durable
    kPlace,      // log
    kDone,
  };

  void workOnce();
  void openMap(PartitionLog& log);
  void fillMap();
  bool noteKeys(const BatchView& batch);
  void openPiece(PartitionLog& log);
  // The end of the piece that begins at this extent.
  size_t pieceEnd(size_t from, Bytes bytesMax) const;
  void scan();
  void write();
  void place(PartitionLog& log);
  void beginFilter();
  void endPiece();
  void finishPass();
  void abort();

  CompactionPlan plan_;
  KeyHasher hasher_;
  LastOffsets producers_;
  FilterRules rules_;
  Bytes segmentBytes_;
  size_t keysMax_;
  kj::Maybe<KeyMap> map_;
  State state_;
  kj::Own<ExtentRewrite> rewrite_;
  kj::Maybe<RecordFilter> filter_;
  ByteWriter out_;
  Bytes moved_;
  uint64_t pieceBytesBefore_ = 0;
  size_t mapExtent_ = 0;    // the next one that the map has to take in
  size_t firstExtent_ = 0;  // of the piece
  size_t nextExtent_ = 0;   // behind it
  CompactionOutcome outcome_;
};

}  // namespace cambium
