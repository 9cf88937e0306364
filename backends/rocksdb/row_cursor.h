#pragma once

#include <memory>
#include <rocksdb/iterator.h>

#include "backends/rocksdb/rocks_store.h"

namespace cambium::rocks {

// Walks rows of a family in order of keys, over one view of the moment it was made. Sees nothing outside its range. One
// thread.
//
// The library steps over deleted rows one by one while they are in memory, also behind the end of the range. So a
// cursor should be placed where there is a row, and not be moved past the last one when that is known.
class RowCursor {
 public:
  // All of a family; stands on the first row, or on the first at or behind `at`.
  RowCursor(RocksStore& store, RocksStore::Family& family, ByteView at = nullptr);
  // [from, to) of a family; stands on the first row.
  RowCursor(RocksStore& store, RocksStore::Family& family, RowKey from, RowKey to);
  KJ_DISALLOW_COPY(RowCursor);

  // False at the end. Throws when the rows could not be read, which is never "the end".
  bool valid();
  void next() { iterator_->Next(); }
  // Moves to the last row at or before `at`, which lies in the range; not valid when there is none. When that row is
  // the first one, the library looks for another one before it, through all that was deleted there.
  void moveBackTo(RowKey at) { iterator_->SeekForPrev(toSlice(at)); }
  // Valid until next().
  ByteView key() const { return toView(iterator_->key()); }
  ByteView value() const { return toView(iterator_->value()); }

 private:
  RocksStore::Family& family_;
  RowKey from_;
  RowKey to_;
  rocksdb::Slice lower_;
  rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace cambium::rocks
