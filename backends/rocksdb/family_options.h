#pragma once

#include <memory>
#include <rocksdb/options.h>

#include "backends/rocksdb/rocks_engine.h"

// The library's options for a log, with the reasons. Includes the library's headers: for the .cc files of this folder
// only.

namespace cambium::rocks {

rocksdb::DBOptions databaseOptions(const RocksOptions& options, rocksdb::Env* env);

// Whole batches: written once, read by exact key, dropped as a family.
rocksdb::ColumnFamilyOptions bucketOptions(const RocksOptions& options);
// Small rows: sought, changed, deleted by range, compacted as usual. `cache` is shared by all of them.
rocksdb::ColumnFamilyOptions rowOptions(const RocksOptions& options, std::shared_ptr<rocksdb::Cache> cache);

}  // namespace cambium::rocks
