#include "backends/rocksdb/key_layout.h"

#include <kj/debug.h>

namespace cambium::rocks {

namespace {

constexpr kj::StringPtr kBucketPrefix = "bucket-"_kj;
constexpr kj::StringPtr kTablePrefix = "table-"_kj;
constexpr size_t kBucketDigits = 10;

RowKey requireKey(kj::StringPtr family, ByteView key) {
  KJ_IF_MAYBE(parsed, RowKey::parse(key)) return *parsed;
  KJ_FAIL_REQUIRE(
      "a key of the store is damaged: expected 12 bytes (log number, offset); check the store with the inspection tool",
      family, key.size());
}

void requireWhole(const ByteReader& reader, kj::StringPtr family, const RowKey& key) {
  KJ_REQUIRE(reader.finished(),
             "a row of the store is damaged: its size is wrong; check the store with the inspection tool", family,
             key.log(), key.offset());
}

}  // namespace

RowKey::RowKey(LogNumber log, Offset offset) {
  storeBigEndian(bytes_.data(), log.value());
  storeBigEndian(bytes_.data() + 4, offset.value());
}

kj::Maybe<RowKey> RowKey::parse(ByteView bytes) {
  if (bytes.size() != 12) return nullptr;
  return RowKey(LogNumber(loadBigEndian<uint32_t>(bytes.begin())), Offset(loadBigEndian<int64_t>(bytes.begin() + 4)));
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
