#include "tests/unit/partition/partition_fixture.h"

namespace cambium {
namespace {

// The leader epochs of a log over stops and crashes; each opening is a new run, with a higher epoch.
class EpochRestartTest : public PartitionTest {
 protected:
  const LogId id{kj::str("words-0"), Uuid()};

  void stopCleanly() {
    partition->close().wait(scope);
    KJ_IF_MAYBE(row, partition->takeLastProducerRow()) ProducerTable(*engine).commit({row, 1});
    partition = nullptr;
  }
  void losePower() {
    partition = nullptr;
    engine = nullptr;
    store.crash();
    engine = openMemoryEngine(store, {});
  }
  void openIn(int32_t runsEpoch, Durability durability = Durability::kOs) {
    epoch = LeaderEpoch(runsEpoch);
    open(with(durability));
  }
  void appendMany(int count) {
    for (int i = 0; i < count; ++i)
      append({{"a"}});
  }
  // "epoch, offset" of an epoch's end.
  std::string end(int32_t asked) {
    auto found = partition->endOfEpoch(LeaderEpoch(asked));
    if (!found.ok()) return found.error().message.cStr();
    return kj::str(found.value().epoch, ", ", found.value().offset).cStr();
  }
  // What a reader is told whose last record is of an epoch: "" or where the logs diverge.
  std::string divergence(int64_t from, int32_t lastEpoch) {
    auto read = partition->read(Offset(from), mebibytes(1), LeaderEpoch(lastEpoch));
    if (!read.ok()) return errorName(read.error().code).cStr();
    KJ_IF_MAYBE(diverging, read.value().diverging) {
      EXPECT_EQ(read.value().batches.size(), 0u);
      return kj::str(diverging->epoch, ", ", diverging->offset).cStr();
    }
    return "";
  }
  void removeRow() {
    auto key = ProducerTable::keyOf(id);
    TableChange change{"producers", key, nullptr};
    engine->commit({&change, 1});
  }
  // As a version that kept no epochs wrote it.
  void putRowWithoutEpochs(Offset upTo) {
    ProducerRow row{ProducerTable::keyOf(id), ProducerStates().encode(upTo), Offset(0)};
    ProducerTable(*engine).commit({&row, 1});
  }
};

TEST_F(EpochRestartTest, TheTailThatAPowerLossTookIsTold) {
  openIn(0);
  appendMany(20);
  partition->requestSync();
  settle();
  appendMany(5);
  losePower();
  openIn(1);
  EXPECT_EQ(end(0), "0, 20");
  appendMany(10);
  EXPECT_EQ(end(0), "0, 20");
  EXPECT_EQ(end(1), "1, 30");
  EXPECT_EQ(end(2), "-1, -1");
  // Somebody who has read all 25.
  EXPECT_EQ(divergence(25, 0), "0, 20");
  EXPECT_EQ(divergence(20, 0), "");
  EXPECT_EQ(divergence(12, 0), "");
  EXPECT_EQ(divergence(25, 1), "");
  EXPECT_EQ(divergence(31, 1), "1, 30") << "rather than out of range";
  EXPECT_EQ(divergence(25, 2), "OFFSET_OUT_OF_RANGE") << "an epoch that never was";
  auto read = partition->read(Offset(19), mebibytes(1));
  EXPECT_EQ(KJ_ASSERT_NONNULL(BatchView::first(read.value().batches)).leaderEpoch().value(), 0);
  EXPECT_EQ(partition->findOffset({OffsetQuery::Kind::kEarliest}).value().leaderEpoch.value(), 0);
  EXPECT_EQ(partition->findOffset({OffsetQuery::Kind::kLatest}).value().leaderEpoch.value(), 1);
}

TEST_F(EpochRestartTest, ARowThatSaysMoreThanTheLogIsCut) {
  openIn(0);
  appendMany(20);
  partition->requestSync();
  settle();
  openIn(3);
  appendMany(5);
  // Of a topic that is never synced by itself rows do not wait for the log.
  ProducerStates states;
  LeaderEpochs epochs;
  epochs.assign(LeaderEpoch(0), Offset(0));
  epochs.assign(LeaderEpoch(3), Offset(20));
  ProducerRow row{ProducerTable::keyOf(id), states.encode(Offset(25), epochs), Offset(25)};
  ProducerTable(*engine).commit({&row, 1});
  losePower();
  openIn(4);
  appendMany(1);
  EXPECT_EQ(end(3), "0, 20");
  EXPECT_EQ(end(4), "4, 21");
}

TEST_F(EpochRestartTest, EveryRunIsKnownHoweverItEnded) {
  for (int32_t run = 0; run < 9; ++run) {
    openIn(run, Durability::kFsync);
    if (run % 3 != 2) appendMany(10);
    settle();
    if (run % 2 == 0) stopCleanly();
  }
  openIn(9);
  for (int32_t run = 0, last = 0, offset = 0; run < 9; ++run) {
    if (run % 3 != 2) last = run, offset += 10;
    EXPECT_EQ(end(run), kj::str(last, ", ", offset).cStr());
  }
  EXPECT_EQ(end(9), "9, 60");
}

TEST_F(EpochRestartTest, WithoutARowTheLogIsAsked) {
  for (int32_t run : {0, 1, 4, 7}) {
    openIn(run);
    appendMany(run == 4 ? 1 : 12);
    stopCleanly();
  }
  for (bool old : {false, true}) {
    if (old) {
      putRowWithoutEpochs(Offset(37));
    } else {
      removeRow();
    }
    openIn(9);
    EXPECT_EQ(end(0), "0, 12");
    EXPECT_EQ(end(1), "1, 24");
    EXPECT_EQ(end(3), "1, 24");
    EXPECT_EQ(end(4), "4, 25");
    EXPECT_EQ(end(7), "7, 37");
    partition = nullptr;
  }
}

TEST_F(EpochRestartTest, DeletedRecordsTakeTheirEpochsAlong) {
  openIn(0);
  appendMany(10);
  stopCleanly();
  openIn(2);
  appendMany(10);
  ASSERT_EQ(partition->deleteRecords(Offset(15)).value(), Offset(15));
  EXPECT_EQ(end(0), "0, 15");
  EXPECT_EQ(partition->findOffset({OffsetQuery::Kind::kEarliest}).value().leaderEpoch.value(), 2);
  EXPECT_EQ(divergence(12, 0), "OFFSET_OUT_OF_RANGE");
  stopCleanly();
  openIn(3);
  EXPECT_EQ(end(0), "0, 15");
  EXPECT_EQ(end(2), "2, 20");
}

TEST_F(EpochRestartTest, AnEpochNeverFalls) {
  openIn(5);
  appendMany(2);
  stopCleanly();
  openIn(3);
  EXPECT_EQ(partition->status().leaderEpoch.value(), 5) << "the log has records of it";
  partition->lead(LeaderEpoch(4));
  EXPECT_EQ(partition->status().leaderEpoch.value(), 5);
  partition->lead(LeaderEpoch(6));
  appendMany(1);
  EXPECT_EQ(end(5), "5, 2");
  EXPECT_EQ(end(6), "6, 3");
}

}  // namespace
}  // namespace cambium
