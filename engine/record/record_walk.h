#pragma once

#include "engine/record/batch_view.h"
#include "engine/record/compression.h"
#include "engine/record/record_rules.h"

namespace cambium {

// What a walk over the records of a batch has found.
struct RecordWalk {
  // Every record is as its format and the rules want it, with offset deltas 0, 1, 2, …; there are as many of them as
  // the batch announces, and nothing follows them.
  bool sound = false;
  // The rest counts only for sound ones. The latest timestamp, kNoTimestamp when none is later than that.
  TimestampMs maxTimestamp = kNoTimestamp;
  // Of the records, decompressed.
  uint64_t bytes = 0;
};

// Walks over the records of a producer's batch in one pass: looks at every length and number, at no key and no value.
// Compressed ones are decompressed as a stream of small pieces, so that memory does not grow with the batch. Says only
// whether they are sound, as fast as can be; checkRecords() finds out what is wrong. Finds sound exactly what
// RecordReader reads to its end without a gap.
RecordWalk walkRecords(const BatchView& batch, const RecordRules& rules, DecompressionLimits limits = {});

}  // namespace cambium
