#pragma once

#include <memory>

#include <kj/string.h>

#include "engine/storage/file_system.h"

namespace rocksdb {
class FileSystem;
}

namespace cambium {

// RocksDB's file system over one of ours: what `files` does to its callers, with crashes and faults, happens to the
// library as well. `prefix` is what the library's paths begin with where those of `files` begin ("/tmp/x" for
// "/tmp/x/rocksdb/CURRENT"). FAILED becomes an I/O error and OVERLOADED a full device. For openRocksEngineOn(). Any
// thread.
std::shared_ptr<rocksdb::FileSystem> rocksFilesOver(FileSystem& files, kj::StringPtr prefix);

}  // namespace cambium
