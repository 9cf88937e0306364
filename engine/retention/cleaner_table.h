#pragma once

#include "engine/retention/compaction_plan.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// The table "cleaner" of the state engine: how far compaction got in each log. Key: as in the table "producers" (the
// log's name, a zero byte, the 16 bytes of its incarnation). Value, big-endian: uint32 CRC-32C of what follows, int8
// version (1), int64 cleanedUpTo, int64 nextHorizon. A row that is missing, damaged or wrong costs one pass over the
// log. Blocks; any thread; copies freely.
class CleanerTable {
 public:
  explicit CleanerTable(StorageEngine& engine) : engine_(&engine) {}

  static kj::Array<kj::byte> encode(const CleanerProgress& progress);
  // Null when the bytes are no such value.
  static kj::Maybe<CleanerProgress> decode(ByteView value);

  // What is known; nothing when there is no row, or one that makes no sense. Throws what StorageEngine::get throws.
  CleanerProgress load(const LogId& log) const;
  // Throws what StorageEngine::commit throws.
  void save(const LogId& log, const CleanerProgress& progress) const;
  // Forgets logs that were deleted.
  void forget(kj::ArrayPtr<const LogId> logs) const;

 private:
  StorageEngine* engine_;
};

}  // namespace cambium
