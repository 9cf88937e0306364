#include "engine/record/validator.h"

#include <gtest/gtest.h>

#include "engine/base/byte_cursor.h"
#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

using namespace batch_layout;

// A good batch of three records, to be spoiled.
kj::Array<kj::byte> good(BatchOptions options = {}) {
  BatchBuilder builder(options);
  builder.add(TimestampMs(1000), view("a"), view("1"));
  builder.add(TimestampMs(3000), view("b"), view("2"));
  builder.add(TimestampMs(2000), view("c"), nullptr);
  return builder.finish();
}

template <class T>
kj::Array<kj::byte> spoiled(size_t position, T value, BatchOptions options = {}) {
  auto batch = good(options);
  storeBigEndian(batch.begin() + position, value);
  resign(batch);
  return batch;
}

void expectRefused(ByteView bytes, ErrorCode code, const char* part, const BatchLimits& limits = {}) {
  auto result = validateBatches(bytes, limits);
  ASSERT_FALSE(result.ok()) << part;
  EXPECT_EQ(errorName(result.error().code), errorName(code)) << result.error().message.cStr();
  EXPECT_NE(strstr(result.error().message.cStr(), part), nullptr) << result.error().message.cStr();
}

TEST(Validator, GoodBatchesPassWithTheirTotals) {
  for (Codec codec : kAllCodecs) {
    BatchOptions options;
    options.codec = codec;
    auto one = good(options);
    auto two = joined({one, mixedBatch(options, 40, 100)});
    auto result = validateBatches(two);
    ASSERT_TRUE(result.ok()) << result.error().message.cStr();
    EXPECT_EQ(result.value().batchCount, 2u);
    EXPECT_EQ(result.value().recordCount, 43);
  }
}

TEST(Validator, FramesAreChecked) {
  expectRefused(nullptr, ErrorCode::kInvalidRecord, "no batch was sent");
  auto batch = good();
  expectRefused(joined({batch, batch.slice(0, 30)}), ErrorCode::kCorruptMessage,
                "the batch at byte 89 is torn: 30 bytes");
  expectRefused(batch.slice(0, 84), ErrorCode::kCorruptMessage, "is torn: it claims 89 bytes, 84 are left");
  expectRefused(spoiled<int32_t>(kLength, 48), ErrorCode::kCorruptMessage, "claims a size of 60 bytes");
  expectRefused(spoiled<int32_t>(kLength, -1), ErrorCode::kCorruptMessage, "claims a size of 11 bytes");
  expectRefused(spoiled<int32_t>(kLength, INT32_MAX), ErrorCode::kCorruptMessage, "claims 2147483659 bytes");
}

TEST(Validator, OlderFormatsGetAClearText) {
  for (int magic : {0, 1}) {
    auto text = kj::str("the batch at byte 0 is in message format ", magic, ", which");
    expectRefused(spoiled<kj::byte>(kMagic, static_cast<kj::byte>(magic)), ErrorCode::kUnsupportedVersion, text.cStr());
    // A message set of format 0 can be shorter than a batch header.
    expectRefused(spoiled<kj::byte>(kMagic, static_cast<kj::byte>(magic)).slice(0, 30), ErrorCode::kUnsupportedVersion,
                  text.cStr());
  }
  expectRefused(spoiled<kj::byte>(kMagic, 3), ErrorCode::kUnsupportedVersion, "is in message format 3; expected 2");
}

TEST(Validator, TheSizeLimitIsExact) {
  auto batch = good();
  BatchLimits limits;
  limits.batchBytesMax = batch.size();
  EXPECT_TRUE(validateBatches(batch, limits).ok());
  // Each batch by itself.
  EXPECT_TRUE(validateBatches(joined({batch, batch}), limits).ok());
  limits.batchBytesMax = batch.size() - 1;
  expectRefused(batch, ErrorCode::kMessageTooLarge, "has 89 bytes, the limit is 88 (topic config max.message.bytes)",
                limits);
}

TEST(Validator, TheChecksumIsChecked) {
  auto batch = good();
  batch[batch.size() - 1] ^= 1;
  expectRefused(batch, ErrorCode::kCorruptMessage, "does not match its checksum");
  expectRefused(joined({good(), batch}), ErrorCode::kCorruptMessage, "the batch at byte 89 does not match");
}

