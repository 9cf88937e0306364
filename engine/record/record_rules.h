#pragma once

#include "engine/record/batch_view.h"
#include "engine/record/compression.h"

namespace cambium {

// What a topic asks of the records that are appended to it.
struct RecordRules {
  // Every record has a key, as compacted topics need.
  bool keysRequired = false;
  // Records with a timestamp outside are refused; null: no bound. Records without a timestamp pass.
  kj::Maybe<TimestampMs> earliest{};
  kj::Maybe<TimestampMs> latest{};
};

// What is known of records that were read.
struct CheckedRecords {
  TimestampMs maxTimestamp = kNoTimestamp;  // the latest; kNoTimestamp when none is later than that
  uint64_t bytes = 0;                       // of the records, decompressed
};

// Faults that one refusal lists at most; more are only counted.
inline constexpr size_t kRecordFaultsMax = 1000;

// Reads all records of a validated batch and holds them against the rules. A batch with faulty records is refused:
// kInvalidTimestamp when one of its records has a bad timestamp, else kInvalidRecord, with a fault for each record
// (KIP-467). A record with several faults is listed with the first. Records that cannot be read give kInvalidRecord;
// kMessageTooLarge is for those beyond the limits.
Result<CheckedRecords> checkRecords(const BatchView& batch, const RecordRules& rules, DecompressionLimits limits = {});

// What the header of a batch alone tells, for batches whose records nobody looks at: kInvalidTimestamp when its max
// timestamp lies beyond the latest, or before the timestamp of its first record.
Result<void> checkHeaderOnly(const BatchView& batch, const RecordRules& rules);

}  // namespace cambium
