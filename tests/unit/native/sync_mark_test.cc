// What was durable by the account of a sync mark, of the register of logs, or of the machine's run, is never cut, never
// taken for empty, and never begun anew.

#include <gtest/gtest.h>

#include "backends/native/native_tables.h"
#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

using Loss = MemoryFileSystem::Loss::Kind;
constexpr kj::StringPtr kFolder = "data/words-0"_kj;
constexpr kj::StringPtr kLog = "data/words-0/00000000000000000000.log"_kj;
constexpr kj::StringPtr kMark = "data/words-0/sync-mark"_kj;
constexpr kj::StringPtr kTables = "data/tables"_kj;
constexpr kj::StringPtr kJournal = "data/tables/0000000000000001.journal"_kj;
constexpr uint64_t kBatchBytes = 100;
constexpr int kBatches = 4;

// Batches of 100 bytes and 10 records, each synced by itself or none, and then the end of the process, or of power.
void writeBatches(MemoryFileSystem& files, bool synced, Loss loss) {
  {
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {});
    for (int i = 0; i < kBatches; ++i) {
      appendBatch(*log, 10);
      if (synced) syncNow(*log);
    }
  }
  files.crash({.kind = loss});
}

// What opening the log says, or where it ends: "40".
std::string outcome(FileSystem& files, kj::Vector<kj::String>* lines = nullptr) {
  std::string end;
  auto failure = thrownBy([&] {
    auto engine = openEngine(files, lines);
    end = kj::str(engine->open(nativeLogId(), {})->bounds().end).cStr();
  });
  return failure == "" ? end : failure;
}

void expectRefused(MemoryFileSystem& files, kj::StringPtr path, uint64_t position) {
  auto before = fileOf(files, path);
  auto said = outcome(files);
  EXPECT_NE(said.find(path.cStr()), std::string::npos) << said;
  EXPECT_NE(said.find(kj::str(position).cStr()), std::string::npos) << said;
  EXPECT_NE(said.find("cambium inspect repair"), std::string::npos) << said;
  EXPECT_TRUE(fileOf(files, path) == before.asPtr()) << "something was changed";
}

bool isLeaderEpoch(uint64_t byte) {
  return byte % kBatchBytes >= 12 && byte % kBatchBytes < 16;
}

TEST(NativeSyncMark, ABitOfASyncedBatchIsDamage) {
  for (uint64_t byte = 0; byte < kBatches * kBatchBytes; byte += 3) {
    if (isLeaderEpoch(byte)) continue;
    SCOPED_TRACE(byte);
    MemoryFileSystem files;
    writeBatches(files, true, Loss::kNothing);
    files.flipBit(kLog, byte * 8 + byte % 8);
    expectRefused(files, kLog, byte / kBatchBytes * kBatchBytes);
  }
}

TEST(NativeSyncMark, AFileShorterThanWhatWasSyncedIsDamage) {
  for (uint64_t size = 0; size < kBatches * kBatchBytes; size += 10) {
    SCOPED_TRACE(size);
    MemoryFileSystem files;
    writeBatches(files, true, Loss::kNothing);
    files.open(kLog, FileSystem::Mode::kWrite)->truncate(size);
    expectRefused(files, kLog, kBatches * kBatchBytes);
  }
}

// Nobody has synced it, but the machine has not been started since: it is all in the system's cache.
TEST(NativeSyncMark, WhatAKilledProcessHasWrittenIsNotTornInTheMiddle) {
  for (uint64_t byte = 0; byte < kBatches * kBatchBytes; byte += 3) {
    if (isLeaderEpoch(byte)) continue;
    SCOPED_TRACE(byte);
    MemoryFileSystem files;
    writeBatches(files, false, Loss::kNothing);
    files.flipBit(kLog, byte * 8 + byte % 8);
    bool last = byte >= (kBatches - 1) * kBatchBytes;
    // A last batch that claims to be longer may be one whose end was not written.
    if (last && outcome(files) == "30") continue;
    expectRefused(files, kLog, byte / kBatchBytes * kBatchBytes);
  }
}

TEST(NativeSyncMark, TheLastWriteOfAKilledProcessMayBeCutShort) {
  for (uint64_t size = 0; size <= kBatches * kBatchBytes; ++size) {
    MemoryFileSystem files;
    writeBatches(files, false, Loss::kNothing);
    files.open(kLog, FileSystem::Mode::kWrite)->truncate(size);
    ASSERT_EQ(outcome(files), std::to_string(size / kBatchBytes * 10)) << size;
  }
}

// Pages that were not synced reach the disk in any order.
TEST(NativeSyncMark, APowerLossMayLeaveAHoleBehindTheMark) {
  MemoryFileSystem files;
  writeBatches(files, false, Loss::kWrittenBack);
  files.flipBit(kLog, 150 * 8);
  kj::Vector<kj::String> lines;
  EXPECT_EQ(outcome(files, &lines), "10");
  EXPECT_TRUE(contains(lines, "set aside"));
}

