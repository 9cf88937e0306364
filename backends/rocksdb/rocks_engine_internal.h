#pragma once

#include <memory>

#include "backends/rocksdb/rocks_engine.h"

// For the tests of this engine: a file system of theirs below the library. Includes nothing of the library.

namespace rocksdb {
class FileSystem;
}

namespace cambium::rocks {

// As openRocksEngine(); null means the system's file system.
kj::Own<StorageEngine> openRocksEngineOn(std::shared_ptr<rocksdb::FileSystem> fileSystem, kj::StringPtr path,
                                         RocksOptions options, EngineOptions engineOptions);

}  // namespace cambium::rocks
