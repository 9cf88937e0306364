#include "engine/record/recompress.h"

#include <gtest/gtest.h>

#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

using namespace batch_layout;

TEST(Recompress, EveryCodecIntoEveryOther) {
  for (Codec from : kAllCodecs) {
    BatchOptions options;
    options.codec = from;
    options.producerId = 77;
    options.producerEpoch = 2;
    options.baseSequence = 9;
    options.transactional = true;
    auto original = mixedBatch(options, 50, 5000);
    stampBatch(original, Offset(123456), LeaderEpoch(8));
    stampLogAppendTime(original, TimestampMs(1800000000000));
    auto expected = describeAll(original);
    for (Codec to : kAllCodecs) {
      auto result = recompress(wholeBatch(original), to);
      ASSERT_TRUE(result.ok()) << result.error().message.cStr();
      auto batch = wholeBatch(result.value());
      EXPECT_TRUE(batch.crcMatches());
      EXPECT_EQ(batch.codec(), to);
      EXPECT_EQ(batch.attributes() & ~0x07, wholeBatch(original).attributes() & ~0x07);
      // Base offset and leader epoch; everything from the last offset delta to the record count.
      EXPECT_TRUE(batch.bytes().slice(0, kLength) == original.slice(0, kLength));
      EXPECT_EQ(batch.leaderEpoch(), LeaderEpoch(8));
      EXPECT_TRUE(batch.bytes().slice(kLastOffsetDelta, kHeaderBytes) ==
                  original.slice(kLastOffsetDelta, kHeaderBytes));
      EXPECT_EQ(describeAll(result.value()), expected);
    }
  }
}

TEST(Recompress, BackToNoneIsTheSameBatch) {
  auto original = mixedBatch({}, 50, 500);
  for (Codec via : kAllCodecs) {
    auto there = recompress(wholeBatch(original), via);
    auto back = recompress(wholeBatch(there.value()), Codec::kNone);
    EXPECT_TRUE(back.value() == original) << codecName(via).cStr();
  }
}

TEST(Recompress, TheLevelCounts) {
  auto original = mixedBatch({}, 50, 50000);
  auto quick = recompress(wholeBatch(original), Codec::kGzip, 1);
  auto small = recompress(wholeBatch(quick.value()), Codec::kGzip, 9);
  EXPECT_LT(small.value().size(), quick.value().size());
}

TEST(Recompress, BatchesWithoutRecordsStayEmpty) {
  RawBatch fields;
  fields.count = 0;
  fields.lastOffsetDelta = 3;
  auto empty = rawBatch(nullptr, fields);
  for (Codec codec : kAllCodecs) {
    auto result = recompress(wholeBatch(empty), codec);
    EXPECT_EQ(describeAll(result.value()), ""_kj) << codecName(codec).cStr();
    EXPECT_EQ(wholeBatch(result.value()).lastOffsetDelta(), 3);
  }
}

TEST(Recompress, FailsAsTheDecompressorDoes) {
  BatchOptions options;
  options.codec = Codec::kZstd;
  auto batch = mixedBatch(options, 50, 50000);
  auto limited = recompress(wholeBatch(batch), Codec::kLz4, kDefaultCompressionLevel, {100000});
  ASSERT_FALSE(limited.ok());
  EXPECT_EQ(limited.error().code, ErrorCode::kMessageTooLarge);
  batch[kHeaderBytes] ^= 1;
  auto damaged = recompress(wholeBatch(batch), Codec::kLz4);
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, ErrorCode::kCorruptMessage);
  batch[kAttributes + 1] = 6;
  auto unknown = recompress(wholeBatch(batch), Codec::kLz4);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kUnsupportedCompressionType);
}

}  // namespace
}  // namespace cambium
