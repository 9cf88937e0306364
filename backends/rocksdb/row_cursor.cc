#include "backends/rocksdb/row_cursor.h"

#include "backends/rocksdb/check.h"

namespace cambium::rocks {

RowCursor::RowCursor(RocksStore& store, RocksStore::Family& family, ByteView at)
    : family_(family),
      from_(LogNumber(0), Offset(0)),
      to_(LogNumber(0), Offset(0)),
      iterator_(store.db().NewIterator(rocksdb::ReadOptions(), &family)) {
  iterator_->Seek(toSlice(at));
}

RowCursor::RowCursor(RocksStore& store, RocksStore::Family& family, RowKey from, RowKey to)
    : family_(family), from_(from), to_(to), lower_(toSlice(from_)), upper_(toSlice(to_)) {
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower_;
  options.iterate_upper_bound = &upper_;
  iterator_.reset(store.db().NewIterator(options, &family));
  iterator_->Seek(lower_);
}

bool RowCursor::valid() {
  if (iterator_->Valid()) return true;
  check(iterator_->status(), kj::str("reading rows of ", family_.GetName().c_str()));
  return false;
}

}  // namespace cambium::rocks
