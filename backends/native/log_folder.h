#pragma once

#include <kj/function.h>
#include <kj/string.h>

#include "backends/native/index_cache.h"
#include "engine/storage/file_system.h"
#include "engine/storage/partition_log.h"

namespace cambium {

// The folder of one log, and what its parts share. Owned by whoever opens the log, outlives them all.
//
//     words-0/partition.metadata            as Apache Kafka writes it: the topic id, which is the log's incarnation
//     words-0/log-state                     how far the log is known to be good (log_state.h)
//     words-0/00000000000000000000.log      batches one after another: a segment, named after its base offset
//     words-0/00000000000000000000.index    offset_index.h
//     words-0/00000000000000000000.timeindex  time_index.h
//     words-0/*.cleaned, words-0/*.swap     segments on their way to replace others (segment_swap.h)
struct LogFolder {
  LogFolder(FileSystem& fileSystem, IndexCache& indexCache, kj::String path, LogOptions options,
            kj::Function<void(kj::StringPtr)> report)
      : fileSystem(fileSystem), indexCache(indexCache), path(kj::mv(path)), options(options), report(kj::mv(report)) {}

  FileSystem& fileSystem;
  IndexCache& indexCache;
  const kj::String path;
  LogOptions options;
  kj::Function<void(kj::StringPtr)> report;  // one line about recovery
};

inline constexpr kj::StringPtr kLogSuffix = ".log"_kj;
inline constexpr kj::StringPtr kIndexSuffix = ".index"_kj;
inline constexpr kj::StringPtr kTimeIndexSuffix = ".timeindex"_kj;
inline constexpr kj::StringPtr kMetadataName = "partition.metadata"_kj;

// "00000000000000001234.log".
kj::String segmentFileName(Offset base, kj::StringPtr suffix);
// The base offset in the name of a segment's file; null when it is not one with that suffix.
kj::Maybe<Offset> parseSegmentFileName(kj::StringPtr name, kj::StringPtr suffix);

}  // namespace cambium
