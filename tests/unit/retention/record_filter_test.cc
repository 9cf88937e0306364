#include "engine/retention/record_filter.h"

#include <gtest/gtest.h>

#include "tests/unit/retention/keyed_batches.h"

namespace cambium {
namespace {

class RecordFilterTest : public ::testing::Test {
 public:
  ~RecordFilterTest() noexcept override = default;

 protected:
  // Notes every key of the batches, as the map of a pass over all of them would.
  void note(ByteView batches) {
    BatchIterator each(batches);
    while (auto* batch = each.next()) {
      RecordReader records(*batch);
      while (auto* record = records.next()) {
        KJ_IF_MAYBE(key, record->key) map.put(hasher(*key), record->offset);
      }
    }
  }
  template <class... Batches>
  static kj::Array<kj::byte> join(Batches&&... batches) {
    kj::Vector<kj::byte> all;
    (all.addAll(batches), ...);
    return all.releaseAsArray();
  }
  kj::Array<kj::byte> run(ByteView batches) {
    RecordFilter filter(rules, hasher, map, producers);
    ByteWriter out;
    filter.filter(batches, out);
    filter.finish(out);
    changed = filter.changed();
    counts = filter.counts();
    EXPECT_EQ(counts.bytesIn, batches.size());
    EXPECT_EQ(counts.bytesOut, out.size());
    return out.finish();
  }
  KeyHash hashOf(kj::StringPtr key) { return hasher(key.asBytes()); }
  std::string filtered(ByteView batches) { return describeKeyed(run(batches)); }

