#pragma once

#include "backends/rocksdb/bucket_set.h"

namespace cambium::rocks {

// The batches of some index rows of a log, one after another, with their checksums checked. Throws FAILED, naming the
// batch, when one is missing, damaged, or another one than its row says. The caller has extents, or pins, in their
// buckets. Any thread.
kj::Array<const kj::byte> fetchBatches(RocksStore& store, BucketSet& buckets, LogNumber log, kj::StringPtr name,
                                       kj::ArrayPtr<const IndexRow> rows);

}  // namespace cambium::rocks