TEST(NativeSyncMark, AfterAPowerLossItIsALowerBound) {
  MemoryFileSystem files;
  {
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
    syncNow(*log);
  }
  // The mark of the first sync is durable with it.
  files.crash();
  {
    auto marked = files.open(kLog, FileSystem::Mode::kWrite);
    marked->truncate(50);
  }
  expectRefused(files, kLog, kBatchBytes);
}

TEST(NativeSyncMark, WithoutItOrWithAWrongOneEverythingIsThere) {
  for (int kind = 0; kind < 5; ++kind) {
    SCOPED_TRACE(kind);
    MemoryFileSystem files;
    writeBatches(files, true, Loss::kNothing);
    if (kind == 0) files.removeFile(kMark);
    if (kind == 1) files.flipBit(kMark, 300);
    if (kind == 2) putFile(files, kMark, fileOf(files, kMark).slice(0, 32));
    if (kind == 3) putFile(files, kMark, fileOf(files, "data/tables.sync-mark"));
    if (kind == 4) {
      files.removeFile(kMark);
      files.createDirectory(kMark);
    }
    kj::Vector<kj::String> lines;
    EXPECT_EQ(outcome(files, &lines), "40");
    EXPECT_EQ(contains(lines, "sync-mark"), kind > 0);
    EXPECT_EQ(outcome(files), "40");
  }
}

