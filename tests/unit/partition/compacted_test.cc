#include "engine/record/record_reader.h"
#include "engine/record/sparse_batch.h"
#include "tests/unit/partition/partition_fixture.h"

// A partition over a log that compaction has been at: batches without records, and batches without their first ones.

namespace cambium {
namespace {

class CompactedPartitionTest : public PartitionTest {
 protected:
  // Puts batches into the log as they are, then opens the partition.
  void fill(kj::ArrayPtr<kj::Array<kj::byte>> batches) {
    partition = nullptr;
    {
      auto log = engine->open({kj::str("words-0"), Uuid()}, {});
      for (auto& batch : batches)
        log->append(batch);
      syncNow(*log);
    }
    open();
  }
  static kj::Array<kj::byte> at(int64_t base, kj::Array<kj::byte> batch) {
    stampBatch(batch, Offset(base), LeaderEpoch(1));
    return batch;
  }
  static kj::Array<kj::byte> empty(int64_t base, int64_t next) {
    return emptyBatch(Offset(base), Offset(next), LeaderEpoch(1));
  }
  // Of records a, b, c with timestamps 1000, 1001, 1002 the last one.
  static kj::Array<kj::byte> lastOfThree(int64_t base) {
    auto whole = at(base, batchOf({{"a", 1000}, {"b", 1001}, {"c", 1002}}));
    auto view = KJ_ASSERT_NONNULL(BatchView::first(whole));
    SparseBatchBuilder builder(view, nullptr);
    RecordReader records(view);
    const RecordView* last = nullptr;
    for (int i = 0; i < 3; ++i)
      last = records.next();
    builder.add(*last);
    return kj::mv(builder.finish().value());
  }
  // "[4..4] [10..12] then 13".
  std::string read(int64_t from, uint64_t bytesMax = 1 << 20) {
    auto result = partition->read(Offset(from), Bytes(bytesMax));
    KJ_REQUIRE(result.ok(), result.error());
    std::string all;
    BatchIterator each(result.value().batches);
    while (auto* batch = each.next())
      all += kj::str("[", batch->baseOffset(), "..", batch->lastOffset(), "] ").cStr();
    return all + kj::str("then ", result.value().nextOffset).cStr();
  }
};

TEST_F(CompactedPartitionTest, ReadsPassOverBatchesWithoutRecords) {
  fill(kj::arr(empty(0, 3), at(3, batchOf({{"x"}})), empty(4, 5), empty(5, 9), at(9, batchOf({{"y"}, {"z"}})),
               empty(11, 20), at(20, batchOf({{"w"}}))));
  EXPECT_EQ(read(0), "[3..3] [9..10] [20..20] then 21");
  EXPECT_EQ(read(2), "[3..3] [9..10] [20..20] then 21");
  // However little is asked for, there is a batch.
  EXPECT_EQ(read(0, 1), "[3..3] then 4");
  EXPECT_EQ(read(4, 1), "[9..10] then 11");
  EXPECT_EQ(read(12, 1), "[20..20] then 21");
  EXPECT_EQ(read(4, 0), "then 4");
  EXPECT_EQ(read(21), "then 21");
}

TEST_F(CompactedPartitionTest, LongRunsArePassedInOneRead) {
  kj::Vector<kj::Array<kj::byte>> batches;
  for (int64_t base = 0; base < 20'000; ++base)
    batches.add(empty(base, base + 1));
  batches.add(at(20'000, batchOf({{"x"}})));
  fill(batches);
  EXPECT_EQ(read(0, 1), "[20000..20000] then 20001");
  EXPECT_EQ(read(7), "[20000..20000] then 20001");
}

TEST_F(CompactedPartitionTest, AWaitEndsWithARecord) {
  fill(kj::arr(at(0, batchOf({{"x"}})), empty(1, 5)));
  // Nothing is there to read, and it says how far it looked.
  EXPECT_EQ(read(1), "then 5");
  EXPECT_EQ(read(3), "then 5");
  auto readable = partition->whenReadable(Offset(5));
  EXPECT_FALSE(readable.poll(scope));
  append({{"y"}});
  settle();
  EXPECT_EQ(read(1), "[5..5] then 6");
}

TEST_F(CompactedPartitionTest, OffsetsAreFoundBehindGaps) {
  fill(kj::arr(empty(0, 3), lastOfThree(3), empty(6, 9), at(9, batchOf({{"y", 900}, {"z", 1500}})), empty(11, 13)));
  EXPECT_EQ(since(0), "5@1002");
  EXPECT_EQ(since(1003), "10@1500");
  EXPECT_EQ(since(1501), "-1@-1");
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "10@1500");
  EXPECT_EQ(find({OffsetQuery::Kind::kEarliest}), "0@-1");
  EXPECT_EQ(find({OffsetQuery::Kind::kLatest}), "13@-1");
  ASSERT_TRUE(partition->deleteRecords(Offset(4)).ok());
  EXPECT_EQ(read(4), "[3..5] [9..10] then 13");
  ASSERT_TRUE(partition->deleteRecords(Offset(7)).ok());
  EXPECT_EQ(read(7), "[9..10] then 13");
  EXPECT_EQ(since(0), "9@900");
}

TEST_F(CompactedPartitionTest, ALogOfEmptyBatchesHasNoTimes) {
  fill(kj::arr(empty(0, 3), empty(3, 9)));
  EXPECT_EQ(since(0), "-1@-1");
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "-1@-1");
}

TEST_F(CompactedPartitionTest, ProducersAreKnownByTheirEmptyBatches) {
  auto sent = at(0, batchOf(Sent{.producer = 7, .sequence = 40, .records = 5, .epoch = 2}));
  fill(kj::arr(emptied(KJ_ASSERT_NONNULL(BatchView::first(sent)))));
  EXPECT_EQ(send({.producer = 7, .sequence = 44, .epoch = 2}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.producer = 7, .sequence = 40, .records = 5, .epoch = 2}), "again 0..5");
  EXPECT_EQ(send({.producer = 7, .sequence = 45, .epoch = 2}), "5..6");
  auto known = partition->producers();
  ASSERT_EQ(known.value().size(), 1u);
  EXPECT_EQ(known.value()[0].lastOffset, Offset(5));
}

}  // namespace
}  // namespace cambium
