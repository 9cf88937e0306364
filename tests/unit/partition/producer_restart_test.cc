#include "tests/unit/partition/partition_fixture.h"

namespace cambium {
namespace {

// What is known of producers after stops and crashes.
class ProducerRestartTest : public PartitionTest {
 protected:
  const LogId id{kj::str("words-0"), Uuid()};

  void stopCleanly() {
    partition->close().wait(scope);
    KJ_IF_MAYBE(row, partition->takeLastProducerRow()) table().commit({row, 1});
    partition = nullptr;
  }
  // As a kill does: nothing is written any more, what was written is there.
  void kill() { partition = nullptr; }
  void losePower() {
    partition = nullptr;
    engine = nullptr;
    store.crash();
    engine = openMemoryEngine(store, {});
  }
  ProducerTable table() { return ProducerTable(*engine); }
  // The end of the log that the row is of; -1 when there is none.
  int64_t rowUpTo() {
    KJ_IF_MAYBE(row, table().load(id)) {
      return KJ_ASSERT_NONNULL(ProducerStates::decode(*row, {})).upTo.value();
    }
    return -1;
  }
  void putRow(kj::Array<kj::byte> value) {
    ProducerRow row{ProducerTable::keyOf(id), kj::mv(value), Offset(0)};
    table().commit({&row, 1});
  }
  // 65 batches, which make a row due.
  void sendMuch(int64_t producer, int32_t from = 0) {
    constexpr size_t kBatchBytes = kProducerRowEvery.value() / 64;
    for (int32_t i = 0; i < 64; ++i) {
      auto sent = send({.producer = producer, .sequence = from + i, .valueBytes = kBatchBytes / 2 - 100});
      ASSERT_NE(sent.find(".."), std::string::npos) << sent;
    }
    send({.producer = producer, .sequence = from + 64, .valueBytes = kBatchBytes / 2 - 100});
  }
  void expectTheLastFiveOf(int batches) {
    EXPECT_EQ(send({.sequence = batches - 6}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    for (int i = batches - 5; i < batches; ++i)
      EXPECT_EQ(send({.sequence = i}), kj::str("again ", i, "..", i + 1).cStr());
    EXPECT_EQ(send({.sequence = batches + 1}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  }
};

TEST_F(ProducerRestartTest, ACleanStopKeepsARow) {
  open(with(Durability::kOs));
  for (int i = 0; i < 8; ++i)
    send({.sequence = i});
  stopCleanly();
  EXPECT_EQ(rowUpTo(), 8);
  open(with(Durability::kOs));
  expectTheLastFiveOf(8);
  EXPECT_EQ(send({.sequence = 8}), "8..9");
}

TEST_F(ProducerRestartTest, AKillIsMadeGoodFromTheLog) {
  open();
  for (int i = 0; i < 8; ++i)
    send({.sequence = i});
  settle();
  kill();
  EXPECT_EQ(rowUpTo(), -1);
  open();
  expectTheLastFiveOf(8);
}

TEST_F(ProducerRestartTest, TheTailBehindARowIsRead) {
  open();
  for (int i = 0; i < 6; ++i)
    send({.sequence = i});
  stopCleanly();
  open();
  send({.sequence = 6});
  send({.sequence = 7});
  settle();
  kill();
  EXPECT_EQ(rowUpTo(), 6);
  open();
  expectTheLastFiveOf(8);
}

TEST_F(ProducerRestartTest, ARowSparesReading) {
  open();
  send({.sequence = 0});
  append({{"a"}});
  stopCleanly();
  ASSERT_EQ(rowUpTo(), 2);
  // A row that says something else of the same log is believed.
  ProducerStates other;
  auto batch = batchOf(Sent{.producer = 99, .sequence = 5});
  other.note(KJ_ASSERT_NONNULL(BatchView::first(batch)), clock.now());
  putRow(other.encode(Offset(2)));
  open();
  EXPECT_EQ(send({.producer = 99, .sequence = 5}), "again 0..1");
  EXPECT_EQ(send({.sequence = 3}), "2..3");
}

TEST_F(ProducerRestartTest, ADamagedRowIsAbsentAndReplaced) {
  open();
  for (int i = 0; i < 6; ++i)
    send({.sequence = i});
  stopCleanly();
  auto row = KJ_ASSERT_NONNULL(table().load(id));
  row[20] ^= 1;
  putRow(kj::mv(row));
  open();
  EXPECT_EQ(rowUpTo(), 6) << "a whole one again";
  kill();
  auto log = engine->open(id.clone(), {});
  EXPECT_TRUE(ProducerKeeper::recover(id.clone(), *log, table(), {}, clock.now())->complaint() == nullptr);
  putRow(kj::heapArray<kj::byte>(1));
  auto keeper = ProducerKeeper::recover(id.clone(), *log, table(), {}, clock.now());
  EXPECT_STREQ(KJ_ASSERT_NONNULL(keeper->complaint()).cStr(),
               "words-0: what is stored of its producers is damaged; it was made again from the log");
  EXPECT_TRUE(keeper->correction() != nullptr);
  log = nullptr;
  open();
  expectTheLastFiveOf(6);
}

TEST_F(ProducerRestartTest, WithoutNewsNothingIsWritten) {
  open();
  partition->close().wait(scope);
  EXPECT_TRUE(partition->takeLastProducerRow() == nullptr) << "an empty log";
  open();
  append({{"a"}});
  stopCleanly();
  EXPECT_EQ(rowUpTo(), 1) << "plain batches too: the next opening need not look for producers";
  open();
  partition->close().wait(scope);
  EXPECT_TRUE(partition->takeLastProducerRow() == nullptr);
}

// The row was written, the batches that it is of were not yet on the device.
TEST_F(ProducerRestartTest, ARowBeyondTheEndClaimsNothing) {
  open();
  for (int i = 0; i < 7; ++i)
    send({.sequence = i});
  settle();
  pool.holding = true;
  auto ahead = batchOf(Sent{.sequence = 7});
  ASSERT_TRUE(partition->append(ahead).ok());
  ProducerStates states;
  for (int i = 3; i < 8; ++i) {
    auto batch = batchOf(Sent{.sequence = i});
    stampBatch(batch, Offset(i), LeaderEpoch(3));
    states.note(KJ_ASSERT_NONNULL(BatchView::first(batch)), clock.now());
  }
  putRow(states.encode(Offset(8)));
  losePower();
  pool.holding = false;
  pool.runAll();
  open();
  EXPECT_EQ(partition->status().end.value(), 7);
  EXPECT_EQ(rowUpTo(), 7) << "corrected before the log grows";
  expectTheLastFiveOf(7);
  EXPECT_EQ(send({.producer = 8, .sequence = 0}), "7..8") << "another batch takes the offset of the one that is lost";
  settle();
  kill();
  open();
  EXPECT_EQ(send({.sequence = 7}), "8..9") << "the lost one is sent again";
  EXPECT_EQ(send({.producer = 8, .sequence = 0}), "again 7..8");
}

TEST_F(ProducerRestartTest, ALostTailOfPlainBatchesNeedsNoReading) {
  open();
  send({.sequence = 0});
  settle();
  ProducerStates other;
  auto batch = batchOf(Sent{.producer = 99});
  other.note(KJ_ASSERT_NONNULL(BatchView::first(batch)), clock.now());
  kill();
  putRow(other.encode(Offset(9)));
  open();
  EXPECT_EQ(rowUpTo(), 1);
  EXPECT_EQ(send({.producer = 99}), "again 0..1") << "what the row says of batches that are there";
}

TEST_F(ProducerRestartTest, RowsAreWrittenOnTheWay) {
  open(with(Durability::kOs));
  sendMuch(7);
  settle();
  auto first = rowUpTo();
  EXPECT_GE(first, 60);
  EXPECT_LE(first, 65);
  sendMuch(8);
  settle();
  EXPECT_GT(rowUpTo(), first + 60);
  kill();
  open(with(Durability::kOs));
  EXPECT_EQ(send({.producer = 7, .sequence = 65}), "130..131");
}

TEST_F(ProducerRestartTest, ARowWaitsForItsLogToBeDurable) {
  open(with(Durability::kInterval, 1000));
  sendMuch(7);
  settle();
  EXPECT_EQ(rowUpTo(), -1);
  advance(1000);
  EXPECT_GE(rowUpTo(), 60);
}

TEST_F(ProducerRestartTest, CloseWaitsForARowUnderWay) {
  open(with(Durability::kOs));
  pool.holding = true;
  sendMuch(7);
  settle();
  ASSERT_EQ(pool.held(), 1u);
  auto closed = partition->close(Partition::Ending::kDeleted);
  settle();
  EXPECT_FALSE(closed.poll(scope)) << "else a row of a deleted log could come late";
  pool.runAll();
  closed.wait(scope);
  EXPECT_TRUE(partition->takeLastProducerRow() == nullptr);
}

TEST_F(ProducerRestartTest, ARowThatCannotBeWrittenIsNoHarm) {
  open(with(Durability::kOs));
  pool.holding = true;
  sendMuch(7);
  settle();
  store.setCapacity(Bytes(1));
  pool.runAll();
  settle();
  store.setCapacity(mebibytes(1000));
  EXPECT_FALSE(partition->isOffline());
  EXPECT_EQ(rowUpTo(), -1);
  EXPECT_EQ(send({.sequence = 65}), "65..66");
}

TEST_F(ProducerRestartTest, WithoutRowOldExtentsAreNotRead) {
  PartitionConfig config = with(Durability::kFsync);
  config.log.segmentBytes = Bytes(1);
  auto old = clock.nowMs - producerLimits.expirationMs;
  auto copy = config.log;
  open(kj::mv(config));
  for (int i = 0; i < 10; ++i)
    send({.producer = 1, .sequence = i, .timestamp = old});
  for (int i = 0; i < 10; ++i)
    send({.producer = 2, .sequence = i, .timestamp = clock.nowMs});
  settle();
  kill();
  auto again = with(Durability::kFsync);
  again.log = copy;
  open(kj::mv(again));
  auto known = partition->producers();
  ASSERT_EQ(known.value().size(), 1u);
  EXPECT_EQ(known.value()[0].producerId, 2);
}

TEST_F(ProducerRestartTest, WhoIsForgottenStaysSoAfterARestart) {
  open();
  send({.sequence = 0});
  stopCleanly();
  clock.nowMs += producerLimits.expirationMs;
  open();
  EXPECT_EQ(partition->producers().value().size(), 0u);
  EXPECT_EQ(send({.sequence = 9}), "1..2");
}

TEST_F(ProducerRestartTest, AnotherIncarnationHasItsOwnRow) {
  open();
  send({.sequence = 0});
  stopCleanly();
  kj::byte bytes[16] = {1};
  LogId anew{kj::str("words-0"), Uuid::fromBytes(bytes)};
  EXPECT_TRUE(table().load(anew) == nullptr);
  table().forget({&anew, 1});
  EXPECT_EQ(rowUpTo(), 1);
  table().forget({&id, 1});
  EXPECT_EQ(rowUpTo(), -1);
}

}  // namespace
}  // namespace cambium
