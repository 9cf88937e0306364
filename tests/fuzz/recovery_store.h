#pragma once

#include "engine/storage/storage_engine.h"
#include "tests/support/memory_file_system.h"

namespace cambium {

// The small native store whose files fuzz_recovery replaces one by one.

enum class RecoveryFile : uint8_t {
  kSegment,      // the active one
  kOffsetIndex,  // of the sealed one, as the next
  kTimeIndex,
  kLogState,
  kCheckpoint,
  kJournal,
  kSnapshot,
};
inline constexpr unsigned kRecoveryFiles = 7;

// The file's path in the store.
kj::StringPtr recoveryPath(RecoveryFile file);
LogId recoveryLogId();
// The batch of two records that a store holds at `base`.
kj::Array<kj::byte> recoveryBatch(Offset base);
// Ten such batches in two segments below "data", and some commits to tables; closed, or left as a kill leaves it.
void makeRecoveryStore(MemoryFileSystem& files, bool closed);

}  // namespace cambium
