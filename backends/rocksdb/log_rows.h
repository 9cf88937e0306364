#pragma once

#include <rocksdb/write_batch.h>

#include <kj/function.h>
#include <kj/vector.h>

#include "backends/rocksdb/row_cursor.h"

namespace cambium::rocks {

class LogRowWriter;

// Reads the rows of one log: those that were appended, or those of one rewritten extent.
class LogRows {
 public:
  LogRows(RocksStore& store, LogNumber log, RewriteNumber rewrite = kNotRewritten)
      : store_(store), log_(log), rewrite_(rewrite) {}

  // Every extent of the log, oldest first.
  kj::Vector<ExtentRow> extents() const;
  // Index rows with base offset below `to`, in order until `visit` returns false, beginning with the one whose batch
  // contains `offset`, or, when there is none such, with nothing. `lowest` is the base offset of the first batch.
  void walk(Offset offset, Offset lowest, Offset to, kj::FunctionParam<bool(const IndexRow&)> visit) const;
  // Index rows with base offset in [from, to), in order, until `visit` returns false.
  void walkRange(Offset from, Offset to, kj::FunctionParam<bool(const IndexRow&)> visit) const;
  // Blocks with first offset in [from, to), in order, until `visit` returns false.
  void walkBlocks(Offset from, Offset to, kj::FunctionParam<bool(const BlockRow&)> visit) const;
  // The first batch with base offset in [from, to) whose max timestamp is at least `atLeast`. The range lies in one
  // extent.
  kj::Maybe<IndexRow> firstAtLeast(TimestampMs atLeast, const ExtentRow& extent, Offset from) const;
  // The largest max timestamp in an extent among batches with base offset at least `from`.
  TimestampMs maxTimestamp(const ExtentRow& extent, Offset from) const;

  // The extent as it is when it ends at `end`, a batch boundary inside it; writes its row and that of its last block
  // anew. Rows from `end` on are left to the caller.
  ExtentRow recut(const ExtentRow& extent, Offset end, LogRowWriter& writer) const;

 private:
  RowKey key(Offset offset) const { return RowKey(log_, rewrite_, offset); }
  // From the cursor's row to the last one with base offset below `to`.
  static void walkOn(RowCursor& cursor, Offset to, kj::FunctionParam<bool(const IndexRow&)>& visit);
  // A block of the batches with base offset in [from, to).
  BlockRow summarise(Offset from, Offset to) const;

  RocksStore& store_;
  LogNumber log_;
  RewriteNumber rewrite_;
};

// Index rows of a log across its extents, in order until `visit` returns false, beginning with the one whose batch
// contains `from`, or, when there is none such, with nothing. `lowest` is the base offset of the log's first batch.
// When `from` is known to be the base offset of a batch, which saves a seek, `isBase` says so.
void walkExtents(RocksStore& store, LogNumber log, kj::ArrayPtr<const ExtentRow> extents, Offset from, Offset lowest,
                 bool isBase, kj::FunctionParam<bool(const IndexRow&)> visit);

// Adds changes of one log's rows to a write: of those that were appended, or of one rewritten extent.
class LogRowWriter {
 public:
  LogRowWriter(RocksStore& store, LogNumber log, rocksdb::WriteBatch& batch, RewriteNumber rewrite = kNotRewritten)
      : store_(store), log_(log), rewrite_(rewrite), batch_(batch) {}
  // The same write, another rewrite of the log.
  LogRowWriter of(RewriteNumber rewrite) const { return LogRowWriter(store_, log_, batch_, rewrite); }

  // A batch and its index row.
  void put(RocksStore::Family* bucket, const IndexRow& row, ByteView data);
  void put(const BlockRow& row);
  void put(const ExtentRow& row);
  void eraseExtent(Offset first);
  // Index rows, or block rows, of [from, to); batches of [from, to) in one bucket.
  void eraseIndex(Offset from, Offset to);
  void eraseBlocks(Offset from, Offset to);
  void eraseBatches(RocksStore::Family* bucket, Offset from, Offset to);
  void putMarker(BucketNumber bucket);
  void eraseMarker();

 private:
  RowKey key(Offset offset) const { return RowKey(log_, rewrite_, offset); }
  void eraseRange(RocksStore::Family* family, Offset from, Offset to);

  RocksStore& store_;
  LogNumber log_;
  RewriteNumber rewrite_;
  rocksdb::WriteBatch& batch_;
};

// Adds to a write the end of all rows of a rewrite, its marker's too. `bucket` is null when that is gone already.
void eraseRewrite(LogRowWriter& writer, RocksStore::Family* bucket);

// Behind every offset a log can have.
inline constexpr Offset kBehindAll{INT64_MAX};

}  // namespace cambium::rocks
