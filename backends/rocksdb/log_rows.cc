#include "backends/rocksdb/log_rows.h"

#include <algorithm>

#include "backends/rocksdb/check.h"

namespace cambium::rocks {

kj::Vector<ExtentRow> LogRows::extents() const {
  kj::Vector<ExtentRow> rows;
  RowCursor cursor(store_, store_.extents(), RowKey(log_, Offset(0)), RowKey::behind(log_));
  for (; cursor.valid(); cursor.next()) {
    rows.add(decodeExtentRow(cursor.key(), cursor.value()));
  }
  return rows;
}

void LogRows::walk(Offset offset, Offset lowest, Offset to, kj::FunctionParam<bool(const IndexRow&)> visit) const {
  RowCursor cursor(store_, store_.index(), key(lowest), key(to));
  if (!cursor.valid()) return;
  auto row = decodeIndexRow(cursor.key(), cursor.value());
  if (row.end() <= offset) {
    // It is not the first row, so there is one before it and the library finds that at once.
    cursor.moveBackTo(key(offset));
    if (!cursor.valid()) return;
    row = decodeIndexRow(cursor.key(), cursor.value());
  }
  if (offset < row.base || row.end() <= offset) return;
  walkOn(cursor, to, visit);
}

void LogRows::walkRange(Offset from, Offset to, kj::FunctionParam<bool(const IndexRow&)> visit) const {
  RowCursor cursor(store_, store_.index(), key(from), key(to));
  walkOn(cursor, to, visit);
}

void LogRows::walkOn(RowCursor& cursor, Offset to, kj::FunctionParam<bool(const IndexRow&)>& visit) {
  for (; cursor.valid(); cursor.next()) {
    auto row = decodeIndexRow(cursor.key(), cursor.value());
    if (!visit(row) || row.end() >= to) return;
  }
}

void LogRows::walkBlocks(Offset from, Offset to, kj::FunctionParam<bool(const BlockRow&)> visit) const {
  for (RowCursor cursor(store_, store_.blocks(), key(from), key(to)); cursor.valid(); cursor.next()) {
    if (!visit(decodeBlockRow(cursor.key(), cursor.value()))) return;
  }
}

void walkExtents(RocksStore& store, LogNumber log, kj::ArrayPtr<const ExtentRow> extents, Offset from, Offset lowest,
                 bool isBase, kj::FunctionParam<bool(const IndexRow&)> visit) {
  auto* extent = std::upper_bound(extents.begin(), extents.end(), from,
                                  [](Offset offset, const ExtentRow& each) { return offset < each.end; });
  bool goesOn = true;
  bool isFirst = true;
  auto pass = [&](const IndexRow& row) {
    isFirst = false;
    return goesOn = visit(row);
  };
  while (goesOn && extent != extents.end()) {
    // Extents that were appended share one range of keys.
    auto* next = extent + 1;
    while (extent->rewrite == kNotRewritten && next != extents.end() && next->rewrite == kNotRewritten)
      ++next;
    LogRows rows(store, log, extent->rewrite);
    if (isFirst && !isBase) {
      rows.walk(from, kj::max(extent->first, lowest), (next - 1)->end, pass);
    } else {
      rows.walkRange(kj::max(extent->first, from), (next - 1)->end, pass);
    }
    if (isFirst) return;
    extent = next;
  }
}

kj::Maybe<IndexRow> LogRows::firstAtLeast(TimestampMs atLeast, const ExtentRow& extent, Offset from) const {
  kj::Maybe<IndexRow> hit;
  auto search = [&](Offset first, Offset end) {
    walkRange(kj::max(first, from), end, [&](const IndexRow& row) {
      if (row.maxTimestamp >= atLeast) hit = row;
      return hit == nullptr;
    });
  };
  Offset covered = extent.first;
  walkBlocks(extent.first, extent.end, [&](const BlockRow& block) {
    covered = block.end;
    if (block.end > from && block.maxTimestamp >= atLeast) search(block.first, block.end);
    return hit == nullptr;
  });
  // The newest batches have no block yet.
  if (hit == nullptr) search(covered, extent.end);
  return hit;
}

TimestampMs LogRows::maxTimestamp(const ExtentRow& extent, Offset from) const {
  TimestampMs latest = kNoTimestamp;
  auto search = [&](Offset first, Offset end) {
    walkRange(kj::max(first, from), end, [&](const IndexRow& row) {
      latest = kj::max(latest, row.maxTimestamp);
      return true;
    });
  };
  Offset covered = extent.first;
  walkBlocks(extent.first, extent.end, [&](const BlockRow& block) {
    covered = block.end;
    if (block.first >= from) {
      latest = kj::max(latest, block.maxTimestamp);
    } else if (block.end > from) {
      search(block.first, block.end);
    }
    return true;
  });
  search(covered, extent.end);
  return latest;
}

BlockRow LogRows::summarise(Offset from, Offset to) const {
  BlockRow block{from, to, Bytes(0), kNoTimestamp};
  walkRange(from, to, [&](const IndexRow& row) {
    block.bytes += uint64_t{row.size};
    block.maxTimestamp = kj::max(block.maxTimestamp, row.maxTimestamp);
    return true;
  });
  return block;
}

ExtentRow LogRows::recut(const ExtentRow& extent, Offset end, LogRowWriter& writer) const {
  ExtentRow result = extent;
  result.end = end;
  result.bytes = Bytes(0);
  result.maxTimestamp = kNoTimestamp;
  result.closed = false;
  auto add = [&](const BlockRow& block) {
    result.bytes += block.bytes.value();
    result.maxTimestamp = kj::max(result.maxTimestamp, block.maxTimestamp);
  };
  Offset covered = extent.first;
  walkBlocks(extent.first, end, [&](const BlockRow& block) {
    if (block.end > end) return false;
    covered = block.end;
    add(block);
    return true;
  });
  if (covered < end) {
    auto last = summarise(covered, end);
    add(last);
    writer.put(last);
  }
  writer.put(result);
  return result;
}

void LogRowWriter::put(RocksStore::Family* bucket, const IndexRow& row, ByteView data) {
  check(batch_.Put(bucket, toSlice(key(row.base)), toSlice(data)), "adding a batch to a write");
  check(batch_.Put(&store_.index(), toSlice(key(row.base)), toSlice(encode(row))), "adding an index row to a write");
}

void LogRowWriter::put(const BlockRow& row) {
  check(batch_.Put(&store_.blocks(), toSlice(key(row.first)), toSlice(encode(row))), "adding a block row to a write");
}

void LogRowWriter::put(const ExtentRow& row) {
  check(batch_.Put(&store_.extents(), toSlice(RowKey(log_, row.first)), toSlice(encode(row))),
        "adding an extent row to a write");
}

void LogRowWriter::eraseExtent(Offset first) {
  check(batch_.Delete(&store_.extents(), toSlice(RowKey(log_, first))), "removing an extent row");
}

void LogRowWriter::eraseIndex(Offset from, Offset to) {
  eraseRange(&store_.index(), from, to);
}
void LogRowWriter::eraseBlocks(Offset from, Offset to) {
  eraseRange(&store_.blocks(), from, to);
}
void LogRowWriter::eraseBatches(RocksStore::Family* bucket, Offset from, Offset to) {
  eraseRange(bucket, from, to);
}

void LogRowWriter::putMarker(BucketNumber bucket) {
  RewriteMarker marker{log_, rewrite_, bucket};
  check(batch_.Put(&store_.meta(), toSlice(markerKey(marker)), toSlice(encode(marker))), "marking a rewrite");
}

void LogRowWriter::eraseMarker() {
  check(batch_.Delete(&store_.meta(), toSlice(markerKey({log_, rewrite_, BucketNumber(0)}))), "unmarking a rewrite");
}

void eraseRewrite(LogRowWriter& writer, RocksStore::Family* bucket) {
  if (bucket != nullptr) writer.eraseBatches(bucket, Offset(0), kBehindAll);
  writer.eraseIndex(Offset(0), kBehindAll);
  writer.eraseBlocks(Offset(0), kBehindAll);
  writer.eraseMarker();
}

void LogRowWriter::eraseRange(RocksStore::Family* family, Offset from, Offset to) {
  if (from >= to) return;
  check(batch_.DeleteRange(family, toSlice(key(from)), toSlice(key(to))), "removing a range of rows");
}

}  // namespace cambium::rocks