// A log that was cut on purpose is shorter than an older mark says.
TEST(NativeSyncMark, AnOlderMarkSaysNothingAboutACutLog) {
  for (auto loss : {Loss::kNothing, Loss::kUnsynced}) {
    MemoryFileSystem files;
    {
      auto engine = openEngine(files);
      auto log = engine->open(nativeLogId(), {});
      for (int i = 0; i < kBatches; ++i)
        appendBatch(*log, 10);
      syncNow(*log);
      auto older = fileOf(files, kMark);
      log->truncateFrom(Offset(20));
      // As a power loss leaves it that takes the mark's last way to the disk.
      putFile(files, kMark, older);
    }
    files.crash({.kind = loss});
    EXPECT_EQ(outcome(files), "20");
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Which logs there are.

enum class End { kKilled, kPowerLost, kClean };

void writeAndEnd(MemoryFileSystem& files, End end) {
  auto engine = openEngine(files);
  for (auto name : {"words-0"_kj, "others-0"_kj}) {
    auto log = engine->open(nativeLogId(name), {});
    appendBatch(*log, 10);
    syncNow(*log);
  }
  if (end == End::kClean) engine->close();
  engine = nullptr;
  files.crash({.kind = end == End::kPowerLost ? Loss::kUnsynced : Loss::kNothing});
}

TEST(NativeRegister, ALogThatIsGoneIsNotBegunAnew) {
  for (auto end : {End::kKilled, End::kPowerLost, End::kClean}) {
    for (int kind = 0; kind < 5; ++kind) {
      SCOPED_TRACE(kj::str(static_cast<int>(end), " ", kind).cStr());
      MemoryFileSystem files;
      writeAndEnd(files, end);
      if (kind == 0) files.removeTree(kFolder);
      if (kind == 1) files.removeFile(kLog);
      if (kind == 2) putFile(files, kLog, nullptr);
      if (kind == 3) {
        for (auto& entry : files.list(kFolder))
          files.removeFile(kj::str(kFolder, "/", entry.name));
      }
      if (kind == 4) {
        files.removeFile(kLog);
        files.createDirectory(kLog);
      }
      for (int again = 0; again < 2; ++again) {
        auto engine = openEngine(files);
        auto failure = thrownBy([&] { engine->open(nativeLogId(), {}); });
        EXPECT_NE(failure.find("words-0"), std::string::npos) << failure;
        EXPECT_TRUE(engine->holds(nativeLogId()));
        EXPECT_EQ(engine->open(nativeLogId("others-0"), {})->bounds().end, Offset(10));
      }
    }
  }
}

// … unless somebody gives it up, or makes another one of its name.
TEST(NativeRegister, ALogThatIsGoneCanBeDroppedOrReplaced) {
  for (bool dropped : {false, true}) {
    MemoryFileSystem files;
    writeAndEnd(files, End::kKilled);
    files.removeTree(kFolder);
    auto id = nativeLogId();
    auto engine = openEngine(files);
    if (dropped) {
      engine->drop(id.clone());
      EXPECT_FALSE(engine->holds(id));
    } else {
      id.incarnation = Uuid();
    }
    auto log = engine->open(id.clone(), {});
    EXPECT_EQ(log->bounds().end, Offset(0));
    appendBatch(*log, 1);
    syncNow(*log);
    log = nullptr;
    engine = nullptr;
    files.crash();
    engine = openEngine(files);
    EXPECT_EQ(engine->open(kj::mv(id), {})->bounds().end, Offset(1));
  }
}

TEST(NativeRegister, ALogThatWasNeverSyncedMayBeGone) {
  MemoryFileSystem files;
  {
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
  }
  files.crash();
  EXPECT_EQ(outcome(files), "0");
}

// A folder where one log has a file is that log's trouble.
TEST(NativeRegister, AFolderInPlaceOfAFileConcernsOneLog) {
  for (auto name : {"partition.metadata", "log-state", "00000000000000000000.log", "sync-mark"}) {
    SCOPED_TRACE(name);
    MemoryFileSystem files;
    writeAndEnd(files, End::kKilled);
    auto path = kj::str(kFolder, "/", name);
    files.removeFile(path);
    files.createDirectory(path);
    auto engine = openEngine(files);
    EXPECT_EQ(engine->open(nativeLogId("others-0"), {})->bounds().end, Offset(10));
    auto failure = thrownBy([&] { EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(10)); });
    if (failure != "") EXPECT_NE(failure.find(name), std::string::npos) << failure;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Tables.

void put(StorageEngine& engine, kj::StringPtr key) {
  TableChange change{"offsets"_kj, key.asBytes(), ByteView("value"_kj.asBytes())};
  engine.commit(kj::arrayPtr(&change, 1));
}

TEST(NativeTablesMark, OlderTablesAreRefused) {
  for (int kind = 0; kind < 4; ++kind) {
    SCOPED_TRACE(kind);
    MemoryFileSystem files;
    kj::Array<kj::byte> older;
    {
      auto engine = openEngine(files);
      put(*engine, "a");
      older = fileOf(files, kJournal);
      put(*engine, "b");
    }
    files.crash({.kind = Loss::kNothing});
    if (kind == 0) putFile(files, kJournal, older);
    if (kind == 1) files.removeTree(kTables);
    if (kind == 2) putFile(files, kJournal, fileOf(files, kJournal).slice(0, older.size() + 5));
    if (kind == 3) {
      for (auto& entry : files.list(kTables))
        files.removeFile(kj::str(kTables, "/", entry.name));
    }
    auto failure = thrownBy([&] { openEngine(files); });
    EXPECT_NE(failure.find("commits that were durable"), std::string::npos) << failure;
    EXPECT_NE(failure.find("data/tables"), std::string::npos) << failure;
  }
}

// The mark that a commit renews is not synced. What an opening has accepted must not be held against a mark from
// before.
TEST(NativeTablesMark, AnOpeningMakesItDurable) {
  MemoryFileSystem files;
  {
    auto engine = openEngine(files);
    for (auto key : {"a"_kj, "b"_kj, "c"_kj})
      put(*engine, key);
  }
  files.crash({.kind = Loss::kNothing});
  auto end = [&] { return KJ_ASSERT_NONNULL(decodeSyncMark(fileOf(files, "data/tables.sync-mark"))).end; };
  openEngine(files);
  files.crash();
  EXPECT_EQ(end(), 3u);
  put(*openEngine(files), "d");
  files.crash();
  EXPECT_EQ(end(), 3u) << "a commit leaves it to the system when it is written";
  openEngine(files);
  files.crash();
  EXPECT_EQ(end(), 4u);
}

TEST(NativeTablesMark, ASnapshotKeepsWhatItSaysOfTheLastCommit) {
  MemoryFileSystem files;
  {
    auto engine = openEngine(files);
    auto value = kj::str(kj::repeat('v', 600 << 10));
    for (int i = 0; i < 2; ++i) {
      TableChange change{"offsets"_kj, "a"_kj.asBytes(), ByteView(value.asBytes())};
      engine->commit(kj::arrayPtr(&change, 1));
    }
  }
  ASSERT_TRUE(files.exists("data/tables/0000000000000002.snapshot"));
  auto mark = [&] { return KJ_ASSERT_NONNULL(decodeSyncMark(fileOf(files, "data/tables.sync-mark"))); };
  auto before = mark();
  files.crash({.kind = Loss::kNothing});
  openEngine(files);
  files.crash();
  EXPECT_EQ(mark().end, before.end);
  EXPECT_EQ(mark().state, before.state);
  EXPECT_NE(mark().state, 0u);
}

TEST(NativeTablesMark, WithoutItEverythingIsThere) {
  for (bool damaged : {false, true}) {
    MemoryFileSystem files;
    put(*openEngine(files), "a");
    files.crash({.kind = Loss::kNothing});
    kj::StringPtr path = "data/tables.sync-mark";
    if (damaged) files.flipBit(path, 100);
    if (!damaged) files.removeFile(path);
    kj::Vector<kj::String> lines;
    auto engine = openEngine(files, &lines);
    EXPECT_TRUE(engine->get("offsets", "a"_kj.asBytes()) != nullptr);
    EXPECT_EQ(contains(lines, "tables.sync-mark"), damaged);
  }
}

}  // namespace
}  // namespace cambium
