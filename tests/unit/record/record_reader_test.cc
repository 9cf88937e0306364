#include "engine/record/record_reader.h"

#include <gtest/gtest.h>

#include "engine/base/byte_cursor.h"
#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

// The parts of a record, each of which a test can get wrong.
struct RawRecord {
  int64_t timestampDelta = 0;
  int32_t offsetDelta = 0;
  int32_t keyLength = 1;
  kj::StringPtr key = "k";
  int32_t valueLength = 1;
  kj::StringPtr value = "v";
  int32_t headerCount = 0;
  kj::StringPtr headersHex = "";
  kj::StringPtr tail = "";
  // Added to the true length.
  int32_t lengthError = 0;
};

kj::Array<kj::byte> raw(const RawRecord& record) {
  ByteWriter body;
  body.int8(0);
  body.varint64(record.timestampDelta);
  body.varint32(record.offsetDelta);
  body.varint32(record.keyLength);
  body.bytes(view(record.key));
  body.varint32(record.valueLength);
  body.bytes(view(record.value));
  body.varint32(record.headerCount);
  body.bytes(fromHex(record.headersHex));
  body.bytes(view(record.tail));
  ByteWriter whole;
  whole.varint32(static_cast<int32_t>(body.size()) + record.lengthError);
  whole.bytes(body.written());
  return whole.finish();
}

// What reading a batch of one such record says, plain and compressed.
void expectRefused(const RawRecord& record, kj::StringPtr message) {
  auto payload = raw(record);
  for (Codec codec : kAllCodecs) {
    RawBatch fields;
    fields.attributes = static_cast<int16_t>(codec);
    EXPECT_EQ(describeAll(rawBatch(compress(codec, payload), fields)), message) << codecName(codec).cStr();
  }
}

TEST(RecordReader, EveryKindOfRecordComesBackInEveryCodec) {
  for (size_t valueBytes : {0, 10, 1000, 50000}) {
    BatchOptions options;
    auto plain = mixedBatch(options, 100, valueBytes);
    auto expected = describeAll(plain);
    EXPECT_TRUE(readingFails(plain) == nullptr);
    for (Codec codec : kCompressingCodecs) {
      options.codec = codec;
      EXPECT_EQ(describeAll(mixedBatch(options, 100, valueBytes)), expected) << codecName(codec).cStr();
    }
  }
}

TEST(RecordReader, LargeRecordsAmongSmallOnes) {
  auto large = text(3 << 20);
  for (Codec codec : kAllCodecs) {
    BatchOptions options;
    options.codec = codec;
    BatchBuilder builder(options);
    builder.add(TimestampMs(1), view("a"), view("small"));
    builder.add(TimestampMs(2), ByteView(large), ByteView(large));
    builder.add(TimestampMs(3), view("b"), view("small"));
    auto bytes = builder.finish();
    RecordReader reader(wholeBatch(bytes));
    EXPECT_EQ(describe(*reader.next()), "0 @1 \"a\": \"small\""_kj);
    auto* record = reader.next();
    ASSERT_NE(record, nullptr);
    EXPECT_TRUE(KJ_ASSERT_NONNULL(record->key) == large.asPtr());
    EXPECT_TRUE(KJ_ASSERT_NONNULL(record->value) == large.asPtr());
    EXPECT_EQ(describe(*reader.next()), "2 @3 \"b\": \"small\""_kj);
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_TRUE(reader.error() == nullptr);
  }
}

TEST(RecordReader, UncompressedRecordsAreNotCopied) {
  BatchBuilder builder;
  builder.add(TimestampMs(1), view("key"), view("value"));
  auto bytes = builder.finish();
  RecordReader reader(wholeBatch(bytes));
  auto value = KJ_ASSERT_NONNULL(reader.next()->value);
  EXPECT_GE(value.begin(), bytes.begin());
  EXPECT_LE(value.end(), bytes.end());
}

TEST(RecordReader, StampedOffsetsAndTimesShow) {
  BatchBuilder builder;
  builder.add(TimestampMs(1), nullptr, view("a"));
  builder.add(TimestampMs(2), nullptr, view("b"));
  auto bytes = builder.finish();
  stampBatch(bytes, Offset(5000000000), LeaderEpoch(3));
  EXPECT_EQ(describeAll(bytes), "5000000000 @1 null: \"a\"\n5000000001 @2 null: \"b\""_kj);
  stampLogAppendTime(bytes, TimestampMs(77));
  EXPECT_EQ(describeAll(bytes), "5000000000 @77 null: \"a\"\n5000000001 @77 null: \"b\""_kj);
}

