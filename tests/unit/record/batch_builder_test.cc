#include "engine/record/batch_builder.h"

#include <gtest/gtest.h>

#include <kj/encoding.h>

#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

TEST(BatchBuilder, WritesTheLayoutByteForByte) {
  BatchOptions options;
  options.producerId = 0x0102030405060708;
  options.producerEpoch = 9;
  options.baseSequence = 10;
  options.transactional = true;
  BatchBuilder builder(options);
  RecordHeader headers[] = {{view("h"), view("v")}, {view("n"), nullptr}};
  builder.add(TimestampMs(1000), view("k"), view("value"), kj::arrayPtr(headers, 2));
  builder.add(TimestampMs(998), nullptr, nullptr);

  auto expected = fromHex(
      "0000000000000000"  // base offset
      "0000004c"          // length: 88 - 12
      "ffffffff"          // leader epoch
      "02"                // magic
      "b8c9d458"          // checksum
      "0010"              // attributes
      "00000001"          // last offset delta
      "00000000000003e8"  // base timestamp
      "00000000000003e8"  // max timestamp
      "0102030405060708"  // producer id
      "0009"              // producer epoch
      "0000000a"          // base sequence
      "00000002"          // record count
      "26000000"          // 19 bytes, attributes, timestamp delta 0, offset delta 0
      "026b"              // key: k
      "0a76616c7565"      // value: value
      "04"                // two headers
      "02680276"          // h: v
      "026e01"            // n: null
      "0c000302"          // 6 bytes, attributes, timestamp delta -2, offset delta 1
      "010100");          // null key, null value, no headers
  EXPECT_EQ(kj::encodeHex(builder.finish()), kj::encodeHex(expected));
}

TEST(BatchBuilder, OptionsEndUpInTheAttributes) {
  for (Codec codec : kAllCodecs) {
    BatchOptions options;
    options.codec = codec;
    options.control = true;
    options.timestampType = TimestampType::kLogAppendTime;
    BatchBuilder builder(options);
    builder.add(TimestampMs(1), view("k"), view("v"));
    auto bytes = builder.finish();
    auto batch = wholeBatch(bytes);
    EXPECT_EQ(batch.attributes(), static_cast<int16_t>(0x28 | static_cast<int>(codec)));
    EXPECT_TRUE(batch.crcMatches());
    EXPECT_EQ(batch.producerId(), -1);
    EXPECT_EQ(batch.producerEpoch(), -1);
    EXPECT_EQ(batch.baseSequence(), -1);
    EXPECT_EQ(batch.leaderEpoch(), kNoLeaderEpoch);
  }
}

TEST(BatchBuilder, SizeIsExactAndTheBoundHolds) {
  BatchBuilder builder;
  EXPECT_EQ(builder.sizeBytes(), batch_layout::kHeaderBytes);
  auto bytes = text(70000);
  RecordHeader header[] = {{view("name"), view("content")}};
  for (size_t size : {0, 1, 50, 63, 64, 127, 128, 8191, 8192, 70000}) {
    for (size_t headerCount : {0, 1}) {
      auto value = bytes.slice(0, size);
      auto headers = kj::arrayPtr(header, headerCount);
      size_t before = builder.sizeBytes();
      size_t bound = BatchBuilder::recordSizeBytes(view("k"), value, headers);
      builder.add(TimestampMs(static_cast<int64_t>(size) * 1000), view("k"), value, headers);
      size_t grown = builder.sizeBytes() - before;
      EXPECT_LE(grown, bound);
      EXPECT_LE(bound - grown, 14u) << size;
    }
  }
  size_t size = builder.sizeBytes();
  EXPECT_EQ(builder.finish().size(), size);
}

TEST(BatchBuilder, TheBoundCoversTheLargestDeltas) {
  BatchBuilder builder;
  builder.add(TimestampMs(0), nullptr, nullptr);
  size_t before = builder.sizeBytes();
  builder.add(TimestampMs(INT64_MIN), nullptr, nullptr);
  EXPECT_LE(builder.sizeBytes() - before, BatchBuilder::recordSizeBytes(nullptr, nullptr));
}

TEST(BatchBuilder, StartsOverAfterFinish) {
  for (Codec codec : kAllCodecs) {
    BatchOptions options;
    options.codec = codec;
    BatchBuilder builder(options);
    auto large = text(5000);
    builder.add(TimestampMs(5), view("first"), ByteView(large));
    builder.add(TimestampMs(9), view("second"), ByteView(large));
    auto first = builder.finish();
    EXPECT_EQ(builder.count(), 0);
    EXPECT_EQ(builder.sizeBytes(), batch_layout::kHeaderBytes);
    builder.add(TimestampMs(3), view("third"), view("x"));
    EXPECT_EQ(builder.count(), 1);
    auto second = builder.finish();
    EXPECT_EQ(wholeBatch(first).recordCount(), 2);
    EXPECT_EQ(wholeBatch(first).maxTimestamp(), TimestampMs(9));
    EXPECT_EQ(wholeBatch(second).baseTimestamp(), TimestampMs(3));
    EXPECT_EQ(wholeBatch(second).maxTimestamp(), TimestampMs(3));
    EXPECT_EQ(describeAll(second), "0 @3 \"third\": \"x\""_kj);
  }
}

TEST(BatchBuilder, TimestampsAtTheEndsOfTheirRangeComeBack) {
  BatchBuilder builder;
  builder.add(TimestampMs(INT64_MIN), nullptr, nullptr);
  builder.add(TimestampMs(INT64_MAX), nullptr, nullptr);
  builder.add(TimestampMs(-1), nullptr, nullptr);
  EXPECT_EQ(describeAll(builder.finish()),
            kj::str("0 @", INT64_MIN, " null: null\n1 @", INT64_MAX, " null: null\n2 @-1 null: null"));
}

TEST(BatchBuilder, AnEmptyBatchIsABug) {
  BatchBuilder builder;
  EXPECT_ANY_THROW(builder.finish());
}

}  // namespace
}  // namespace cambium
