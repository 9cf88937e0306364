#pragma once

#include "engine/record/batch_view.h"

namespace cambium {

struct BatchLimits {
  // Size of one batch at most, header included (Kafka's max.message.bytes and its default).
  size_t batchBytesMax = (size_t{1} << 20) + 12;
};

// Totals of batches that passed.
struct ValidatedBatches {
  size_t batchCount = 0;
  int64_t recordCount = 0;
};

// Checks the frames and headers of bytes from a producer at the cost of one checksum; checkRecords() looks at the
// records. `bytes` must be whole batches, at least one. Each must be: of format 2 (else kUnsupportedVersion), whole and
// with a right checksum (kCorruptMessage), within the limit (kMessageTooLarge), with timestamps of the producer's clock
// (kInvalidTimestamp), of no transaction (kInvalidTxnState), and a producer's: of a known codec, no control batch, no
// unknown attributes, as many records as offsets, of which there is room for in the payload, a sequence with every
// producer id (kInvalidRecord). Errors name the byte position of the batch in `bytes`.
Result<ValidatedBatches> validateBatches(ByteView bytes, const BatchLimits& limits = {});

}  // namespace cambium