TEST(Validator, CountsMustAgree) {
  expectRefused(spoiled<int32_t>(kRecordCount, 0), ErrorCode::kInvalidRecord, "has 0 records; expected at least 1");
  expectRefused(spoiled<int32_t>(kRecordCount, -3), ErrorCode::kInvalidRecord, "has -3 records");
  expectRefused(spoiled<int32_t>(kRecordCount, 2), ErrorCode::kInvalidRecord, "last offset delta is 2; expected 1");
  expectRefused(spoiled<int32_t>(kLastOffsetDelta, INT32_MIN), ErrorCode::kInvalidRecord,
                "last offset delta is -2147483648");
  auto many = good();
  storeBigEndian<int32_t>(many.begin() + kRecordCount, INT32_MAX);
  storeBigEndian<int32_t>(many.begin() + kLastOffsetDelta, INT32_MAX - 1);
  resign(many);
  expectRefused(many, ErrorCode::kInvalidRecord, "announces 2147483647 records in 28 bytes (codec none)");
}

TEST(Validator, AtLeastSevenBytesPerRecord) {
  BatchBuilder builder;
  builder.add(TimestampMs(1), nullptr, nullptr);
  EXPECT_EQ(builder.sizeBytes(), kHeaderBytes + 7);
  auto batch = builder.finish();
  EXPECT_TRUE(validateBatches(batch).ok());
  for (Codec codec : kAllCodecs) {
    RawBatch fields;
    fields.attributes = static_cast<int16_t>(codec);
    expectRefused(rawBatch(nullptr, fields), ErrorCode::kInvalidRecord, "announces 1 records in 0 bytes");
  }
  // Compressed, many records fit into few bytes, but not any number.
  for (Codec codec : kCompressingCodecs) {
    BatchOptions options;
    options.codec = codec;
    BatchBuilder equal(options);
    for (int i = 0; i < 100000; ++i)
      equal.add(TimestampMs(1), nullptr, nullptr);
    auto bytes = equal.finish();
    EXPECT_TRUE(validateBatches(bytes).ok()) << codecName(codec).cStr();
    RawBatch fields;
    fields.attributes = static_cast<int16_t>(codec);
    fields.count = INT32_MAX;
    fields.lastOffsetDelta = INT32_MAX - 1;
    expectRefused(rawBatch(repeated(view("x"), 1000), fields), ErrorCode::kInvalidRecord, "which cannot hold them");
  }
}

TEST(Validator, AttributesOfAProducerOnly) {
  for (int16_t codec : {5, 6, 7}) {
    expectRefused(spoiled<int16_t>(kAttributes, codec), ErrorCode::kInvalidRecord, "has compression type");
  }
  for (int bit = 6; bit < 16; ++bit) {
    expectRefused(spoiled<uint16_t>(kAttributes, static_cast<uint16_t>(1 << bit)), ErrorCode::kInvalidRecord,
                  "which no producer may set");
  }
  BatchOptions options;
  options.control = true;
  expectRefused(good(options), ErrorCode::kInvalidRecord, "is a control batch");
  options = {};
  options.timestampType = TimestampType::kLogAppendTime;
  expectRefused(good(options), ErrorCode::kInvalidTimestamp, "the broker's");
}

// The records say which timestamp is the latest, and they may be of any time.
TEST(Validator, TimestampsOfTheHeaderAreNotBelieved) {
  for (int64_t max : {INT64_MIN, int64_t{-2}, int64_t{-1}, int64_t{0}, int64_t{999}, INT64_MAX})
    EXPECT_TRUE(validateBatches(spoiled<int64_t>(kMaxTimestamp, max)).ok()) << max;
  EXPECT_TRUE(validateBatches(spoiled<int64_t>(kBaseTimestamp, INT64_MIN)).ok());
}

TEST(Validator, ProducerFieldsBelongTogether) {
  BatchOptions options;
  options.producerId = 7;
  expectRefused(good(options), ErrorCode::kInvalidRecord, "has producer id 7 with epoch -1 and base sequence -1");
  options.producerEpoch = 0;
  expectRefused(good(options), ErrorCode::kInvalidRecord, "expected both from 0 up");
  options.baseSequence = 0;
  EXPECT_TRUE(validateBatches(good(options)).ok());
}

TEST(Validator, BatchesOfTransactionsAreRefused) {
  BatchOptions options;
  options.transactional = true;
  expectRefused(good(options), ErrorCode::kInvalidTxnState, "belongs to a transaction");
  options.producerId = 7;
  options.producerEpoch = 0;
  options.baseSequence = 0;
  expectRefused(good(options), ErrorCode::kInvalidTxnState, "belongs to a transaction");
  options.control = true;
  expectRefused(good(options), ErrorCode::kInvalidRecord, "is a control batch");
}

}  // namespace
}  // namespace cambium
