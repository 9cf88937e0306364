#pragma once

#include <array>

#include "engine/base/byte_cursor.h"
#include "engine/base/uuid.h"
#include "engine/storage/partition_log.h"

namespace cambium::rocks {

// What stands in the families of the store. All integers big-endian, so that the order of bytes is the order of
// numbers.
//
//     family          key                          value
//     default         "format"                     uint32 kFormatVersion
//                     "next-log"                   uint32, the number the next new log gets
//                     "rewrite-", log (4),         uint32, the bucket: a rewrite that has written batches and is not in
//                       rewrite number (4)         place
//     logs            name of the log              LogRow
//     bucket-<n>      RowKey of the base offset    one whole record batch
//     index           RowKey of the base offset    IndexRow of that batch
//     blocks          RowKey of the first offset   BlockRow: a summary of up to kBlockRows index rows
//     extents         RowKey of the first offset   ExtentRow: what one bucket holds of this log, or a part of it
//     table-<name>    as the caller says           as the caller says
//
// One atomic write holds a batch, its index row and, when one is due, its block and extent rows. An extent row is
// written with the first batch of the extent (then with end = first), whenever a block is full and when the extent or
// the log is closed. So blocks tile an extent from its first offset to the end in its row, and at most kBlockRows index
// rows lie beyond that.
//
// A rewritten extent (see ExtentRewrite) has a number, and its batches, index rows and blocks stand under keys of their
// own, which hold that number. So they can be written before anybody sees them, beside those that they replace and in
// as many writes as it takes; what puts them in place is the extent's row alone. No batch is ever appended to such an
// extent.

inline constexpr uint32_t kFormatVersion = 1;
// Index rows per block: what a search by time or a recovery reads one by one at most.
inline constexpr uint32_t kBlockRows = 256;

// Stands for a log in keys. Given once, never again.
using LogNumber = Quantity<struct LogNumberTag, uint32_t>;
// Counts buckets in the order of their making, from 1.
using BucketNumber = Quantity<struct BucketNumberTag, uint32_t>;

// Tells rewritten extents of the store from one another, from 1; 0 is an extent that batches were appended to.
using RewriteNumber = Quantity<struct RewriteNumberTag, uint32_t>;
inline constexpr RewriteNumber kNotRewritten{0};
inline constexpr uint32_t kRewritesMax = INT32_MAX;

// Log number, then offset: 12 bytes. Of a rewritten extent: log number, 0x80000000 + rewrite number, offset: 16 bytes,
// which sort behind all that were appended, each rewrite by itself.
class RowKey {
 public:
  RowKey(LogNumber log, Offset offset) : RowKey(log, kNotRewritten, offset) {}
  RowKey(LogNumber log, RewriteNumber rewrite, Offset offset);
  // The first key behind all of a log.
  static RowKey behind(LogNumber log) { return RowKey(log + 1u, Offset(0)); }
  // Null when `bytes` is no such key.
  static kj::Maybe<RowKey> parse(ByteView bytes);

  LogNumber log() const { return LogNumber(loadBigEndian<uint32_t>(bytes_.data())); }
  RewriteNumber rewrite() const;
  Offset offset() const { return Offset(loadBigEndian<int64_t>(bytes_.data() + (size_ - 8))); }
  ByteView bytes() const { return kj::arrayPtr(bytes_.data(), size_); }

 private:
  std::array<kj::byte, 16> bytes_{};
  size_t size_ = 12;
};

// One batch: last offset delta (4), size (4), max timestamp (8), bucket (4).
struct IndexRow {
  Offset base;  // from the key
  int32_t lastOffsetDelta;
  uint32_t size;
  TimestampMs maxTimestamp;
  BucketNumber bucket;
  RewriteNumber rewrite = kNotRewritten;  // from the key

  Offset end() const { return base + (int64_t{lastOffsetDelta} + 1); }
};

// Up to kBlockRows batches of one extent: end (8), bytes (8), max timestamp (8).
struct BlockRow {
  Offset first;  // from the key
  Offset end;
  Bytes bytes;
  TimestampMs maxTimestamp;
};

// end (8), bytes (8), max timestamp (8), max timestamp of the first batch (8), bucket (4); for a rewritten or a closed
// extent also: rewrite number (4), flags (1): 1 closed.
struct ExtentRow {
  Offset first;  // from the key
  Offset end;
  Bytes bytes;
  TimestampMs maxTimestamp;
  TimestampMs firstTimestamp;
  BucketNumber bucket;
  RewriteNumber rewrite = kNotRewritten;
  bool closed = false;  // the next batch begins another one
};

// number (4), incarnation (16), start (8), base offset of the batch that holds start, or start when the log is empty
// (8).
struct LogRow {
  LogNumber number;
  Uuid incarnation;
  Offset start;
  Offset firstBatch;
};

kj::Array<kj::byte> encode(const IndexRow& row);
kj::Array<kj::byte> encode(const BlockRow& row);
kj::Array<kj::byte> encode(const ExtentRow& row);
kj::Array<kj::byte> encode(const LogRow& row);

// Decode a row; throw FAILED, naming family and key, when it is malformed.
IndexRow decodeIndexRow(ByteView key, ByteView value);
BlockRow decodeBlockRow(ByteView key, ByteView value);
ExtentRow decodeExtentRow(ByteView key, ByteView value);
LogRow decodeLogRow(kj::StringPtr name, ByteView value);

// Stands in the family `default` while a rewrite of a log is written.
struct RewriteMarker {
  LogNumber log;
  RewriteNumber rewrite;
  BucketNumber bucket;
};
inline constexpr kj::StringPtr kMarkerPrefix = "rewrite-"_kj;
kj::Array<kj::byte> markerKey(const RewriteMarker& marker);
kj::Array<kj::byte> encode(const RewriteMarker& marker);
// Null when the key is none of a marker. Throws FAILED when the value is malformed.
kj::Maybe<RewriteMarker> decodeMarker(ByteView key, ByteView value);

// Names of families.
inline constexpr kj::StringPtr kLogsFamily = "logs"_kj;
inline constexpr kj::StringPtr kIndexFamily = "index"_kj;
inline constexpr kj::StringPtr kBlocksFamily = "blocks"_kj;
inline constexpr kj::StringPtr kExtentsFamily = "extents"_kj;

// 7 -> "bucket-0000000007".
kj::String bucketFamily(BucketNumber number);
// "bucket-0000000007" -> 7; null for any other name.
kj::Maybe<BucketNumber> parseBucketFamily(kj::StringPtr family);
// "offsets" -> "table-offsets".
kj::String tableFamily(kj::StringPtr table);
// "table-offsets" -> "offsets"; null for any other name.
kj::Maybe<kj::StringPtr> parseTableFamily(kj::StringPtr family);

}  // namespace cambium::rocks
