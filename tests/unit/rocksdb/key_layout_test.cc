#include "backends/rocksdb/key_layout.h"

#include <gtest/gtest.h>

namespace cambium::rocks {
namespace {

int compare(const RowKey& a, const RowKey& b) {
  int order = memcmp(a.bytes().begin(), b.bytes().begin(), kj::min(a.bytes().size(), b.bytes().size()));
  return order != 0 ? order : static_cast<int>(a.bytes().size()) - static_cast<int>(b.bytes().size());
}

TEST(RowKey, SortsByLogThenByOffset) {
  RowKey key(LogNumber(7), Offset(255));
  EXPECT_LT(compare(key, RowKey(LogNumber(7), Offset(256))), 0);
  EXPECT_LT(compare(RowKey(LogNumber(7), Offset(INT64_MAX)), RowKey::behind(LogNumber(7))), 0);
  EXPECT_LE(compare(RowKey::behind(LogNumber(7)), RowKey(LogNumber(8), Offset(0))), 0);
  EXPECT_LT(compare(RowKey(LogNumber(255), Offset(9)), RowKey(LogNumber(256), Offset(0))), 0);
}

TEST(RowKey, IsLogAndOffsetBigEndian) {
  RowKey key(LogNumber(0x01020304), Offset(0x05060708090a0b0c));
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(key.bytes()[i], i + 1);
  auto parsed = KJ_ASSERT_NONNULL(RowKey::parse(key.bytes()));
  EXPECT_EQ(parsed.log().value(), 0x01020304u);
  EXPECT_EQ(parsed.offset().value(), 0x05060708090a0b0c);
  EXPECT_TRUE(RowKey::parse(key.bytes().slice(0, 11)) == nullptr);
}

TEST(RowKey, OfARewriteStandsBehindAllThatWasAppended) {
  RowKey first(LogNumber(7), RewriteNumber(1), Offset(0));
  RowKey last(LogNumber(7), RewriteNumber(1), Offset(INT64_MAX));
  EXPECT_EQ(first.bytes().size(), 16u);
  EXPECT_LT(compare(RowKey(LogNumber(7), Offset(INT64_MAX)), first), 0);
  EXPECT_LT(compare(first, RowKey(LogNumber(7), RewriteNumber(2), Offset(0))), 0);
  EXPECT_LT(compare(last, RowKey(LogNumber(7), RewriteNumber(2), Offset(0))), 0);
  EXPECT_LT(compare(RowKey(LogNumber(7), RewriteNumber(kRewritesMax), Offset(INT64_MAX)), RowKey::behind(LogNumber(7))),
            0);
  auto parsed = KJ_ASSERT_NONNULL(RowKey::parse(RowKey(LogNumber(7), RewriteNumber(9), Offset(255)).bytes()));
  EXPECT_EQ(parsed.log().value(), 7u);
  EXPECT_EQ(parsed.rewrite().value(), 9u);
  EXPECT_EQ(parsed.offset().value(), 255);
  EXPECT_EQ(RowKey(LogNumber(7), Offset(1)).rewrite(), kNotRewritten);
  kj::byte noRewrite[16] = {};
  EXPECT_TRUE(RowKey::parse(kj::arrayPtr(noRewrite, 16)) == nullptr);
}

TEST(Rows, OfRewritesSurviveEncoding) {
  RowKey key(LogNumber(3), Offset(100));
  ExtentRow row{Offset(100), Offset(300), Bytes(99), TimestampMs(9), TimestampMs(4), BucketNumber(2)};
  EXPECT_EQ(encode(row).size(), 36u) << "as it was before there were rewrites";
  row.closed = true;
  auto closed = decodeExtentRow(key.bytes(), encode(row));
  EXPECT_TRUE(closed.closed);
  EXPECT_EQ(closed.rewrite, kNotRewritten);
  row.closed = false;
  row.rewrite = RewriteNumber(77);
  auto rewritten = decodeExtentRow(key.bytes(), encode(row));
  EXPECT_FALSE(rewritten.closed);
  EXPECT_EQ(rewritten.rewrite.value(), 77u);
  EXPECT_EQ(rewritten.bucket.value(), 2u);

  RewriteMarker marker{LogNumber(3), RewriteNumber(77), BucketNumber(5)};
  auto decoded = KJ_ASSERT_NONNULL(decodeMarker(markerKey(marker), encode(marker)));
  EXPECT_EQ(decoded.log.value(), 3u);
  EXPECT_EQ(decoded.rewrite.value(), 77u);
  EXPECT_EQ(decoded.bucket.value(), 5u);
  EXPECT_TRUE(decodeMarker("next-log"_kj.asBytes(), encode(marker)) == nullptr);
}

TEST(Rows, SurviveEncoding) {
  RowKey key(LogNumber(3), Offset(100));
  auto index = decodeIndexRow(key.bytes(), encode(IndexRow{Offset(100), 9, 1234, TimestampMs(-1), BucketNumber(5)}));
  EXPECT_EQ(index.base.value(), 100);
  EXPECT_EQ(index.end().value(), 110);
  EXPECT_EQ(index.size, 1234u);
  EXPECT_EQ(index.maxTimestamp.value(), -1);
  EXPECT_EQ(index.bucket.value(), 5u);

  auto block = decodeBlockRow(key.bytes(), encode(BlockRow{Offset(100), Offset(200), Bytes(77), TimestampMs(8)}));
  EXPECT_EQ(block.first.value(), 100);
  EXPECT_EQ(block.end.value(), 200);
  EXPECT_EQ(block.bytes.value(), 77u);
  EXPECT_EQ(block.maxTimestamp.value(), 8);

  auto extent = decodeExtentRow(key.bytes(), encode(ExtentRow{Offset(100), Offset(300), Bytes(99), TimestampMs(9),
                                                              TimestampMs(4), BucketNumber(2)}));
  EXPECT_EQ(extent.first.value(), 100);
  EXPECT_EQ(extent.end.value(), 300);
  EXPECT_EQ(extent.bytes.value(), 99u);
  EXPECT_EQ(extent.maxTimestamp.value(), 9);
  EXPECT_EQ(extent.firstTimestamp.value(), 4);
  EXPECT_EQ(extent.bucket.value(), 2u);

  kj::byte incarnation[16] = {1, 2, 3};
  auto log = decodeLogRow(
      "a", encode(LogRow{LogNumber(6), Uuid::fromBytes(kj::arrayPtr(incarnation, 16)), Offset(13), Offset(10)}));
  EXPECT_EQ(log.number.value(), 6u);
  EXPECT_EQ(log.incarnation, Uuid::fromBytes(kj::arrayPtr(incarnation, 16)));
  EXPECT_EQ(log.start.value(), 13);
  EXPECT_EQ(log.firstBatch.value(), 10);
}

TEST(Rows, OfTheWrongSizeAreRefused) {
  RowKey key(LogNumber(3), Offset(100));
  auto row = encode(IndexRow{});
  EXPECT_THROW(decodeIndexRow(key.bytes(), row.slice(0, row.size() - 1)), kj::Exception);
  EXPECT_THROW(decodeExtentRow(key.bytes(), row), kj::Exception);
  EXPECT_THROW(decodeBlockRow(key.bytes(), row), kj::Exception);
  EXPECT_THROW(decodeLogRow("a", row), kj::Exception);
  EXPECT_THROW(decodeIndexRow(key.bytes().slice(0, 4), row), kj::Exception);
}

TEST(FamilyNames, GoBothWays) {
  EXPECT_EQ(bucketFamily(BucketNumber(42)), "bucket-0000000042"_kj);
  EXPECT_EQ(KJ_ASSERT_NONNULL(parseBucketFamily("bucket-4294967295")).value(), UINT32_MAX);
  for (auto name :
       {"bucket-4294967296", "bucket-0000000000", "bucket-42", "bucket-00000000x2", "index", "bucket-00000000042"}) {
    EXPECT_TRUE(parseBucketFamily(name) == nullptr) << name;
  }
  auto family = tableFamily("offsets");
  EXPECT_EQ(KJ_ASSERT_NONNULL(parseTableFamily(family)), "offsets"_kj);
  EXPECT_TRUE(parseTableFamily("table-") == nullptr);
  EXPECT_TRUE(parseTableFamily("index") == nullptr);
}

}  // namespace
}  // namespace cambium::rocks
