#pragma once

#include <memory>
#include <rocksdb/file_system.h>

#include "backends/rocksdb/durable_file.h"

namespace cambium::rocks {

// `inner`, watched: tells `durable` what the library has synced of its write-ahead log and manifests, and what goes.
// Both must live as long as the result.
std::shared_ptr<rocksdb::FileSystem> trackedFiles(std::shared_ptr<rocksdb::FileSystem> inner, DurableFile& durable);

}  // namespace cambium::rocks
