#include "backends/rocksdb/key_layout.h"

#include <kj/debug.h>

namespace cambium::rocks {

namespace {

constexpr kj::StringPtr kBucketPrefix = "bucket-"_kj;
constexpr kj::StringPtr kTablePrefix = "table-"_kj;
constexpr size_t kBucketDigits = 10;
constexpr size_t kPlainKeyBytes = 12;
constexpr size_t kRewrittenKeyBytes = 16;
// Set where the highest bit of an offset would be, which is never set.
constexpr uint32_t kRewrittenBit = 0x80000000;
constexpr int8_t kClosedFlag = 1;

RowKey requireKey(kj::StringPtr family, ByteView key) {
  KJ_IF_MAYBE(parsed, RowKey::parse(key)) return *parsed;
  KJ_FAIL_REQUIRE(
      "a key of the store is damaged: expected 12 bytes (log number, offset), or 16 of a rewritten extent; check the "
      "store with the inspection tool",
      family, key.size());
}

void requireWhole(const ByteReader& reader, kj::StringPtr family, const RowKey& key) {
  KJ_REQUIRE(reader.finished(),
             "a row of the store is damaged: its size is wrong; check the store with the inspection tool", family,
             key.log(), key.offset());
}

}  // namespace

RowKey::RowKey(LogNumber log, RewriteNumber rewrite, Offset offset) {
  storeBigEndian(bytes_.data(), log.value());
  if (rewrite != kNotRewritten) {
    size_ = kRewrittenKeyBytes;
    storeBigEndian(bytes_.data() + 4, kRewrittenBit | rewrite.value());
  }
  storeBigEndian(bytes_.data() + (size_ - 8), offset.value());
}

RewriteNumber RowKey::rewrite() const {
  if (size_ == kPlainKeyBytes) return kNotRewritten;
  return RewriteNumber(loadBigEndian<uint32_t>(bytes_.data() + 4) & ~kRewrittenBit);
}

kj::Maybe<RowKey> RowKey::parse(ByteView bytes) {
  if (bytes.size() != kPlainKeyBytes && bytes.size() != kRewrittenKeyBytes) return nullptr;
  LogNumber log(loadBigEndian<uint32_t>(bytes.begin()));
  Offset offset(loadBigEndian<int64_t>(bytes.end() - 8));
  if (bytes.size() == kPlainKeyBytes) return RowKey(log, offset);
  auto rewrite = loadBigEndian<uint32_t>(bytes.begin() + 4);
  if ((rewrite & kRewrittenBit) == 0 || rewrite == kRewrittenBit) return nullptr;
  return RowKey(log, RewriteNumber(rewrite & ~kRewrittenBit), offset);
}

kj::Array<kj::byte> encode(const IndexRow& row) {
  ByteWriter out(20);
  out.int32(row.lastOffsetDelta);
  out.uint32(row.size);
  out.int64(row.maxTimestamp.value());
  out.uint32(row.bucket.value());
  return out.finish();
}

kj::Array<kj::byte> encode(const BlockRow& row) {
  ByteWriter out(24);
  out.int64(row.end.value());
  out.uint64(row.bytes.value());
  out.int64(row.maxTimestamp.value());
  return out.finish();
}

kj::Array<kj::byte> encode(const ExtentRow& row) {
  ByteWriter out(36);
  out.int64(row.end.value());
  out.uint64(row.bytes.value());
  out.int64(row.maxTimestamp.value());
  out.int64(row.firstTimestamp.value());
  out.uint32(row.bucket.value());
  if (row.rewrite != kNotRewritten || row.closed) {
    out.uint32(row.rewrite.value());
    out.int8(row.closed ? kClosedFlag : 0);
  }
  return out.finish();
}

kj::Array<kj::byte> encode(const LogRow& row) {
  ByteWriter out(36);
  out.uint32(row.number.value());
  out.bytes(row.incarnation.bytes());
  out.int64(row.start.value());
  out.int64(row.firstBatch.value());
  return out.finish();
}

IndexRow decodeIndexRow(ByteView key, ByteView value) {
  RowKey rowKey = requireKey(kIndexFamily, key);
  ByteReader in(value);
  IndexRow row{};
  row.base = rowKey.offset();
  row.lastOffsetDelta = in.int32();
  row.size = in.uint32();
  row.maxTimestamp = TimestampMs(in.int64());
  row.bucket = BucketNumber(in.uint32());
  row.rewrite = rowKey.rewrite();
  requireWhole(in, kIndexFamily, rowKey);
  return row;
}

BlockRow decodeBlockRow(ByteView key, ByteView value) {
  RowKey rowKey = requireKey(kBlocksFamily, key);
  ByteReader in(value);
  BlockRow row{};
  row.first = rowKey.offset();
  row.end = Offset(in.int64());
  row.bytes = Bytes(in.uint64());
  row.maxTimestamp = TimestampMs(in.int64());
  requireWhole(in, kBlocksFamily, rowKey);
  return row;
}

ExtentRow decodeExtentRow(ByteView key, ByteView value) {
  RowKey rowKey = requireKey(kExtentsFamily, key);
  ByteReader in(value);
  ExtentRow row{};
  row.first = rowKey.offset();
  row.end = Offset(in.int64());
  row.bytes = Bytes(in.uint64());
  row.maxTimestamp = TimestampMs(in.int64());
  row.firstTimestamp = TimestampMs(in.int64());
  row.bucket = BucketNumber(in.uint32());
  if (in.remaining() > 0) {
    row.rewrite = RewriteNumber(in.uint32());
    row.closed = (in.int8() & kClosedFlag) != 0;
  }
  requireWhole(in, kExtentsFamily, rowKey);
  return row;
}

LogRow decodeLogRow(kj::StringPtr name, ByteView value) {
  ByteReader in(value);
  LogRow row{};
  row.number = LogNumber(in.uint32());
  ByteView incarnation = in.bytes(16);
  row.start = Offset(in.int64());
  row.firstBatch = Offset(in.int64());
  KJ_REQUIRE(in.finished(), "the row of a log is damaged: its size is wrong; check the store with the inspection tool",
             kLogsFamily, name);
  row.incarnation = Uuid::fromBytes(incarnation);
  return row;
}

kj::Array<kj::byte> markerKey(const RewriteMarker& marker) {
  ByteWriter out(kMarkerPrefix.size() + 8);
  out.bytes(kMarkerPrefix.asBytes());
  out.uint32(marker.log.value());
  out.uint32(marker.rewrite.value());
  return out.finish();
}

kj::Array<kj::byte> encode(const RewriteMarker& marker) {
  ByteWriter out(4);
  out.uint32(marker.bucket.value());
  return out.finish();
}

kj::Maybe<RewriteMarker> decodeMarker(ByteView key, ByteView value) {
  size_t prefix = kMarkerPrefix.size();
  if (key.size() != prefix + 8 || key.slice(0, prefix) != kMarkerPrefix.asBytes()) return nullptr;
  ByteReader in(value);
  RewriteMarker marker{LogNumber(loadBigEndian<uint32_t>(key.begin() + prefix)),
                       RewriteNumber(loadBigEndian<uint32_t>(key.begin() + prefix + 4)), BucketNumber(in.uint32())};
  KJ_REQUIRE(in.finished(),
             "a row of the store is damaged: its size is wrong; check the store with the inspection tool", "default"_kj,
             marker.log, marker.rewrite);
  return marker;
}

kj::String bucketFamily(BucketNumber number) {
  kj::String digits = kj::str(number);
  auto zeros = kj::heapString(kBucketDigits - digits.size());
  memset(zeros.begin(), '0', zeros.size());
  return kj::str(kBucketPrefix, zeros, digits);
}

kj::Maybe<BucketNumber> parseBucketFamily(kj::StringPtr family) {
  if (!family.startsWith(kBucketPrefix) || family.size() != kBucketPrefix.size() + kBucketDigits) return nullptr;
  uint64_t number = 0;
  for (char c : family.slice(kBucketPrefix.size())) {
    if (c < '0' || c > '9') return nullptr;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  if (number == 0 || number > UINT32_MAX) return nullptr;
  return BucketNumber(static_cast<uint32_t>(number));
}

kj::String tableFamily(kj::StringPtr table) {
  return kj::str(kTablePrefix, table);
}

kj::Maybe<kj::StringPtr> parseTableFamily(kj::StringPtr family) {
  if (!family.startsWith(kTablePrefix) || family.size() == kTablePrefix.size()) return nullptr;
  return family.slice(kTablePrefix.size());
}

}  // namespace cambium::rocks