TEST(RecordReader, CompactedBatchesHaveGapsOrNothing) {
  RawRecord third;
  third.offsetDelta = 2;
  RawBatch fields;
  fields.lastOffsetDelta = 5;
  EXPECT_EQ(describeAll(rawBatch(raw(third), fields)), "2 @1000 \"k\": \"v\""_kj);
  fields.count = 0;
  EXPECT_EQ(describeAll(rawBatch(nullptr, fields)), ""_kj);
  fields.attributes = static_cast<int16_t>(Codec::kZstd);
  EXPECT_EQ(describeAll(rawBatch(nullptr, fields)), ""_kj);
}

constexpr kj::StringPtr kCorrupt = "CORRUPT_MESSAGE: record 0 of the batch with base offset 0: "_kj;
constexpr kj::StringPtr kInvalid = "INVALID_RECORD: record 0 of the batch with base offset 0: "_kj;

TEST(RecordReader, WrongLengthsAreNamed) {
  RawRecord record;
  record.lengthError = 1;
  expectRefused(record, kj::str(kCorrupt, "it claims a length of 9, the records end after 8 bytes of it"));
  record.lengthError = -1;
  expectRefused(record, kj::str(kCorrupt, "its header count is malformed or cut off"));
  record.lengthError = -9;
  expectRefused(record, kj::str(kCorrupt, "it claims a length of -1"));
  record.lengthError = INT32_MAX - 8;
  expectRefused(record, kj::str(kCorrupt, "it claims a length of 2147483647, the records end after 8 bytes of it"));

  record = {};
  record.keyLength = -2;
  expectRefused(record, kj::str(kCorrupt, "its key claims a length of -2, 4 bytes are left"));
  record.keyLength = 5;
  expectRefused(record, kj::str(kCorrupt, "its key claims a length of 5, 4 bytes are left"));
  record = {};
  record.valueLength = -2;
  expectRefused(record, kj::str(kCorrupt, "its value claims a length of -2, 2 bytes are left"));
  record.valueLength = INT32_MAX;
  expectRefused(record, kj::str(kCorrupt, "its value claims a length of 2147483647, 2 bytes are left"));
  record = {};
  record.tail = "ab";
  expectRefused(record, kj::str(kCorrupt, "2 bytes are left over at its end"));
}

TEST(RecordReader, WrongHeadersAreNamed) {
  RawRecord record;
  record.headerCount = -1;
  expectRefused(record, kj::str(kCorrupt, "it claims -1 headers in the 0 bytes that are left"));
  record.headerCount = INT32_MAX;
  expectRefused(record, kj::str(kCorrupt, "it claims 2147483647 headers in the 0 bytes that are left"));
  record.headerCount = 2;
  record.headersHex = "026102";
  expectRefused(record, kj::str(kCorrupt, "it claims 2 headers in the 3 bytes that are left"));
  record.headerCount = 1;
  expectRefused(record, kj::str(kCorrupt, "its header value claims a length of 1, 0 bytes are left"));
  record.headersHex = "0261";
  expectRefused(record, kj::str(kCorrupt, "its header value length is malformed or cut off"));
  record.headersHex = "0101";
  expectRefused(record, kj::str(kInvalid, "the key of its header 0 is null"));
}

TEST(RecordReader, HeadersAreLimited) {
  RawRecord record;
  record.headerCount = kRecordHeadersMax;
  auto headers = kj::str(kj::repeat('0', 4 * (kRecordHeadersMax + 1)));
  record.headersHex = headers.slice(4);
  EXPECT_TRUE(readingFails(rawBatch(raw(record))) == nullptr);
  record.headerCount = kRecordHeadersMax + 1;
  record.headersHex = headers;
  EXPECT_EQ(describeAll(rawBatch(raw(record))),
            "MESSAGE_TOO_LARGE: record 0 of the batch with base offset 0: it has 65537 headers, the limit is 65536"_kj);

  auto many = kj::heapArray<RecordHeader>(kRecordHeadersMax + 1);
  BatchBuilder builder;
  EXPECT_ANY_THROW(builder.add(TimestampMs(1), nullptr, nullptr, many));
  builder.add(TimestampMs(1), nullptr, nullptr, many.slice(1, many.size()));
  EXPECT_TRUE(readingFails(builder.finish()) == nullptr);
}

