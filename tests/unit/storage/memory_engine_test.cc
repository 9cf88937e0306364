#include "engine/storage/memory_engine.h"

#include <gtest/gtest.h>
#include <string>

#include "tests/support/batches.h"

namespace cambium {
namespace {

bool says(const kj::Exception& exception, const char* part) {
  return std::string(exception.getDescription().cStr()).find(part) != std::string::npos;
}

// What the contract suite does not know of the memory engine: its faults, and the exact places where its extents end.
class MemoryEngineTest : public ::testing::Test {
 public:
  ~MemoryEngineTest() noexcept override = default;

 protected:
  void open(LogOptions options = {}) {
    log = nullptr;
    log = engine->open({kj::str("words-0"), Uuid()}, options);
  }
  // A batch of 10 records and 100 bytes.
  void append(int64_t timestamp = 1000) {
    log->append(makeBatch(log->bounds().end, 10, TimestampMs(timestamp), 39, 1));
  }
  void crash() {
    log = nullptr;
    engine = nullptr;
    store.crash();
    engine = openMemoryEngine(store, {});
    open();
  }
  kj::Exception failureOf(kj::FunctionParam<void()> operation) {
    return KJ_ASSERT_NONNULL(kj::runCatchingExceptions([&] { operation(); }), "it threw nothing");
  }
  void putRow(kj::StringPtr key, kj::StringPtr value) {
    engine->commit({TableChange{"t", key.asBytes(), ByteView(value.asBytes())}});
  }

  MemoryStore store;
  kj::Own<StorageEngine> engine = openMemoryEngine(store, {});
  kj::Own<PartitionLog> log;
};

TEST_F(MemoryEngineTest, OneEngineAtATime) {
  EXPECT_TRUE(says(failureOf([&] { openMemoryEngine(store, {}); }), "another engine"));
  EXPECT_TRUE(says(failureOf([&] { store.crash(); }), "destroy the engine"));
  engine = nullptr;
  engine = openMemoryEngine(store, {});
}

TEST_F(MemoryEngineTest, CloseIsRefusedWhileALogIsOpen) {
  open();
  EXPECT_TRUE(says(failureOf([&] { engine->close(); }), "words-0"));
}

TEST_F(MemoryEngineTest, SyncNowBreaksTheLogWhenTheDeviceRefuses) {
  open();
  append();
  syncNow(*log);
  append();
  store.failNextSync("device gone");
  auto failure = failureOf([&] { syncNow(*log); });
  EXPECT_EQ(failure.getType(), kj::Exception::Type::FAILED);
  EXPECT_TRUE(says(failure, "device gone")) << failure.getDescription().cStr();
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(says(failureOf([&] { append(); }), "device gone"));
    EXPECT_TRUE(says(failureOf([&] { syncNow(*log); }), "device gone"));
  }
  open();
  EXPECT_EQ(log->bounds().end.value(), 10) << "what was not durable is lost";
  append();
  syncNow(*log);
  EXPECT_EQ(log->bounds().durable.value(), 20) << "one failure, not two";
}

TEST_F(MemoryEngineTest, SyncNowOfACleanLogMeetsNoFault) {
  open();
  store.failNextSync("device gone");
  syncNow(*log);
  append();
  EXPECT_TRUE(says(failureOf([&] { syncNow(*log); }), "device gone"));
}

TEST_F(MemoryEngineTest, AFullStoreRefusesAppendsAndGoesOn) {
  open();
  append();
  store.setCapacity(Bytes(250));
  append();
  auto failure = failureOf([&] { append(); });
  EXPECT_EQ(failure.getType(), kj::Exception::Type::OVERLOADED);
  EXPECT_EQ(log->bounds().end.value(), 20);
  EXPECT_EQ(describeBatches(log->read(Offset(0), Offset(20), mebibytes(1))), "[0..9] [10..19]"_kj);
  syncNow(*log);
  EXPECT_EQ(log->bounds().durable.value(), 20);
  log->truncateFrom(Offset(10));
  append();
  EXPECT_EQ(log->bounds().end.value(), 20);
  store.setCapacity(Bytes(300));
  append();
  EXPECT_EQ(engine->usage().logBytes.value(), 300u);
}

TEST_F(MemoryEngineTest, ARefusedAppendOfSeveralBatchesAppendsNone) {
  open();
  store.setCapacity(Bytes(150));
  kj::Vector<kj::byte> two;
  two.addAll(makeBatch(Offset(0), 10, TimestampMs(1), 39, 1));
  two.addAll(makeBatch(Offset(10), 10, TimestampMs(1), 39, 1));
  EXPECT_EQ(failureOf([&] { log->append(two); }).getType(), kj::Exception::Type::OVERLOADED);
  EXPECT_EQ(log->bounds().end.value(), 0);
  append();
}

TEST_F(MemoryEngineTest, AFullStoreRefusesCommitsButNotDeletions) {
  store.setCapacity(Bytes(4));
  putRow("a", "123");
  EXPECT_EQ(failureOf([&] { putRow("b", "1"); }).getType(), kj::Exception::Type::OVERLOADED);
  EXPECT_TRUE(engine->get("t", "b"_kj.asBytes()) == nullptr);
  engine->commit({TableChange{"t", "a"_kj.asBytes(), nullptr}});
  putRow("b", "1");
  EXPECT_EQ(engine->usage().tableBytes.value(), 2u);
}

TEST_F(MemoryEngineTest, ACrashTakesExactlyWhatWasNotSynced) {
  open();
  append();
  syncNow(*log);
  append();
  crash();
  EXPECT_EQ(log->bounds().end.value(), 10);
  log->truncateFrom(Offset(0));
  append();
  crash();
  EXPECT_EQ(log->bounds().end.value(), 0);
}

TEST_F(MemoryEngineTest, ExtentsCloseBySize) {
  open({.segmentBytes = Bytes(300)});
  for (int i = 0; i < 7; ++i)
    append();
  auto extents = log->extents();
  ASSERT_EQ(extents.size(), 3u);
  EXPECT_EQ(extents[0].end.value(), 30);
  EXPECT_EQ(extents[0].bytes.value(), 300u);
  EXPECT_EQ(extents[2].first.value(), 60);
  log->dropBefore(Offset(35));
  EXPECT_EQ(log->extents()[0].first.value(), 30);
  EXPECT_EQ(log->sizeBytes().value(), 400u);
}

TEST_F(MemoryEngineTest, ExtentsCloseByTime) {
  open({.segmentMs = 100});
  for (int64_t timestamp : {1000, 1100, 900, 1101, 1201, 1202})
    append(timestamp);
  auto extents = log->extents();
  ASSERT_EQ(extents.size(), 3u);
  EXPECT_EQ(extents[0].end.value(), 30);
  EXPECT_EQ(extents[0].maxTimestamp.value(), 1100);
  EXPECT_EQ(extents[1].end.value(), 50);
  EXPECT_EQ(extents[2].first.value(), 50);
  log->configure({.segmentMs = 1});
  append(1204);
  EXPECT_EQ(log->extents().size(), 4u);
}

TEST_F(MemoryEngineTest, OneSyncAtATimeAndEachJobOnce) {
  open();
  append();
  auto job = KJ_ASSERT_NONNULL(log->startSync());
  EXPECT_EQ(job->bytes().value(), 100u);
  append();
  failureOf([&] { log->startSync(); });
  job->run();
  failureOf([&] { job->run(); });
  log->finishSync(kj::mv(job));
  EXPECT_EQ(log->bounds().durable.value(), 10);
}

}  // namespace
}  // namespace cambium