  KeyHasher hasher{KeyHasher::Seed{1, 2, 3}};
  KeyMap map{1000};
  LastOffsets producers;
  FilterRules rules{.logStart = Offset(0),
                    .mapEnd = Offset(1000),
                    .keepOffset = Offset(999),
                    .now = TimestampMs(50'000),
                    .deleteRetentionMs = 2000};
  bool changed = false;
  FilterCounts counts;
};

TEST_F(RecordFilterTest, TheNewestOfEachKeyStays) {
  auto batches = join(keyedBatch(0, {{"a", "1"}, {"b", "1"}, {"a", "2"}}), keyedBatch(3, {{"b", "2"}, {"c", "1"}}));
  note(batches);
  EXPECT_EQ(filtered(batches), "[0..2 2 a=2] [3..4 3 b=2 4 c=1]");
  EXPECT_TRUE(changed);
  EXPECT_EQ(counts.recordsKept, 3u);
  EXPECT_EQ(counts.recordsRemoved, 2u);
}

TEST_F(RecordFilterTest, WhatNeedsNoChangeIsTheSameBytes) {
  for (auto codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    auto batches =
        join(keyedBatch(0, {{"a", "1"}, {"b", "1"}}, {.codec = codec}), emptyBatch(Offset(2), Offset(5), {}),
             keyedBatch(5, {{"c", "1"}}, {.codec = codec, .producerId = 3, .producerEpoch = 0, .baseSequence = 0}));
    note(batches);
    auto out = run(batches);
    EXPECT_TRUE(out == batches.asPtr()) << describeKeyed(out);
    EXPECT_FALSE(changed);
  }
}

TEST_F(RecordFilterTest, EveryCodecStaysWhatItIs) {
  for (auto codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    rules.codec = codec;
    rules.compressionLevel = 1;
    auto batches = join(keyedBatch(0, {{"a", "1"}, {"b", "1"}, {"a", "2"}}, {.codec = codec}));
    note(batches);
    auto out = run(batches);
    EXPECT_EQ(describeKeyed(out), "[0..2 1 b=1 2 a=2]");
    EXPECT_TRUE(KJ_ASSERT_NONNULL(BatchView::first(out)).codec() == codec);
  }
}

TEST_F(RecordFilterTest, RunsWithoutRecordsBecomeOneEmptyBatch) {
  auto batches = join(keyedBatch(0, {{"a", "1"}}), keyedBatch(1, {{"a", "2"}, {"a", "3"}}),
                      emptyBatch(Offset(3), Offset(9), LeaderEpoch(0)), keyedBatch(9, {{"a", "4"}}, {}, 1),
                      keyedBatch(10, {{"a", "5"}, {"b", "1"}}, {}, 1));
  note(batches);
  // Where a leader epoch begins stays readable.
  EXPECT_EQ(filtered(batches), "[0..8] [9..9] [10..11 10 a=5 11 b=1]");
  // They grow no further than one batch can say.
  rules.mapEnd = Offset(INT64_C(1) << 40);
  auto far =
      join(emptyBatch(Offset(0), Offset(INT32_MAX - 1), {}), emptyBatch(Offset(INT32_MAX - 1), Offset(INT32_MAX), {}),
           emptyBatch(Offset(INT32_MAX), Offset(INT64_C(1) << 31), {}));
  EXPECT_EQ(filtered(far), "[0..2147483646] [2147483647..2147483647]");
}

TEST_F(RecordFilterTest, RecordsWithoutKeyGo) {
  auto batches = join(keyedBatch(0, {{{}, "1"}, {"a", "1"}, {{}, {}}}));
  note(batches);
  EXPECT_EQ(filtered(batches), "[0..2 1 a=1]");
}

TEST_F(RecordFilterTest, AnEmptyKeyIsAKey) {
  auto batches = join(keyedBatch(0, {{"", "1"}, {"a", "1"}, {"", "2"}}));
  note(batches);
  EXPECT_EQ(filtered(batches), "[0..2 1 a=1 2 =2]");
}

TEST_F(RecordFilterTest, TombstonesGoAfterTheirHorizon) {
  auto batches = join(keyedBatch(0, {{"a", "1"}, {"b", "1"}}), keyedBatch(2, {{"a", {}}, {"c", "1"}}));
  note(batches);
  auto first = run(batches);
  EXPECT_EQ(describeKeyed(first), "[0..1 1 b=1] [2..3 2 a=null 3 c=1 h52000]");
  EXPECT_EQ(KJ_ASSERT_NONNULL(counts.nextHorizon), TimestampMs(52'000));

  rules.now = TimestampMs(51'999);
  EXPECT_TRUE(run(first) == first.asPtr());
  EXPECT_FALSE(changed);
  EXPECT_EQ(KJ_ASSERT_NONNULL(counts.nextHorizon), TimestampMs(52'000));

  rules.now = TimestampMs(52'000);
  EXPECT_EQ(filtered(first), "[0..1 1 b=1] [2..3 3 c=1 h52000]");
  EXPECT_TRUE(counts.nextHorizon == nullptr);
  // A clock that was set back lets them stay longer, no more.
  rules.now = TimestampMs(0);
  EXPECT_TRUE(run(first) == first.asPtr());
}

TEST_F(RecordFilterTest, TombstonesOfABatchGoTogetherWithIt) {
  auto batches = join(keyedBatch(0, {{"a", {}}}), keyedBatch(1, {{"b", "1"}}));
  note(batches);
  rules.deleteRetentionMs = 0;
  auto first = run(batches);
  EXPECT_EQ(describeKeyed(first), "[0..0 0 a=null h50000] [1..1 1 b=1]");
  // Due at once.
  EXPECT_EQ(KJ_ASSERT_NONNULL(counts.nextHorizon), TimestampMs(50'000));
  EXPECT_EQ(filtered(first), "[0..0] [1..1 1 b=1]");
}

TEST_F(RecordFilterTest, AHorizonBeyondTimeIsTheLastMoment) {
  rules.deleteRetentionMs = INT64_MAX;
  auto batches = join(keyedBatch(0, {{"a", {}}}));
  note(batches);
  EXPECT_EQ(filtered(batches), "[0..0 0 a=null h9223372036854775807]");
}

TEST_F(RecordFilterTest, BeyondTheMapNothingIsTouched) {
  auto batches = join(keyedBatch(0, {{"a", "1"}, {"b", "1"}}), keyedBatch(2, {{"a", "2"}, {"x", {}}, {{}, "1"}}),
                      keyedBatch(5, {{"b", "2"}, {"b", "3"}, {"y", {}}}));
  // The map took in offsets below 3.
  map.put(hashOf("a"), Offset(2));
  map.put(hashOf("b"), Offset(1));
  rules.mapEnd = Offset(3);
  // No horizon for a batch that is known in part.
  EXPECT_EQ(filtered(batches), "[0..1 1 b=1] [2..4 2 a=2 3 x=null 4 null=1] [5..7 5 b=2 6 b=3 7 y=null]");
}

TEST_F(RecordFilterTest, TheLastRecordOfTheLogStays) {
  rules.keepOffset = Offset(2);
  rules.deleteRetentionMs = 0;
  auto batches = join(keyedBatch(0, {{"a", "1"}, {"a", "2"}, {{}, "1"}}));
  note(batches);
  EXPECT_EQ(filtered(batches), "[0..2 1 a=2 2 null=1]");
  auto tombstone = join(keyedBatch(0, {{"a", "1"}, {"a", "2"}, {"a", {}}}));
  map.put(hashOf("a"), Offset(2));
  auto first = run(tombstone);
  EXPECT_EQ(filtered(first), "[0..2 2 a=null h50000]");
  // Its time being over is no reason for another pass.
  EXPECT_TRUE(counts.nextHorizon == nullptr);
}

TEST_F(RecordFilterTest, RecordsBelowTheLogStartGo) {
  rules.logStart = Offset(2);
  auto batches = join(keyedBatch(0, {{"a", "1"}, {"b", "1"}, {"c", "1"}}));
  note(batches);
  EXPECT_EQ(filtered(batches), "[0..2 2 c=1]");
}

TEST_F(RecordFilterTest, TheLastSequenceOfAProducerStays) {
  auto of = [](int64_t producer, int32_t sequence) {
    return BatchOptions{.codec = Codec::kLz4, .producerId = producer, .producerEpoch = 1, .baseSequence = sequence};
  };
  auto batches =
      join(keyedBatch(0, {{"a", "1"}, {"a", "2"}}, of(7, 0)), keyedBatch(2, {{"a", "3"}, {"a", "4"}}, of(7, 2)),
           keyedBatch(4, {{"a", "5"}}, of(8, 0)), keyedBatch(5, {{"a", "6"}}, of(9, 0)), keyedBatch(6, {{"a", "7"}}));
  note(batches);
  producers = {{7, Offset(3)}, {8, Offset(100)}};
  auto first = run(batches);
  EXPECT_EQ(describeKeyed(first), "[0..1] [2..3 p7] [4..5] [6..6 6 a=7]");
  auto empty = KJ_ASSERT_NONNULL(BatchView::first(first.slice(batch_layout::kHeaderBytes, first.size())));
  EXPECT_EQ(empty.baseSequence(), 2);
  EXPECT_EQ(empty.producerEpoch(), 1);
  EXPECT_TRUE(run(first) == first.asPtr());
  // Once it wrote something later, its empty batch goes as well.
  producers = {{7, Offset(50)}};
  EXPECT_EQ(filtered(first), "[0..5] [6..6 6 a=7]");
}

TEST_F(RecordFilterTest, ControlAndTransactionsStay) {
  BatchOptions transaction{.producerId = 7, .producerEpoch = 0, .baseSequence = 0, .transactional = true};
  BatchOptions marker{.producerId = 7, .producerEpoch = 0, .transactional = true, .control = true};
  auto batches = join(keyedBatch(0, {{"a", "1"}}), keyedBatch(1, {{"a", "2"}, {"a", "3"}}, transaction),
                      keyedBatch(3, {{"commit", "x"}}, marker), keyedBatch(4, {{"a", {}}}));
  // Records of transactions are in no map.
  map.put(hashOf("a"), Offset(4));
  rules.deleteRetentionMs = 0;
  auto first = run(batches);
  EXPECT_EQ(describeKeyed(first), "[0..0] [1..2 1 a=2 2 a=3 p7] [3..3 3 commit=x p7] [4..4 4 a=null h50000]");
  // Without the tombstone the records of the transaction would be what counts.
  EXPECT_TRUE(run(first) == first.asPtr());
  EXPECT_EQ(counts.transactional, 1u);
  auto alone = join(keyedBatch(4, {{"a", {}}}));
  auto withHorizon = run(alone);
  rules.keepTombstones = true;
  EXPECT_TRUE(run(withHorizon) == withHorizon.asPtr());
  rules.keepTombstones = false;
  EXPECT_EQ(filtered(withHorizon), "[4..4]");
}

TEST_F(RecordFilterTest, TimestampsOfTheBrokerStay) {
  auto batch = keyedBatch(0, {{"a", "1"}, {"b", "1"}, {"a", {}}});
  stampLogAppendTime(batch, TimestampMs(7777));
  note(batch);
  auto out = run(batch);
  EXPECT_EQ(describeKeyed(out), "[0..2 1 b=1 2 a=null h52000]");
  auto view = KJ_ASSERT_NONNULL(BatchView::first(out));
  EXPECT_EQ(view.maxTimestamp(), TimestampMs(7777));
  RecordReader records(view);
  EXPECT_EQ(records.next()->timestamp, TimestampMs(7777));
}

TEST_F(RecordFilterTest, ABatchThatCannotBeReadIsNamed) {
  auto batch = keyedBatch(40, {{"a", "1"}, {"b", "1"}}, {.codec = Codec::kGzip});
  batch[batch.size() - 12] ^= 0x55;
  RecordFilter filter(rules, hasher, map, producers);
  ByteWriter out;
  auto thrown = kj::runCatchingExceptions([&] { filter.filter(batch, out); });
  auto& exception = KJ_ASSERT_NONNULL(thrown);
  EXPECT_NE(std::string(exception.getDescription().cStr()).find("baseOffset() = 40"), std::string::npos)
      << exception.getDescription().cStr();
}

}  // namespace
}  // namespace cambium
