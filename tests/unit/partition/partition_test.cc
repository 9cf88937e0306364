#include "engine/record/record_reader.h"
#include "tests/unit/partition/partition_fixture.h"

namespace cambium {
namespace {

bool says(const Error& error, const char* part) {
  return std::string(error.message.cStr()).find(part) != std::string::npos;
}

TEST_F(PartitionTest, BatchesGetTheirPlace) {
  open();
  append({{"a"}, {"b"}});
  auto two = batchOf({{"c"}});
  kj::Vector<kj::byte> both;
  both.addAll(two);
  both.addAll(batchOf({{"d"}, {"e"}}));
  auto appended = partition->append(both);
  EXPECT_EQ(appended.value().baseOffset.value(), 2);
  EXPECT_EQ(appended.value().nextOffset.value(), 5);
  settle();
  auto outcome = partition->read(Offset(3), mebibytes(1));
  auto first = KJ_ASSERT_NONNULL(BatchView::first(outcome.value().batches));
  EXPECT_EQ(first.baseOffset().value(), 3);
  EXPECT_EQ(first.leaderEpoch().value(), 3);
  EXPECT_TRUE(first.crcMatches());
  EXPECT_EQ(metrics.appends, 2u);
  EXPECT_EQ(metrics.appendedRecords, 5u);
}

TEST_F(PartitionTest, OffsetsOutOfRange) {
  open();
  append({{"a"}, {"b"}, {"c"}});
  settle();
  ASSERT_TRUE(partition->deleteRecords(Offset(1)).ok());
  EXPECT_EQ(partition->read(Offset(0), Bytes(1)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(partition->read(Offset(4), Bytes(1)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_TRUE(says(partition->read(Offset(4), Bytes(1)).error(), "1 (log start) to 3 (end)"));
  auto atEnd = partition->read(Offset(3), Bytes(1));
  EXPECT_EQ(atEnd.value().batches.size(), 0u);
  EXPECT_EQ(atEnd.value().nextOffset.value(), 3);
  pool.holding = true;
  append({{"d"}});
  EXPECT_TRUE(partition->read(Offset(4), Bytes(1)).ok()) << "the end counts, not the high watermark";
}

TEST_F(PartitionTest, AReaderWakesForItsRecord) {
  open();
  auto first = partition->whenReadable(Offset(0));
  auto third = partition->whenReadable(Offset(2));
  EXPECT_EQ(partition->waiting(), 2u);
  pool.holding = true;
  append({{"a"}});
  settle();
  EXPECT_FALSE(first.poll(scope)) << "not before it is safe";
  pool.runAll();
  settle();
  EXPECT_TRUE(first.poll(scope));
  EXPECT_FALSE(third.poll(scope));
  {
    auto dropped = kj::mv(third);
  }
  EXPECT_EQ(partition->waiting(), 0u);
  EXPECT_TRUE(partition->whenReadable(Offset(0)).poll(scope));
}

TEST_F(PartitionTest, OffsetsByTimeAreExactInsideABatch) {
  open();
  append({{"a", 1000}, {"b", 3000}, {"c", 2000}});
  append({{"d", 2500}, {"e", 5000}});
  append({{"f", 4000}});
  settle();
  EXPECT_EQ(find({OffsetQuery::Kind::kEarliest}), "0@-1");
  EXPECT_EQ(find({OffsetQuery::Kind::kLatest}), "6@-1");
  EXPECT_EQ(since(0), "0@1000");
  EXPECT_EQ(since(1001), "1@3000");
  EXPECT_EQ(since(3001), "4@5000");
  EXPECT_EQ(since(5001), "-1@-1");
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "4@5000");
}

TEST_F(PartitionTest, ASearchPassesOverDeletedRecordsOfItsBatch) {
  open();
  append({{"a", 5000}, {"b", 1000}, {"c", 1500}});
  append({{"d", 4000}});
  settle();
  ASSERT_TRUE(partition->deleteRecords(Offset(1)).ok());
  EXPECT_EQ(since(2000), "3@4000") << "the batch says 5000, but that record is gone";
  EXPECT_EQ(since(4500), "-1@-1");
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "3@4000");
  ASSERT_TRUE(partition->deleteRecords(kNoOffset).ok());
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "-1@-1");
}

TEST_F(PartitionTest, TheNewestRecordIsOneThatCanBeSeen) {
  PartitionConfig config;
  config.log.segmentBytes = Bytes(100);
  open(kj::mv(config));
  append({{"a", 1000}});
  append({{"b", 3000}});
  append({{"c", 2000}});
  settle();
  pool.holding = true;
  append({{"d", 9000}});
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "1@3000") << "the newest one is not safe yet";
  EXPECT_EQ(since(4000), "-1@-1");
  settle();
  pool.runAll();
  settle();
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "3@9000");
}

TEST_F(PartitionTest, AnEmptyLogHasNoNewestRecord) {
  open();
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "-1@-1");
  EXPECT_EQ(since(0), "-1@-1");
}

