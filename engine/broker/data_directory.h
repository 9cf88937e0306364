#pragma once

#include <kj/vector.h>

#include "engine/base/clock.h"
#include "engine/base/uuid.h"
#include "engine/storage/file_kind.h"
#include "engine/storage/file_system.h"

namespace cambium {

// The data directory of one broker: held by a lock, described by the file `cambium.properties` (lines of name=value):
//
//     format=2
//     cluster.id=Xk2p…            22 characters
//     state.engine=rocksdb        where metadata and offsets are; cannot change afterwards
//     engines=native,rocksdb      whose folders were made: one that is gone is missed
//     checksum=1f0a22c3           CRC-32C of the lines above, eight hexadecimal digits
//
// Format 1 had neither of the last two lines; it becomes format 2 at the first start.
//
// Layout: cambium.properties, cambium.lock, cambium.reserve (disk_reserve.h), native/ (see backends/native), rocksdb/
// (see backends/rocksdb).
class DataDirectory {
 public:
  // Locks the directory; makes the file when the directory is new. Throws, in one readable sentence, when another
  // broker holds it, when its format is unknown, when the file is damaged or missing beside data, and when it was made
  // with another state engine.
  DataDirectory(FileSystem& files, const Entropy& entropy, kj::StringPtr stateEngine);
  KJ_DISALLOW_COPY(DataDirectory);

  kj::StringPtr clusterId() const { return clusterId_; }

  // Before an engine is opened: throws when its folder was made and is gone. One thread at a time, as noteEngine().
  void requireEngine(kj::StringPtr kind) const;
  // After an engine was opened: its folder is missed from now on. A full device does not hinder it: then the next start
  // notes it.
  void noteEngine(kj::StringPtr kind);

 private:
  void read(kj::StringPtr stateEngine);
  void write();

  FileSystem& files_;
  kj::Own<FileSystem::Lock> lock_;
  kj::String clusterId_;
  kj::String stateEngine_;
  kj::Vector<kj::String> engines_;
};

// Every kind of file that the broker itself makes in a data directory; see backends/native/native_files.h.
kj::ArrayPtr<const FileKind> dataDirectoryFileKinds();

}  // namespace cambium
