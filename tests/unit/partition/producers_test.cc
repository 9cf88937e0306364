#include "engine/record/record_reader.h"
#include "tests/unit/partition/partition_fixture.h"

namespace cambium {
namespace {

// Idempotent producers at a partition that is open.
using ProducersTest = PartitionTest;

TEST_F(ProducersTest, ADuplicateIsAnsweredWithItsFirstOffsets) {
  open();
  EXPECT_EQ(send({.sequence = 0, .records = 2}), "0..2");
  EXPECT_EQ(send({.sequence = 2}), "2..3");
  EXPECT_EQ(append({{"plain"}}), 4);
  EXPECT_EQ(send({.sequence = 0, .records = 2}), "again 0..2");
  EXPECT_EQ(send({.sequence = 2}), "again 2..3");
  settle();
  EXPECT_EQ(partition->status().end.value(), 4);
  EXPECT_EQ(metrics.appends, 3u);
  EXPECT_EQ(send({.sequence = 4}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.sequence = 0, .epoch = 1}), "4..5");
  EXPECT_EQ(send({.sequence = 3}), "INVALID_PRODUCER_EPOCH");
  EXPECT_EQ(metrics.appendFailures, 2u);
}

TEST_F(ProducersTest, AnErrorNamesThePartitionAndTheSequences) {
  open();
  send({.sequence = 0});
  auto batch = batchOf(Sent{.sequence = 5});
  std::string message = partition->append(batch).error().message.cStr();
  EXPECT_EQ(message, "partition words-0: producer 7, epoch 0: sequence 5 came where 1 was expected");
}

TEST_F(ProducersTest, ADuplicateIsNotSaferThanItsFirstTime) {
  open();
  pool.holding = true;
  EXPECT_EQ(send({.sequence = 0}), "0..1");
  EXPECT_EQ(send({.sequence = 0}), "again 0..1");
  auto committed = partition->whenCommitted(Offset(1));
  settle();
  EXPECT_TRUE(ready(committed) == nullptr);
  pool.runAll();
  settle();
  EXPECT_TRUE(KJ_ASSERT_NONNULL(ready(committed)).ok());
}

TEST_F(ProducersTest, AllBatchesOfARequestOrNone) {
  open();
  EXPECT_EQ(send({{.sequence = 0}, {.sequence = 1}, {.sequence = 3}}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(partition->status().end.value(), 0);
  EXPECT_EQ(send({{.sequence = 0}, {.sequence = 1}, {.producer = 8}}), "0..3");
  EXPECT_EQ(send({{.sequence = 0}, {.sequence = 1}, {.producer = 8}}), "again 0..3");
  EXPECT_EQ(send({{.sequence = 1}, {.sequence = 2}}), "DUPLICATE_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.sequence = 2}), "3..4") << "nothing of what was refused is remembered";
}

TEST_F(ProducersTest, AnAppendThatFailsIsNotRemembered) {
  open(with(Durability::kOs));
  store.setCapacity(Bytes(1));
  EXPECT_EQ(send({.sequence = 0}), "KAFKA_STORAGE_ERROR");
  store.setCapacity(mebibytes(1));
  EXPECT_EQ(send({.sequence = 0}), "0..1");
}

TEST_F(ProducersTest, OtherCodecAndOtherTimeKeepTheProducer) {
  PartitionConfig config;
  config.codec = Codec::kZstd;
  config.timestampType = TimestampType::kLogAppendTime;
  open(kj::mv(config));
  auto appendedAt = clock.nowMs;
  EXPECT_EQ(send({.sequence = 0, .records = 3, .epoch = 4, .codec = Codec::kGzip}), "0..3");
  settle();
  auto outcome = partition->read(Offset(0), mebibytes(1));
  auto stored = KJ_ASSERT_NONNULL(BatchView::first(outcome.value().batches));
  EXPECT_EQ(stored.codec(), Codec::kZstd);
  EXPECT_EQ(stored.maxTimestamp().value(), appendedAt);
  EXPECT_EQ(stored.producerId(), 7);
  EXPECT_EQ(stored.producerEpoch(), 4);
  EXPECT_EQ(stored.baseSequence(), 0);
  clock.nowMs += 5000;
  auto again = batchOf(Sent{.sequence = 0, .records = 3, .epoch = 4, .codec = Codec::kGzip});
  auto answer = partition->append(again);
  EXPECT_TRUE(answer.value().duplicate);
  EXPECT_EQ(answer.value().logAppendTime.value(), appendedAt) << "when it came the first time";
}

TEST_F(ProducersTest, DeletedRecordsAreStillRecognised) {
  open();
  send({.sequence = 0});
  send({.sequence = 1});
  settle();
  ASSERT_TRUE(partition->deleteRecords(Offset(2)).ok());
  EXPECT_EQ(send({.sequence = 1}), "again 1..2");
  EXPECT_EQ(send({.sequence = 3}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.sequence = 2}), "2..3");
}

TEST_F(ProducersTest, Description) {
  open();
  send({.producer = 9, .sequence = 0, .records = 3, .epoch = 2, .timestamp = 5000});
  send({.producer = 8, .sequence = 4, .timestamp = 6000});
  auto described = partition->producers();
  auto& all = described.value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].producerId, 8);
  EXPECT_EQ(all[1].producerId, 9);
  EXPECT_EQ(all[1].epoch, 2);
  EXPECT_EQ(all[1].lastSequence, 2);
  EXPECT_EQ(all[1].lastTimestamp.value(), 5000);
  EXPECT_EQ(all[1].coordinatorEpoch, -1);
  EXPECT_EQ(all[1].transactionStart.value(), -1);
  clock.nowMs += producerLimits.expirationMs;
  partition->expireProducers();
  EXPECT_EQ(partition->producers().value().size(), 0u);
  partition->close().wait(scope);
  EXPECT_EQ(partition->producers().error().code, ErrorCode::kUnknownTopicOrPartition);
  partition->expireProducers();
}

}  // namespace
}  // namespace cambium