TEST_F(PartitionTest, TheBrokersClockStampsWhereTheTopicSaysSo) {
  PartitionConfig config;
  config.timestampType = TimestampType::kLogAppendTime;
  open(kj::mv(config));
  auto appended = tryAppend({{"a", 7}, {"b", 9}});
  EXPECT_EQ(appended.value().logAppendTime, clock.now());
  settle();
  auto outcome = partition->read(Offset(0), mebibytes(1));
  auto batch = KJ_ASSERT_NONNULL(BatchView::first(outcome.value().batches));
  EXPECT_TRUE(batch.crcMatches());
  RecordReader records(batch);
  while (auto* record = records.next())
    EXPECT_EQ(record->timestamp, clock.now());
  EXPECT_EQ(since(clock.nowMs), kj::str("0@", clock.nowMs).cStr());
}

// What is stored must fit a message to its readers.
TEST_F(PartitionTest, ABatchThatConversionInflatesTooFarIsRefused) {
  PartitionConfig config;
  config.codec = Codec::kNone;
  config.batchBytesMax = 64 << 20;
  open(kj::mv(config));
  auto valueOf = [](size_t size) {
    std::string value(size, 'x');
    // Enough of it is different that it is no bomb.
    for (uint32_t i = 0, at = 0; at < size; at += 256)
      value[at] = static_cast<char>((i = i * 1664525 + 1013904223) >> 24);
    return value;
  };
  auto refused = tryAppend({{valueOf(size_t{33} << 20), 1000, false}}, Codec::kZstd);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kMessageTooLarge);
  EXPECT_NE(std::string(refused.error().message.cStr()).find("in the codec of its topic"), std::string::npos);
  EXPECT_EQ(partition->status().end.value(), 0);
  auto stored = tryAppend({{valueOf(size_t{31} << 20), 1000, false}}, Codec::kZstd);
  EXPECT_TRUE(stored.ok()) << (stored.ok() ? "" : stored.error().message.cStr());
}

TEST_F(PartitionTest, TheTopicsCodecIsTheStoredOne) {
  PartitionConfig config;
  config.codec = Codec::kZstd;
  open(kj::mv(config));
  std::string value(1000, 'x');
  kj::Vector<kj::byte> mixed;
  mixed.addAll(batchOf({{value}}, Codec::kLz4));
  mixed.addAll(batchOf({{value}}, Codec::kZstd));
  mixed.addAll(batchOf({{value}}));
  ASSERT_TRUE(partition->append(mixed).ok());
  settle();
  auto outcome = partition->read(Offset(0), mebibytes(1));
  BatchIterator each(outcome.value().batches);
  int64_t expected = 0;
  while (auto* batch = each.next()) {
    EXPECT_EQ(batch->codec(), Codec::kZstd);
    EXPECT_TRUE(batch->crcMatches());
    RecordReader records(*batch);
    auto* record = records.next();
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->offset.value(), expected++);
    EXPECT_EQ(KJ_ASSERT_NONNULL(record->value).size(), value.size());
  }
  EXPECT_EQ(expected, 3);
}

TEST_F(PartitionTest, CompactedTopicsNeedKeys) {
  PartitionConfig config;
  config.keysRequired = true;
  open(kj::mv(config));
  auto refused = tryAppend({{"a"}, {"b", 1000, false}}, Codec::kGzip);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidRecord);
  EXPECT_TRUE(says(refused.error(), "partition words-0: 1 record was refused: record 1: has no key"))
      << refused.error().message.cStr();
  ASSERT_EQ(refused.error().faults.size(), 1u);
  EXPECT_EQ(refused.error().faults[0].index, 1);
  EXPECT_EQ(partition->status().end.value(), 0);
  EXPECT_EQ(append({{"a"}}), 1);
  EXPECT_EQ(metrics.appendFailures, 1u);
}

