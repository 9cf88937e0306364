#pragma once

#include "engine/base/clock.h"
#include "engine/base/uuid.h"
#include "engine/storage/file_system.h"

namespace cambium {

// The data directory of one broker: held by a lock, described by the file `cambium.properties` (lines of name=value):
//
//     format=1
//     cluster.id=Xk2p…            22 characters
//     state.engine=rocksdb        where metadata and offsets are; cannot change afterwards
//
// Layout: cambium.properties, cambium.lock, native/ (see backends/native), rocksdb/ (see backends/rocksdb).
class DataDirectory {
 public:
  // Locks the directory; makes the file when the directory is new. Throws, in one readable sentence, when another
  // broker holds it, when its format is unknown, when the file is damaged or missing beside data, and when it was made
  // with another state engine.
  DataDirectory(FileSystem& files, const Entropy& entropy, kj::StringPtr stateEngine);
  KJ_DISALLOW_COPY(DataDirectory);

  kj::StringPtr clusterId() const { return clusterId_; }

 private:
  kj::Own<FileSystem::Lock> lock_;
  kj::String clusterId_;
};

}  // namespace cambium
