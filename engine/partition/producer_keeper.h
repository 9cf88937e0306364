#pragma once

#include "engine/partition/producer_states.h"
#include "engine/partition/producer_table.h"

namespace cambium {

// After so many bytes appended the states are written again: not much more than this is read when the log is opened
// after a crash.
inline constexpr Bytes kProducerRowEvery = mebibytes(16);

// Keeps the states of one partition's producers, and the leader epochs of its log, over restarts. Made where the log is
// opened, then lives where the partition does; one thread at a time.
//
// A row is written when the log it describes is durable, as far as the topic is ever synced. After a power loss the log
// may still end below a row; a row is then of batches that are gone, and is replaced (see correction()).
class ProducerKeeper {
 public:
  // Loads the states and reads what the log got since; reads all of the log, less what is older than producers live,
  // when there is no row that helps. Epochs that no row tells are looked up in the log, by few reads for each. Blocks.
  // Throws what the log throws.
  static kj::Own<ProducerKeeper> recover(LogId id, PartitionLog& log, ProducerTable table, ProducerLimits limits,
                                         TimestampMs now);
  ProducerKeeper(LogId id, ProducerTable table, ProducerLimits limits)
      : id_(kj::mv(id)), table_(table), limits_(limits), states_(limits) {}
  KJ_DISALLOW_COPY(ProducerKeeper);

  // Set after recover() when the row of the table is wrong: this one must be committed before the log grows, lest the
  // log reaches the row's offset with other batches. The caller commits, many at once. Once.
  kj::Maybe<ProducerRow> correction() { return takeRow(correction_); }

  // What was wrong with the row that recover() found, for the log; null when nothing was.
  const kj::Maybe<kj::String>& complaint() const { return complaint_; }

  const ProducerStates& states() const { return states_; }
  // Of the log; may still name epochs below its start.
  LeaderEpochs& epochs() { return epochs_; }
  ProducerTable table() const { return table_; }
  void expire(TimestampMs now) { states_.expire(now); }

  // Batches were appended, stamped as they are here.
  void appended(ByteView batches, TimestampMs now);

  // A row that should be written now, because so much was appended. With `onlyDurable` it waits until the log is
  // durable so far: call again after each sync.
  kj::Maybe<ProducerRow> due(Bounds bounds, bool onlyDurable, TimestampMs now);
  // Such a row was written.
  void kept(Offset upTo) { keptUpTo_ = upTo; }

  // The row for a clean end; null when the table has it already, when there is nothing to say, or when the log is not
  // durable as a whole.
  kj::Maybe<ProducerRow> last(Bounds bounds, TimestampMs now);

 private:
  static kj::Maybe<ProducerRow> takeRow(kj::Maybe<ProducerRow>& from);
  ProducerRow rowOf(Bounds bounds, TimestampMs now);
  // Takes up the row if it holds: gives the offset from where the log has to be read.
  kj::Maybe<Offset> takeUp(Bounds bounds, TimestampMs now);
  void complain(kj::String what);
  void replay(PartitionLog& log, Offset from, TimestampMs now);
  // Looks up which epochs the batches in [from, upTo) have; epochs never fall along a log.
  void findEpochs(PartitionLog& log, Offset from, Offset upTo);

  LogId id_;
  ProducerTable table_;
  ProducerLimits limits_;
  ProducerStates states_;
  LeaderEpochs epochs_;
  Offset epochsUpTo_{0};         // while the log is replayed: epochs_ speaks of what lies below
  Offset keptUpTo_ = kNoOffset;  // kNoOffset: no row
  bool rowIsWrong_ = false;
  uint64_t bytesSinceRow_ = 0;
  kj::Maybe<kj::String> complaint_;
  kj::Maybe<ProducerRow> correction_;
  kj::Maybe<ProducerRow> pending_;  // waits for the log to be durable
};

}  // namespace cambium