TEST(RecordReader, WrongOffsetsAreNamed) {
  RawRecord record;
  record.offsetDelta = -1;
  expectRefused(record, kj::str(kInvalid, "its offset delta is -1; expected 0 to 0"));
  record.offsetDelta = 1;
  expectRefused(record, kj::str(kInvalid, "its offset delta is 1; expected 0 to 0"));

  RawRecord first;
  RawBatch fields;
  fields.count = 2;
  fields.lastOffsetDelta = 1;
  EXPECT_EQ(describeAll(rawBatch(joined({raw(first), raw(first)}), fields)),
            "0 @1000 \"k\": \"v\"\nINVALID_RECORD: record 1 of the batch with base offset 0: its offset delta is 0; "
            "expected 1 to 1"_kj);
}

TEST(RecordReader, WrongCountsAreNamed) {
  auto one = raw({});
  for (Codec codec : kAllCodecs) {
    RawBatch fields;
    fields.attributes = static_cast<int16_t>(codec);
    fields.count = 2;
    EXPECT_EQ(
        describeAll(rawBatch(compress(codec, one), fields)),
        "0 @1000 \"k\": \"v\"\nCORRUPT_MESSAGE: record 1 of the batch with base offset 0: the records end here, 2 are "
        "announced"_kj);
    fields.count = INT32_MAX;
    EXPECT_TRUE(readingFails(rawBatch(compress(codec, one), fields)) == ErrorCode::kCorruptMessage);
    fields.count = 0;
    EXPECT_EQ(describeAll(rawBatch(compress(codec, one), fields)),
              kj::str(kCorrupt, "bytes follow the 0 records that are announced"));
    fields.count = -1;
    EXPECT_EQ(describeAll(rawBatch(compress(codec, one), fields)), kj::str(kCorrupt, "it announces -1 records"));
  }
}

TEST(RecordReader, MalformedNumbersAreNamed) {
  EXPECT_EQ(describeAll(rawBatch(fromHex("ffffffffff01"))), kj::str(kCorrupt, "its length is malformed"));
  EXPECT_EQ(describeAll(rawBatch(fromHex("80"))), kj::str(kCorrupt, "its length is malformed"));
  EXPECT_EQ(describeAll(rawBatch(fromHex("00"))), kj::str(kCorrupt, "its timestamp or offset is malformed or cut off"));
  EXPECT_EQ(describeAll(rawBatch(fromHex("0600ff00"))),
            kj::str(kCorrupt, "its timestamp or offset is malformed or cut off"));
  EXPECT_EQ(describeAll(rawBatch(fromHex("06000000"))), kj::str(kCorrupt, "its key length is malformed or cut off"));
  EXPECT_EQ(describeAll(rawBatch(fromHex("0800000001"))),
            kj::str(kCorrupt, "its value length is malformed or cut off"));
}

TEST(RecordReader, OffsetsBeyondTheLargestAreRefused) {
  RawBatch fields;
  fields.baseOffset = INT64_MAX;
  EXPECT_TRUE(readingFails(rawBatch(raw({}), fields)) == nullptr);
  fields.lastOffsetDelta = 1;
  EXPECT_TRUE(readingFails(rawBatch(raw({}), fields)) == ErrorCode::kCorruptMessage);
}

TEST(RecordReader, UnknownCodecsAndForeignDataAreRefused) {
  auto payload = raw({});
  RawBatch fields;
  fields.attributes = 7;
  EXPECT_TRUE(readingFails(rawBatch(payload, fields)) == ErrorCode::kUnsupportedCompressionType);
  for (Codec codec : kCompressingCodecs) {
    fields.attributes = static_cast<int16_t>(codec);
    EXPECT_TRUE(readingFails(rawBatch(payload, fields)) == ErrorCode::kCorruptMessage) << codecName(codec).cStr();
    EXPECT_TRUE(readingFails(rawBatch(nullptr, fields)) == ErrorCode::kCorruptMessage) << codecName(codec).cStr();
  }
}

TEST(RecordReader, ARecordLargerThanTheLimitIsTooLarge) {
  RawRecord record;
  auto value = kj::str(kj::repeat('z', 4 << 20));
  record.value = value;
  record.valueLength = 4 << 20;
  auto payload = raw(record);
  for (Codec codec : kCompressingCodecs) {
    RawBatch fields;
    fields.attributes = static_cast<int16_t>(codec);
    auto bytes = rawBatch(compress(codec, payload), fields);
    EXPECT_TRUE(readingFails(bytes, {1 << 20}) == ErrorCode::kMessageTooLarge);
    EXPECT_TRUE(readingFails(bytes, {8 << 20}) == nullptr);
  }
}

}  // namespace
}  // namespace cambium
