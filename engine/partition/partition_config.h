#pragma once

#include <limits>

#include "engine/record/batch_view.h"
#include "engine/record/compression.h"
#include "engine/storage/partition_log.h"

namespace cambium {

// What an acknowledgement with acks=all is worth, and where the high watermark stands.
enum class Durability : uint8_t {
  kFsync,     // on the device: survives a power loss
  kInterval,  // in the system's page cache, synced every flush.ms: a power loss may take the last moments
  kOs,        // in the page cache, written back when the system likes
};

// What a partition needs to know of its topic's configs.
struct PartitionConfig {
  LogOptions log;
  Durability durability = Durability::kFsync;
  int64_t flushMs = 1000;          // for kInterval
  size_t batchBytesMax = 1048588;  // max.message.bytes
  kj::Maybe<Codec> codec;          // null: as the producer sent it
  // Level for batches that the broker brings into `codec`.
  int compressionLevel = kDefaultCompressionLevel;
  TimestampType timestampType = TimestampType::kCreateTime;
  // How far the producer's timestamps may be off the broker's clock, with kCreateTime.
  int64_t timestampBeforeMaxMs = std::numeric_limits<int64_t>::max();
  int64_t timestampAfterMaxMs = 3'600'000;
  bool keysRequired = false;    // compacted topics
  bool readsCompressed = true;  // record.validation=full: the records of compressed batches are looked at, too
};

// What may wait to be appended at one partition.
inline constexpr Bytes kHeldBytesMax = mebibytes(64);

// The longest that somebody who asks for the newest record waits until what was acknowledged before can be read. A sync
// takes less, unless the device is full or failing.
inline constexpr int64_t kAcknowledgedWaitMs = 1000;

// What the records of a compressed batch may come to, by default: a message of records over Cap'n Proto, whose readers
// stop at 64 MiB, can hold any of them.
inline constexpr uint64_t kInflatedBytesDefault = uint64_t{48} << 20;

}  // namespace cambium
