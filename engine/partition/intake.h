#pragma once

#include <kj/array.h>

#include "engine/base/error.h"
#include "engine/partition/partition_config.h"
#include "engine/record/record_rules.h"

namespace cambium {

// What a topic and its broker ask of the batches that a producer sends, at one moment. A copy of its own, so that
// batches can be checked on any thread.
struct IntakeRules {
  IntakeRules(const PartitionConfig& config, uint64_t inflatedBytesMax, TimestampMs now);

  size_t batchBytesMax;
  uint64_t inflatedBytesMax;
  RecordRules records;
  bool brokersTime;        // the broker's clock stamps the records
  bool readsCompressed;    // the records of compressed batches are looked at
  kj::Maybe<Codec> codec;  // that the batches are brought into
  int compressionLevel;
};

// Batches that were found good.
struct Intake {
  int64_t recordCount = 0;
  kj::Array<kj::byte> converted;  // the batches in the topic's codec; null: they are in it as they came
};

// Where batches are checked.
enum class IntakePlace : uint8_t {
  kLoop,  // others wait meanwhile: what takes long is left to a thread of its own
  kThread,
};

// Checks the frames, headers and records of one or more batches and brings them into the topic's codec. Puts the max
// timestamp right where it is not that of the records: the bytes are changed for that. The errors are those of
// validateBatches() and checkRecords(); kMessageTooLarge also for a batch that is larger than the topic allows when it
// is in the topic's codec. Null only for IntakePlace::kLoop, when there is more to decompress or to compress than can
// be done there in about a millisecond.
kj::Maybe<Result<Intake>> takeIn(kj::ArrayPtr<kj::byte> batches, const IntakeRules& rules, IntakePlace place);

}  // namespace cambium
