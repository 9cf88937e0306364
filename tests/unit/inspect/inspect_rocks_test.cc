#include <filesystem>
#include <gtest/gtest.h>

#include "backends/rocksdb/rocks_engine.h"
#include "engine/partition/producer_states.h"
#include "engine/partition/producer_table.h"
#include "engine/retention/cleaner_table.h"
#include "tests/unit/inspect/stores.h"

namespace cambium::tools {
namespace {

namespace fs = std::filesystem;

bool has(const Outcome& outcome, kj::StringPtr part) {
  return outcome.out.find(part.cStr()) != std::string::npos;
}

// A data directory whose logs and tables are in RocksDB.
class RocksInspection : public ::testing::Test {
 protected:
  ~RocksInspection() noexcept override = default;

  void fill() {
    engine_ = openRocksEngine(store());
    commitTopic(*engine_, "words", topicId(1), 1, "rocksdb");
    commitOffset(*engine_, "readers", "words", 0, Offset(42));
    auto log = engine_->open(LogId{kj::str("words-0"), topicId(1)}, {});
    appendBatches(*log, 100);
    syncNow(*log);
  }
  void close() {
    engine_->close();
    engine_ = nullptr;
  }
  void kill() { engine_ = nullptr; }
  kj::String store() const { return folder_.path("rocksdb"); }

  // The largest file with this ending.
  kj::String largest(kj::StringPtr suffix) const {
    std::string found;
    for (auto& entry : fs::directory_iterator(store().cStr())) {
      if (entry.path().extension() != suffix.cStr()) continue;
      if (found.empty() || entry.file_size() > fs::file_size(found)) found = entry.path().string();
    }
    return kj::str(found.c_str());
  }

  TemporaryFolder folder_;
  kj::Own<StorageEngine> engine_;
};

TEST_F(RocksInspection, SoundStoresAreOkAndUntouched) {
  fill();
  // Beside the engine that has it open, and as a killed one leaves it.
  EXPECT_EQ(verify(store()).code, 0);
  kill();
  auto before = fingerprint(folder_.path());
  for (auto& path : {store(), kj::str(folder_.path())}) {
    auto outcome = look({.path = kj::str(path), .verify = true, .deep = true});
    EXPECT_EQ(outcome.code, 0) << outcome.out;
    EXPECT_TRUE(has(outcome, "checked 100 batches, 1000 records")) << outcome.out;
  }
  EXPECT_EQ(fingerprint(folder_.path()), before);
}

TEST_F(RocksInspection, CompactedLogsAreOk) {
  fill();
  {
    auto log = engine_->open(LogId{kj::str("words-0"), topicId(1)}, {});
    compact(*log);
    appendBatches(*log, 10);
  }
  close();
  auto outcome = look({.path = store(), .verify = true, .records = true, .deep = true});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_TRUE(has(outcome, "0 errors, 0 warnings, 0 notes; checked 90 batches, 800 records")) << outcome.out;
  EXPECT_TRUE(has(outcome, "recordCount=0")) << outcome.out;
}

TEST_F(RocksInspection, ABatchThatNobodyCanReadIsAnError) {
  fill();
  {
    auto log = engine_->open(LogId{kj::str("words-0"), topicId(1)}, {});
    log->append(unreadableBatch(log->bounds().end, TimestampMs(1'800'000'000'000)));
    syncNow(*log);
  }
  close();
  auto outcome = verify(store());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, "batch at offset 1000: the records of the batch cannot be read")) << outcome.out;
  EXPECT_TRUE(has(outcome, "damaged: 1 errors")) << outcome.out;
}

TEST_F(RocksInspection, ListsLogsExtentsBatchesAndTables) {
  fill();
  close();
  auto listed = look({.path = store(), .records = true, .from = Offset(995)});
  EXPECT_EQ(listed.code, 0) << listed.out;
  EXPECT_TRUE(has(listed, "kind=RocksDB store"));
  EXPECT_TRUE(has(listed, "group=readers"));
  EXPECT_TRUE(has(listed, "topic=words"));
  EXPECT_TRUE(has(listed, "family=bucket-0000000001"));
  EXPECT_FALSE(has(listed, "value-994-"));
  for (int i = 995; i < 1000; ++i)
    EXPECT_TRUE(has(listed, kj::str("value=\"value-", i, "-xxx"))) << i;
}

