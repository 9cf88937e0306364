#pragma once

#include <kj/array.h>

#include "engine/record/batch_view.h"
#include "engine/record/compression.h"
#include "engine/record/record.h"

namespace cambium {

// Batches that compaction leaves behind, as Apache Kafka writes them (clients' MemoryRecords.filterTo): a batch that
// lost some of its records keeps its offsets, epoch, producer fields and codec; one that lost all of them is a header
// alone.

// When the tombstones of a batch may go: with bit 6 of the attributes the base timestamp is that moment (KIP-534), and
// the timestamps of the records count from there. Null for a batch without.
kj::Maybe<TimestampMs> deleteHorizonOf(const BatchView& batch);

// Makes a batch out of some records of another one. The other one's bytes outlive the builder.
class SparseBatchBuilder {
 public:
  // With a horizon the new batch carries it; without one it has what the original has.
  SparseBatchBuilder(BatchView original, kj::Maybe<TimestampMs> deleteHorizon);
  KJ_DISALLOW_COPY(SparseBatchBuilder);

  // A record of the original, as RecordReader gives it, in order.
  void add(const RecordView& record);
  int32_t count() const { return count_; }

  // The batch, at least one record of which was added. Compressed in the original's codec. kMessageTooLarge when it
  // does not fit into a batch (2 GiB).
  Result<kj::Array<kj::byte>> finish(int compressionLevel = kDefaultCompressionLevel);

 private:
  BatchView original_;
  bool hasHorizon_;
  TimestampMs baseTimestamp_;
  TimestampMs maxTimestamp_ = kNoTimestamp;
  int32_t count_ = 0;
  ByteWriter body_;
  ByteWriter records_;
};

// What is left of a batch without its records where the producer's last sequence must stay known: a header with all its
// fields but the timestamps and the codec.
kj::Array<kj::byte> emptied(const BatchView& original);

// Stands for offsets [base, next) without records and without a producer. At most 2^31 - 1 offsets, at least one.
kj::Array<kj::byte> emptyBatch(Offset base, Offset next, LeaderEpoch epoch);

}  // namespace cambium
