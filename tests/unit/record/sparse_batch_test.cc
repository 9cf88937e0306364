#include "engine/record/sparse_batch.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "engine/record/batch_builder.h"
#include "engine/record/record_reader.h"

namespace cambium {
namespace {

ByteView bytesOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

// Records k0=v0@1000, k1=v1@1001, … from offset 100 on, of producer 7.
kj::Array<kj::byte> original(Codec codec, int count = 5) {
  BatchBuilder builder({.codec = codec, .producerId = 7, .producerEpoch = 2, .baseSequence = 40});
  std::string headerKey = "h", headerValue = "x";
  RecordHeader headers[] = {{bytesOf(headerKey), bytesOf(headerValue)}, {bytesOf(headerKey), nullptr}};
  for (int i = 0; i < count; ++i) {
    auto key = "k" + std::to_string(i), value = "v" + std::to_string(i);
    builder.add(TimestampMs(1000 + i), bytesOf(key), bytesOf(value), headers);
  }
  auto batch = builder.finish();
  stampBatch(batch, Offset(100), LeaderEpoch(3));
  return batch;
}

BatchView viewOf(ByteView bytes) {
  return KJ_ASSERT_NONNULL(BatchView::first(bytes));
}

std::string text(ByteView bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

// "101 k1=v1@1001+2" per record; what is wrong at its end.
std::string describe(const BatchView& batch) {
  std::string all;
  RecordReader records(batch);
  while (auto* record = records.next()) {
    auto value = record->value.map([](ByteView v) { return text(v); }).orDefault("null");
    all += kj::str(record->offset, " ", text(KJ_ASSERT_NONNULL(record->key)).c_str(), "=", value.c_str(), "@",
                   record->timestamp, "+", record->headers.size(), "; ")
               .cStr();
  }
  KJ_IF_MAYBE(error, records.error()) all += error->message.cStr();
  return all;
}

kj::Array<kj::byte> keep(BatchView batch, std::vector<int> which, kj::Maybe<TimestampMs> horizon = nullptr) {
  SparseBatchBuilder builder(batch, horizon);
  RecordReader records(batch);
  while (auto* record = records.next()) {
    for (int i : which)
      if (record->offset == batch.baseOffset() + i) builder.add(*record);
  }
  auto made = builder.finish();
  KJ_REQUIRE(made.ok(), made.error());
  return kj::mv(made.value());
}

class SparseBatchTest : public ::testing::TestWithParam<Codec> {};

TEST_P(SparseBatchTest, KeepsOffsetsAndFieldsOfWhatIsLeft) {
  auto whole = original(GetParam());
  auto sparse = keep(viewOf(whole), {1, 3});
  auto batch = viewOf(sparse);
  EXPECT_EQ(describe(batch), "101 k1=v1@1001+2; 103 k3=v3@1003+2; ");
  EXPECT_EQ(batch.baseOffset(), Offset(100));
  EXPECT_EQ(batch.nextOffset(), Offset(105));
  EXPECT_EQ(batch.recordCount(), 2);
  EXPECT_EQ(batch.leaderEpoch(), LeaderEpoch(3));
  EXPECT_EQ(batch.producerId(), 7);
  EXPECT_EQ(batch.producerEpoch(), 2);
  EXPECT_EQ(batch.baseSequence(), 40);
  EXPECT_EQ(batch.maxTimestamp(), TimestampMs(1003));
  EXPECT_TRUE(batch.codec() == GetParam());
  EXPECT_TRUE(batch.crcMatches());
  EXPECT_TRUE(deleteHorizonOf(batch) == nullptr);
}

TEST_P(SparseBatchTest, AHorizonLeavesTheTimestamps) {
  auto whole = original(GetParam());
  auto sparse = keep(viewOf(whole), {0, 4}, TimestampMs(5'000'000));
  auto batch = viewOf(sparse);
  EXPECT_EQ(describe(batch), "100 k0=v0@1000+2; 104 k4=v4@1004+2; ");
  EXPECT_EQ(KJ_ASSERT_NONNULL(deleteHorizonOf(batch)), TimestampMs(5'000'000));
  // It stays when the batch gets smaller once more.
  auto smaller = keep(batch, {4});
  EXPECT_EQ(describe(viewOf(smaller)), "104 k4=v4@1004+2; ");
  EXPECT_EQ(KJ_ASSERT_NONNULL(deleteHorizonOf(viewOf(smaller))), TimestampMs(5'000'000));
}

INSTANTIATE_TEST_SUITE_P(Every, SparseBatchTest,
                         ::testing::Values(Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd),
                         [](const auto& info) { return std::string(codecName(info.param).cStr()); });

TEST(EmptyBatchTest, AnEmptiedBatchKeepsItsProducer) {
  auto whole = original(Codec::kZstd);
  auto empty = emptied(viewOf(whole));
  auto batch = viewOf(empty);
  EXPECT_EQ(empty.size(), batch_layout::kHeaderBytes);
  EXPECT_EQ(batch.recordCount(), 0);
  EXPECT_EQ(batch.baseOffset(), Offset(100));
  EXPECT_EQ(batch.nextOffset(), Offset(105));
  EXPECT_EQ(batch.producerId(), 7);
  EXPECT_EQ(batch.producerEpoch(), 2);
  EXPECT_EQ(batch.baseSequence(), 40);
  EXPECT_EQ(batch.leaderEpoch(), LeaderEpoch(3));
  EXPECT_EQ(batch.maxTimestamp(), kNoTimestamp);
  EXPECT_TRUE(batch.codec() == Codec::kNone);
  EXPECT_TRUE(batch.crcMatches());
  EXPECT_EQ(describe(batch), "");
}

TEST(EmptyBatchTest, AnEmptyBatchStandsForOffsets) {
  auto empty = emptyBatch(Offset(5), Offset(INT64_C(5) + INT32_MAX), LeaderEpoch(1));
  auto batch = viewOf(empty);
  EXPECT_EQ(batch.baseOffset(), Offset(5));
  EXPECT_EQ(batch.nextOffset(), Offset(INT64_C(5) + INT32_MAX));
  EXPECT_EQ(batch.producerId(), -1);
  EXPECT_EQ(batch.leaderEpoch(), LeaderEpoch(1));
  EXPECT_TRUE(batch.crcMatches());
  EXPECT_EQ(describe(batch), "");
  EXPECT_ANY_THROW(emptyBatch(Offset(5), Offset(5), LeaderEpoch(1)));
  EXPECT_ANY_THROW(emptyBatch(Offset(0), Offset(INT64_C(1) << 32), LeaderEpoch(1)));
}

}  // namespace
}  // namespace cambium
