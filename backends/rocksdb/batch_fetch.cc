#include "backends/rocksdb/batch_fetch.h"

#include <kj/debug.h>

#include "backends/rocksdb/check.h"
#include "engine/record/batch_view.h"

namespace cambium::rocks {

namespace {

void requireSound(ByteView data, const IndexRow& row, kj::StringPtr name) {
  KJ_IF_MAYBE(batch, BatchView::first(data)) {
    if (batch->size() == data.size() && data.size() == row.size && batch->baseOffset() == row.base &&
        batch->nextOffset() == row.end() && batch->crcMatches()) {
      return;
    }
  }
  KJ_FAIL_REQUIRE(
      "a batch is damaged: its checksum, or what the index says of it, does not match; check the store with the "
      "inspection tool",
      name, row.base, bucketFamily(row.bucket));
}

}  // namespace

kj::Array<const kj::byte> fetchBatches(RocksStore& store, BucketSet& buckets, LogNumber log, kj::StringPtr name,
                                       kj::ArrayPtr<const IndexRow> rows) {
  if (rows.size() == 0) return nullptr;
  uint64_t size = 0;
  for (auto& row : rows)
    size += row.size;
  auto result = kj::heapArray<kj::byte>(size);
  size_t position = 0;
  rocksdb::PinnableSlice value;
  RocksStore::Family* family = nullptr;
  kj::Maybe<BucketNumber> bucket;
  for (auto& row : rows) {
    if (bucket == nullptr || KJ_ASSERT_NONNULL(bucket) != row.bucket) {
      family = buckets.find(row.bucket);
      bucket = row.bucket;
    }
    value.Reset();
    RowKey key(log, row.rewrite, row.base);
    check(store.db().Get(rocksdb::ReadOptions(), family, toSlice(key), &value),
          kj::str("reading the batch at offset ", row.base, " of log ", name, " from ", bucketFamily(row.bucket)));
    requireSound(toView(value), row, name);
    memcpy(result.begin() + position, value.data(), row.size);
    position += row.size;
  }
  return result;
}

}  // namespace cambium::rocks
