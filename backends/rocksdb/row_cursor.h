#pragma once

#include <memory>
#include <rocksdb/iterator.h>

#include "backends/rocksdb/rocks_store.h"

namespace cambium::rocks {

// Walks rows of a family in order of keys, over one view of the moment it was made. Sees nothing outside its range, so
// that it never wades through what was deleted in front of a log's start. One thread.
class RowCursor {
 public:
  // All of a family; stands on the first row, or on the first at or behind `at`.
  RowCursor(RocksStore& store, RocksStore::Family& family, ByteView at = nullptr);
  // [from, to) of a family; stands on the first row.
  RowCursor(RocksStore& store, RocksStore::Family& family, RowKey from, RowKey to);
  // [from, to), standing on the last row at or before `at`, which lies in the range; not valid when there is none.
  RowCursor(RocksStore& store, RocksStore::Family& family, RowKey from, RowKey to, RowKey at);
  KJ_DISALLOW_COPY(RowCursor);

  // False at the end. Throws when the rows could not be read, which is never "the end".
  bool valid();
  void next() { iterator_->Next(); }
  // Valid until next().
  ByteView key() const { return toView(iterator_->key()); }
  ByteView value() const { return toView(iterator_->value()); }

 private:
  struct Unpositioned {};
  RowCursor(RocksStore& store, RocksStore::Family& family, RowKey from, RowKey to, Unpositioned);

  RocksStore::Family& family_;
  RowKey from_;
  RowKey to_;
  rocksdb::Slice lower_;
  rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace cambium::rocks
