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

// Faults that one refusal lists at most; more are only counted.
inline constexpr size_t kRecordFaultsMax = 1000;

// Checks the records of validated batches. Records are read only where the header of their batch does not say enough:
// for keys, for the earliest timestamp, and to find the late ones when the batch's max timestamp is too late. The first
// batch with faults is refused: kInvalidTimestamp when one of its records has a bad timestamp, else kInvalidRecord,
// with a fault for each record (KIP-467). A record with several faults is listed with the first. Records that are read
// and cannot be fail as RecordReader does.
Result<void> checkRecordRules(ByteView batches, const RecordRules& rules, DecompressionLimits limits = {});

}  // namespace cambium
