#pragma once

#include "backends/native/log_state.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// The file "recovery-checkpoint" of an engine: the state of every log at the last clean stop, so that the next opening
// reads no record data. Replaced as a whole, atomically. After a clean stop `clean` is set; the first write after
// opening replaces the file by the same one without it. All integers big-endian:
//
//     size
//        4  magic "CMCP"
//        4  CRC-32C of the rest
//        4  version, 1
//        8  session: counts the times the engine was opened
//        1  clean: 1 or 0
//        4  number of logs, sorted by name; each:
//              2  length of the name, the name
//                 its state, see log_state.h
struct LogCheckpoint {
  struct Log {
    kj::String name;
    LogState state;
  };
  uint64_t session = 0;
  bool clean = false;
  kj::Vector<Log> logs;
};

inline constexpr kj::StringPtr kCheckpointName = "recovery-checkpoint"_kj;

kj::Array<kj::byte> encodeCheckpoint(const LogCheckpoint& checkpoint);
// Null when the contents are damaged; throws when they are of another version.
kj::Maybe<LogCheckpoint> decodeCheckpoint(ByteView file);

}  // namespace cambium
