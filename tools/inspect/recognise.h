#pragma once

#include <kj/string.h>

namespace cambium::tools {

// What can lie at a path.
enum class PathKind {
  kUnknown,
  kDataDirectory,  // cambium.properties, native/, rocksdb/
  kNativeStore,    // folder of the native engine
  kLogFolder,      // of one log: partition.metadata, segments
  kTablesFolder,   // journals and snapshots
  kRocksStore,     // CURRENT, MANIFEST-…
  kSegmentFile,
  kOffsetIndexFile,
  kTimeIndexFile,
  kJournalFile,
  kSnapshotFile,
  kCheckpointFile,
  kLogStateFile,
};

// "segment", "data directory" …
kj::StringPtr kindName(PathKind kind);

// By what the folder holds, or the file's name and first bytes. `path` is the system's and exists.
PathKind recognise(kj::StringPtr path);

}  // namespace cambium::tools