TEST_F(RocksInspection, RowsOfTheCleaner) {
  fill();
  CleanerTable(*engine_).save({kj::str("words-0"), topicId(1)}, {Offset(90), TimestampMs(1'700'000'000'000)});
  close();
  auto listed = look({.path = store()});
  EXPECT_EQ(listed.code, 0) << listed.out;
  for (auto* part : {"log=words-0", "cleanedUpTo=90", "nextHorizon=2023-11-14"})
    EXPECT_TRUE(has(listed, part)) << part << " in " << listed.out;
  engine_ = openRocksEngine(store());
  auto key = ProducerTable::keyOf({kj::str("other-0"), topicId(2)});
  TableChange change{"cleaner", key, ByteView("xyz"_kj.asBytes())};
  engine_->commit({&change, 1});
  close();
  auto damaged = verify(store());
  EXPECT_NE(damaged.code, 0);
  EXPECT_TRUE(has(damaged, "a row of the table cleaner cannot be understood")) << damaged.out;
}

TEST_F(RocksInspection, RowsOfProducers) {
  fill();
  ProducerStates states;
  BatchBuilder builder({.producerId = 77, .producerEpoch = 2, .baseSequence = 40});
  builder.add(TimestampMs(1000), nullptr, nullptr);
  auto batch = builder.finish();
  states.note(KJ_ASSERT_NONNULL(BatchView::first(batch)), TimestampMs(2000));
  ProducerRow rows[] = {{ProducerTable::keyOf({kj::str("words-0"), topicId(1)}), states.encode(Offset(9)), {}},
                        {ProducerTable::keyOf({kj::str("other-0"), topicId(2)}), kj::heapArray<kj::byte>(3), {}}};
  ProducerTable(*engine_).commit(kj::arrayPtr(rows, 1));
  close();
  auto listed = look({.path = store()});
  EXPECT_EQ(listed.code, 0) << listed.out;
  for (auto* part : {"log=words-0", "upTo=9", "producerId=77", "epoch=2", "lastSequence=40"})
    EXPECT_TRUE(has(listed, part)) << part << " in " << listed.out;
  engine_ = openRocksEngine(store());
  ProducerTable(*engine_).commit(kj::arrayPtr(rows + 1, 1));
  close();
  auto damaged = verify(store());
  EXPECT_NE(damaged.code, 0);
  EXPECT_TRUE(has(damaged, "a row of the table producers cannot be understood")) << damaged.out;
}

TEST_F(RocksInspection, DamagedTableFile) {
  fill();
  close();
  auto file = largest(".sst");
  flip(file, fileSize(file) / 2);
  for (auto& path : {store(), kj::str(folder_.path())}) {
    auto outcome = verify(path);
    EXPECT_EQ(outcome.code, 1) << outcome.out;
    // The library names the file, our index the batch.
    EXPECT_TRUE(has(outcome, fs::path(file.cStr()).filename().c_str())) << outcome.out;
    EXPECT_TRUE(has(outcome, "words-0: batch at offset ")) << outcome.out;
  }
}

TEST_F(RocksInspection, DamagedWriteAheadLog) {
  fill();
  kill();
  auto file = largest(".log");
  flip(file, fileSize(file) / 2);
  for (auto& path : {store(), kj::str(folder_.path())}) {
    auto outcome = verify(path);
    EXPECT_EQ(outcome.code, 1) << outcome.out;
    EXPECT_TRUE(has(outcome, store())) << outcome.out;
    EXPECT_TRUE(has(outcome, "Corruption")) << outcome.out;
  }
}

TEST_F(RocksInspection, TopicWithoutLogIsAnError) {
  fill();
  commitTopic(*engine_, "lines", topicId(2), 1, "rocksdb");
  close();
  auto outcome = verify(folder_.path());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, "partition 0 of topic lines has no log")) << outcome.out;
}

}  // namespace
}  // namespace cambium::tools
