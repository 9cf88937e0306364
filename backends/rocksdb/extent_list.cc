#include "backends/rocksdb/extent_list.h"

#include <kj/debug.h>

namespace cambium::rocks {

ExtentList::ExtentList(kj::Vector<ExtentRow> extents) : extents_(kj::mv(extents)) {
  for (auto& extent : extents_)
    bytes_ += extent.bytes.value();
}

ExtentList::Mark ExtentList::mark() const {
  Mark mark{extents_.size(), nullptr, block_, blockRows_, bytes_};
  if (extents_.size() > 0) mark.last = extents_.back();
  return mark;
}

void ExtentList::goBack(const Mark& mark) {
  extents_.resize(mark.count);
  KJ_IF_MAYBE(last, mark.last) extents_.back() = *last;
  block_ = mark.block;
  blockRows_ = mark.blockRows;
  bytes_ = mark.bytes;
}

bool ExtentList::isFull(const ExtentRow& extent, const IndexRow& row, const LogOptions& options) const {
  if (extent.bucket != row.bucket || extent.closed || extent.rewrite != kNotRewritten) return true;
  if (extent.end == extent.first) return false;
  if (extent.bytes.value() + row.size > options.segmentBytes.value()) return true;
  return row.maxTimestamp != kNoTimestamp && extent.firstTimestamp != kNoTimestamp &&
         row.maxTimestamp - extent.firstTimestamp >= options.segmentMs;
}

bool ExtentList::add(const IndexRow& row, const LogOptions& options, LogRowWriter& writer) {
  bool begins = extents_.size() == 0 || isFull(extents_.back(), row, options);
  if (begins) {
    checkpoint(writer);
    extents_.add(ExtentRow{row.base, row.base, Bytes(0), kNoTimestamp, row.maxTimestamp, row.bucket});
    // With the first batch, so that the bucket is known to be in use.
    writer.put(extents_.back());
  }
  note(row);
  if (blockRows_ >= kBlockRows) checkpoint(writer);
  return begins;
}

void ExtentList::recover(const IndexRow& row) {
  KJ_REQUIRE(extents_.size() > 0, "a batch lies outside all extents; check the store with the inspection tool",
             row.base);
  auto& extent = extents_.back();
  KJ_REQUIRE(row.base == extent.end && row.bucket == extent.bucket,
             "batches of a log do not follow each other; check the store with the inspection tool", row.base,
             extent.end, row.bucket, extent.bucket);
  note(row);
}

void ExtentList::note(const IndexRow& row) {
  auto& extent = extents_.back();
  extent.end = row.end();
  extent.bytes += uint64_t{row.size};
  extent.maxTimestamp = kj::max(extent.maxTimestamp, row.maxTimestamp);
  if (blockRows_ == 0) block_ = BlockRow{row.base, row.base, Bytes(0), kNoTimestamp};
  block_.end = row.end();
  block_.bytes += uint64_t{row.size};
  block_.maxTimestamp = kj::max(block_.maxTimestamp, row.maxTimestamp);
  ++blockRows_;
  bytes_ += uint64_t{row.size};
}

bool ExtentList::close(LogRowWriter& writer) {
  if (extents_.size() == 0 || extents_.back().closed) return false;
  checkpoint(writer);
  extents_.back().closed = true;
  writer.put(extents_.back());
  return true;
}

void ExtentList::replace(const ExtentRow& rewritten) {
  kj::Vector<ExtentRow> extents;
  bytes_ = Bytes(0);
  auto keep = [&](const ExtentRow& extent) {
    extents.add(extent);
    bytes_ += extent.bytes.value();
  };
  for (auto& extent : extents_) {
    bool spanned = extent.end > rewritten.first && extent.first < rewritten.end;
    if (!spanned) {
      keep(extent);
    } else if (extent.end == rewritten.end) {
      keep(rewritten);
    }
  }
  extents_ = kj::mv(extents);
}

bool ExtentList::checkpoint(LogRowWriter& writer) {
  if (blockRows_ == 0) return false;
  writer.put(block_);
  writer.put(extents_.back());
  blockRows_ = 0;
  return true;
}

}  // namespace cambium::rocks