TEST_F(PartitionTest, TimestampsFarFromTheClockAreRefused) {
  PartitionConfig config;
  config.timestampBeforeMaxMs = 1000;
  config.timestampAfterMaxMs = 500;
  auto brokersTime = config;
  brokersTime.timestampType = TimestampType::kLogAppendTime;
  open(kj::mv(config));
  auto now = clock.nowMs;
  EXPECT_EQ(append({{"a", now - 1000}, {"b", now + 500}, {"c", -1}}), 3);
  auto refused = tryAppend({{"a", now - 1001}, {"b", now}, {"c", now + 501}}, Codec::kZstd);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidTimestamp);
  ASSERT_EQ(refused.error().faults.size(), 2u);
  EXPECT_EQ(refused.error().faults[0].index, 0);
  EXPECT_EQ(refused.error().faults[1].index, 2);
  clock.nowMs += 1;
  EXPECT_FALSE(tryAppend({{"a", now - 1000}}).ok()) << "the bound moves with the clock";
  EXPECT_EQ(append({{"a", now + 501}}), 4);
  // The broker's own timestamps are never wrong.
  partition->configure(kj::mv(brokersTime));
  EXPECT_EQ(append({{"a", 1}, {"b", now * 2}}), 6);
}

TEST_F(PartitionTest, ByDefaultAnHourAheadIsTheLatest) {
  open();
  EXPECT_EQ(append({{"a", 0}, {"b", clock.nowMs + 3'600'000}}), 2);
  EXPECT_EQ(tryAppend({{"a", clock.nowMs + 3'600'001}}).error().code, ErrorCode::kInvalidTimestamp);
}

TEST_F(PartitionTest, TheTopicsCompressionLevelIsUsed) {
  auto stored = [&](int level) {
    PartitionConfig config;
    config.codec = Codec::kZstd;
    config.compressionLevel = level;
    open(kj::mv(config));
    auto before = partition->status().bytes;
    std::vector<Record> records;
    for (int i = 0; i < 2000; ++i)
      records.push_back({std::to_string(i * 7919 % 2003)});
    append(records);
    return partition->status().bytes.value() - before.value();
  };
  EXPECT_LT(stored(19), stored(-100));
}

TEST_F(PartitionTest, TooLargeABatchIsRefused) {
  PartitionConfig config;
  config.batchBytesMax = 200;
  open(kj::mv(config));
  append({{std::string(20, 'x')}});
  auto refused = tryAppend({{std::string(200, 'x')}});
  EXPECT_EQ(refused.error().code, ErrorCode::kMessageTooLarge);
  EXPECT_TRUE(says(refused.error(), "max.message.bytes"));
  partition->configure({});
  EXPECT_TRUE(tryAppend({{std::string(200, 'x')}}).ok());
}

TEST_F(PartitionTest, RecordsAreDeletedUpToTheHighWatermark) {
  open();
  append({{"a"}, {"b"}, {"c"}});
  settle();
  pool.holding = true;
  append({{"d"}});
  EXPECT_EQ(partition->deleteRecords(Offset(4)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(partition->deleteRecords(Offset(-2)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(partition->deleteRecords(Offset(2)).value().value(), 2);
  EXPECT_EQ(partition->deleteRecords(Offset(1)).value().value(), 2) << "the start never goes back";
  EXPECT_EQ(partition->deleteRecords(kNoOffset).value().value(), 3);
  settle();
  pool.runAll();
  settle();
  EXPECT_EQ(highWatermark(), 4);
  EXPECT_EQ(partition->read(Offset(3), Bytes(1)).value().logStart.value(), 3);
}

TEST_F(PartitionTest, AFullDeviceRefusesAndGoesOn) {
  open();
  append({{"a"}});
  settle();
  store.setCapacity(Bytes(120));
  auto refused = tryAppend({{std::string(100, 'x')}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kStorageError);
  EXPECT_TRUE(says(refused.error(), "free some space")) << refused.error().message.cStr();
  EXPECT_FALSE(partition->isOffline());
  EXPECT_EQ(partition->read(Offset(0), Bytes(1)).value().nextOffset.value(), 1);
  store.setCapacity(Bytes(10'000));
  EXPECT_EQ(append({{"b"}}), 2);
}

}  // namespace
}  // namespace cambium
