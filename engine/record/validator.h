#pragma once

#include "engine/record/batch_view.h"
#include "engine/record/compression.h"

namespace cambium {

struct BatchLimits {
  // Size of one batch at most, header included (Kafka's max.message.bytes and its default).
  size_t batchBytesMax = (size_t{1} << 20) + 12;
};

// Totals of batches that passed.
struct ValidatedBatches {
  size_t batchCount = 0;
  int64_t recordCount = 0;
  // kNoTimestamp when no batch has one.
  TimestampMs maxTimestamp = kNoTimestamp;
};

// Checks what a broker must know about bytes from a producer before it stores them, at the cost of one checksum,
// without decompressing. `bytes` must be whole batches, at least one. Each must be: of format 2 (else
// kUnsupportedVersion), whole and with a right checksum (kCorruptMessage), within the limit (kMessageTooLarge), of a
// known codec (kUnsupportedCompressionType), with sane timestamps of the producer's clock (kInvalidTimestamp), and a
// producer's: base offset 0, no control batch, no unknown attributes, as many records as offsets, of which there is
// room for in the payload, a sequence with every producer id (kInvalidRecord). Errors name the byte position of the
// batch in `bytes`.
Result<ValidatedBatches> validateBatches(ByteView bytes, const BatchLimits& limits = {});

// What validateRecords() asks beyond what RecordReader does.
struct RecordChecks {
  // Offsets 0, 1, 2, … as producers send them; not so after compaction.
  bool denseOffsets = true;
  // The batch's max timestamp is the highest of the records' (batches with the producer's clock only).
  bool exactMaxTimestamp = true;
};

// Reads every record and checks it. Fails as RecordReader does, with kInvalidRecord for a gap in the offsets, and with
// kInvalidTimestamp for a wrong max timestamp.
Result<void> validateRecords(BatchView batch, DecompressionLimits limits = {}, RecordChecks checks = {});

}  // namespace cambium
