#pragma once

#include <kj/array.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "engine/record/batch_view.h"

namespace cambium {

// Record batches for tests of what treats batches as opaque: header and checksum are right, leader epoch 0, no codec,
// no producer; the payload is noise, not records.

// One batch of `records` offsets from `base` on, 61 + payloadBytes long. The same arguments give the same bytes,
// another seed gives others of the same shape.
kj::Array<kj::byte> makeBatch(Offset base, int records, TimestampMs maxTimestamp, size_t payloadBytes, uint64_t seed);

// A batch that once held `offsets` offsets from `base` on and holds no record any more, as compaction leaves it.
kj::Array<kj::byte> makeEmptyBatch(Offset base, int64_t offsets, TimestampMs timestamp = kNoTimestamp);

// The ranges of the batches in `data`, for example "[0..9] [10..19]", then " +7" for 7 bytes that are no whole batch.
// "" when there are none.
kj::String describeBatches(ByteView data);

// Batches in offset order, for comparing what a log gives back with what it was given.
class BatchList {
 public:
  // Takes a batch that begins where the last one ends; any, when there is none.
  void add(kj::Array<const kj::byte> batch);
  // Puts batches in place of all that begin in [first, end).
  void replace(Offset first, Offset end, ByteView batches);
  // Forgets every batch that reaches beyond `end`.
  void cutFrom(Offset end);
  void clear() { batches_.clear(); }

  size_t size() const { return batches_.size(); }
  BatchView operator[](size_t index) const;
  // All batches that end beyond `from` and not beyond `upTo`, one after another: what PartitionLog::read answers to no
  // limit.
  kj::Array<kj::byte> range(Offset from, Offset upTo) const;

 private:
  kj::Vector<kj::Array<const kj::byte>> batches_;
};

}  // namespace cambium
