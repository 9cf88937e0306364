// What is found after an unclean stop, exhaustively on small logs.

#include <gtest/gtest.h>

#include "backends/native/log_checkpoint.h"
#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

using Fault = MemoryFileSystem::Fault;
constexpr kj::StringPtr kLog = "data/words-0/00000000000000000000.log"_kj;

// Three batches of 100 bytes and 10 records. The first one is synced, and a state vouches for it, or nothing is.
void makeThreeBatches(MemoryFileSystem& files, bool firstIsVouchedFor) {
  auto engine = openEngine(files);
  auto log = engine->open(nativeLogId(), {.indexIntervalBytes = Bytes(50)});
  appendBatch(*log, 10);
  if (firstIsVouchedFor) {
    syncNow(*log);
    // Writes the state.
    appendBatch(*log, 10);
    log->truncateFrom(Offset(10));
    log->dropBefore(Offset(1));
  }
  appendBatch(*log, 10);
  appendBatch(*log, 10);
}

// A power loss that came late enough to take nothing by itself: what a test changes afterwards is what it took.
constexpr MemoryFileSystem::Loss kWrittenBack{.kind = MemoryFileSystem::Loss::Kind::kWrittenBack};

TEST(NativeRecovery, ATornTailIsCutAtEveryByte) {
  for (size_t size = 0; size <= 300; ++size) {
    SCOPED_TRACE(size);
    MemoryFileSystem files;
    makeThreeBatches(files, false);
    files.crash(kWrittenBack);
    files.open(kLog, FileSystem::Mode::kWrite)->truncate(size);
    kj::Vector<kj::String> lines;
    auto engine = openEngine(files, &lines);
    auto log = engine->open(nativeLogId(), {});
    ASSERT_EQ(log->bounds().end, Offset(static_cast<int64_t>(size / 100 * 10)));
    EXPECT_EQ(log->bounds().durable, log->bounds().end);
    EXPECT_EQ(contains(lines, kj::str("cut ", size % 100, " bytes from position ", size / 100 * 100).cStr()),
              size % 100 != 0);
    EXPECT_EQ(files.open(kLog, FileSystem::Mode::kRead)->size(), size / 100 * 100);
    appendBatch(*log, 5);
    EXPECT_EQ(log->bounds().end, Offset(static_cast<int64_t>(size / 100 * 10 + 5)));
  }
}

TEST(NativeRecovery, AFlippedBitCutsThereAndInventsNothing) {
  for (uint64_t bit = 0; bit < 300 * 8; bit += 5) {
    SCOPED_TRACE(bit);
    MemoryFileSystem files;
    makeThreeBatches(files, false);
    files.crash(kWrittenBack);
    files.flipBit(kLog, bit);
    // The leader epoch lies outside of the checksum: nobody can tell.
    uint64_t inBatch = bit / 8 % 100;
    if (inBatch >= 12 && inBatch < 16) continue;
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {});
    uint64_t whole = bit / 800;
    ASSERT_EQ(log->bounds().end, Offset(static_cast<int64_t>(whole * 10)));
    EXPECT_EQ(contentsOf(*log), std::string("[0..9] [10..19] [20..29]")
                                    .substr(0, whole == 0   ? 0
                                               : whole == 1 ? 6
                                                            : 15));
  }
}

TEST(NativeRecovery, SoundBatchesBehindDamageAreSetAside) {
  for (bool vouchedFor : {false, true}) {
    for (uint64_t bit = 100 * 8; bit < 200 * 8; bit += 3) {
      if (bit / 8 >= 112 && bit / 8 < 116) continue;
      SCOPED_TRACE(bit);
      MemoryFileSystem files;
      makeThreeBatches(files, vouchedFor);
      files.crash(kWrittenBack);
      files.flipBit(kLog, bit);
      auto damaged = fileOf(files, kLog);
      kj::Vector<kj::String> lines;
      auto engine = openEngine(files, &lines);
      ASSERT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(10));
      EXPECT_TRUE(contains(lines, "00000000000000000000.log.cut-100"));
      EXPECT_TRUE(fileOf(files, kj::str(kLog, ".cut-100")) == damaged.slice(100, 300));
      EXPECT_EQ(files.open(kLog, FileSystem::Mode::kRead)->size(), 100u);
    }
  }
}

// A kill leaves an empty segment whose name is not durable: what is synced into it must not be lost with the name.
TEST(NativeRecovery, MakesTheNameOfAnEmptySegmentDurable) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  {
    auto log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
    syncNow(*log);
    log->closeExtent();
  }
  engine = nullptr;
  engine = openEngine(files);
  {
    auto log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
    syncNow(*log);
  }
  engine = nullptr;
  files.crash();
  engine = openEngine(files);
  EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(20));
}

// A sync fails, of any file, and the process is killed: the next one must not take for durable what is in the system's
// cache, such as the log's metadata.
TEST(NativeRecovery, WhatIsSyncedAfterAFailureAndAKillOutlivesAPowerLoss) {
  bool failed = true;
  for (uint64_t n = 1; failed; ++n) {
    SCOPED_TRACE(n);
    MemoryFileSystem files;
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
    files.failAt(n, Fault::kIoError);
    auto job = KJ_ASSERT_NONNULL(log->startSync());
    bool refused = thrownBy([&] { job->run(); }) != "";
    failed = files.failedAt() != "";
    if (refused) log->breakLog(kj::mv(job), "a test");
    log = nullptr;
    engine = nullptr;
    files.crash({.kind = MemoryFileSystem::Loss::Kind::kNothing});
    engine = openEngine(files);
    log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
    syncNow(*log);
    auto end = log->bounds().end;
    log = nullptr;
    engine = nullptr;
    files.crash();
    engine = openEngine(files);
    EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, end);
  }
}

// Power fails at each call while records are deleted, or the process dies there; the next one tells the client that
// they are deleted, and so they stay.
TEST(NativeRecovery, ADeletionThatIsToldAfterAKillOutlivesAPowerLoss) {
  bool off = true;
  int deleted = 0;
  for (uint64_t n = 1; off; ++n) {
    SCOPED_TRACE(n);
    MemoryFileSystem files;
    makeThreeBatches(files, false);
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {});
    files.failAt(n, Fault::kPowerOff);
    kj::runCatchingExceptions([&] { log->dropBefore(Offset(15)); });
    off = files.isOff();
    log = nullptr;
    engine = nullptr;
    files.crash({.kind = MemoryFileSystem::Loss::Kind::kNothing});
    engine = openEngine(files);
    auto start = engine->open(nativeLogId(), {})->bounds().start;
    engine = nullptr;
    deleted += off && start == Offset(15);
    files.crash();
    engine = openEngine(files);
    EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().start, start);
  }
  EXPECT_GT(deleted, 0) << "no call came between the deletion and its sync: this shows nothing";
}

TEST(NativeRecovery, ATornTailBehindAStateLeavesNoCopy) {
  for (size_t size = 101; size < 200; ++size) {
    SCOPED_TRACE(size);
    MemoryFileSystem files;
    makeThreeBatches(files, true);
    files.crash(kWrittenBack);
    auto file = files.open(kLog, FileSystem::Mode::kWrite);
    file->truncate(size);
    // As a file system leaves it that made room and did not get to write it.
    file->truncate(4096);
    kj::Vector<kj::String> lines;
    auto engine = openEngine(files, &lines);
    ASSERT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(10));
    EXPECT_TRUE(contains(lines, "cut 3996 bytes from position 100"));
    EXPECT_FALSE(files.exists(kj::str(kLog, ".cut-100")));
  }
}

TEST(NativeRecovery, SegmentsBehindDamageAreSetAside) {
  for (bool sound : {false, true}) {
    MemoryFileSystem files;
    makeThreeBatches(files, true);
    files.crash(kWrittenBack);
    files.flipBit(kLog, 150 * 8);
    kj::StringPtr next = "data/words-0/00000000000000000030.log";
    auto batch = makeBatch(Offset(30), 10, TimestampMs(1), 39, 1);
    putFile(files, next, batch.slice(0, sound ? batch.size() : batch.size() - 1));
    files.syncDirectory("data/words-0");
    auto engine = openEngine(files);
    ASSERT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(10));
    EXPECT_FALSE(files.exists(next));
    EXPECT_EQ(files.exists(kj::str(next, ".cut")), sound);
  }
}

TEST(NativeRecovery, DamageBeforeTheDurablePointIsNeverCut) {
  for (uint64_t bit = 0; bit < 100 * 8; bit += 7) {
    if (bit / 8 >= 12 && bit / 8 < 16) continue;
    SCOPED_TRACE(bit);
    MemoryFileSystem files;
    makeThreeBatches(files, true);
    files.crash(kWrittenBack);
    files.flipBit(kLog, bit);
    auto failure = thrownBy([&] {
      auto engine = openEngine(files);
      auto log = engine->open(nativeLogId(), {});
      EXPECT_EQ(log->bounds().end, Offset(30));
      log->read(Offset(1), Offset(30), Bytes(1000));
    });
    EXPECT_NE(failure.find("00000000000000000000.log"), std::string::npos) << failure;
    EXPECT_NE(failure.find("position = "), std::string::npos) << failure;
    EXPECT_EQ(files.open(kLog, FileSystem::Mode::kRead)->size(), 300u);
  }
}

TEST(NativeRecovery, AFileShorterThanTheStateIsRefused) {
  for (size_t size = 0; size < 100; size += 9) {
    MemoryFileSystem files;
    makeThreeBatches(files, true);
    files.crash(kWrittenBack);
    files.open(kLog, FileSystem::Mode::kWrite)->truncate(size);
    auto engine = openEngine(files);
    auto failure = thrownBy([&] { engine->open(nativeLogId(), {}); });
    EXPECT_NE(failure.find("not the size that was durable"), std::string::npos) << failure;
    EXPECT_EQ(files.open(kLog, FileSystem::Mode::kRead)->size(), size);
  }
}

TEST(NativeRecovery, AMissingSegmentIsRefused) {
  MemoryFileSystem files;
  {
    auto engine = openEngine(files);
    {
      auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(100)});
      for (int i = 0; i < 4; ++i)
        appendBatch(*log, 1);
    }
    engine->close();
  }
  files.removeFile("data/words-0/00000000000000000001.log");
  auto engine = openEngine(files);
  auto failure = thrownBy([&] { engine->open(nativeLogId(), {}); });
  EXPECT_NE(failure.find("00000000000000000001.log"), std::string::npos) << failure;
  EXPECT_TRUE(files.exists("data/words-0/00000000000000000003.log"));
}

TEST(NativeRecovery, MissingAndDamagedIndexesAreRebuilt) {
  for (auto kind : {"missing", "short", "nonsense"}) {
    MemoryFileSystem files;
    auto write = [&](kj::FunctionParam<void(StorageEngine&)> use) {
      auto engine = openEngine(files);
      use(*engine);
      engine->close();
    };
    write([](StorageEngine& engine) {
      auto log = engine.open(nativeLogId(), {.segmentBytes = Bytes(1000), .indexIntervalBytes = Bytes(150)});
      for (int i = 0; i < 15; ++i)
        appendBatch(*log, 2, 1000 + i);
    });
    kj::StringPtr path = "data/words-0/00000000000000000000.index";
    auto before = fileOf(files, path);
    if (kind == kj::StringPtr("missing")) files.removeFile(path);
    if (kind == kj::StringPtr("short")) files.open(path, FileSystem::Mode::kWrite)->truncate(8);
    if (kind == kj::StringPtr("nonsense")) files.flipBit(path, 7);
    kj::Vector<kj::String> lines;
    auto engine = openEngine(files, &lines);
    auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(1000), .indexIntervalBytes = Bytes(150)});
    EXPECT_EQ(describeBatches(log->read(Offset(11), Offset(12), Bytes(1))), "[10..11]");
    EXPECT_EQ(KJ_ASSERT_NONNULL(log->seekTime(TimestampMs(1004))).baseOffset, Offset(8));
    EXPECT_TRUE(contains(lines, "rebuilding")) << kind;
    EXPECT_TRUE(fileOf(files, path) == before.asPtr()) << kind;
  }
}

TEST(NativeRecovery, ADamagedCheckpointIsReportedAndNothingIsLost) {
  for (int kind = 0; kind < 3; ++kind) {
    MemoryFileSystem files;
    {
      auto engine = openEngine(files);
      {
        auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(300)});
        for (int i = 0; i < 8; ++i)
          appendBatch(*log, 1);
        log->dropBefore(Offset(1));
      }
      engine->close();
    }
    if (kind == 0) files.removeFile("data/recovery-checkpoint");
    if (kind >= 1) files.flipBit("data/recovery-checkpoint", 133);
    if (kind == 2) files.flipBit("data/words-0/log-state", 133);
    kj::Vector<kj::String> lines;
    auto engine = openEngine(files, &lines);
    auto log = engine->open(nativeLogId(), {});
    EXPECT_EQ(log->bounds().end, Offset(8));
    EXPECT_EQ(log->bounds().start, Offset(kind == 2 ? 0 : 1))
        << "without any state the segments alone say where it starts";
    EXPECT_TRUE(contains(lines, kind == 0 ? "recovery-checkpoint is missing" : "recovery-checkpoint is damaged"));
    EXPECT_EQ(contains(lines, "log-state is damaged"), kind == 2);
    appendBatch(*log, 1);
  }
}

TEST(NativeRecovery, ADropThatIsInterruptedAnywhereIsAllOrNothing) {
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    MemoryFileSystem files;
    auto engine = openEngine(files);
    {
      auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(100)});
      for (int i = 0; i < 3; ++i)
        appendBatch(*log, 1);
      syncNow(*log);
    }
    files.failAt(n, Fault::kPowerOff);
    bool done = thrownBy([&] { engine->drop(nativeLogId()); }) == "";
    engine = nullptr;
    files.crash();
    engine = openEngine(files);
    if (engine->list().size() == 0) {
      for (auto& entry : files.list("data"))
        EXPECT_FALSE(entry.name.startsWith("words")) << entry.name.cStr();
      EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(0));
    } else {
      EXPECT_FALSE(done) << "it came back";
      EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(3));
    }
    if (done) return;
  }
}

// Appends, rolls, syncs, cuts; power fails at every call in turn; what was durable is there, and nothing that was cut.
TEST(NativeRecovery, PowerMayFailAtEveryCall) {
  for (bool partly : {false, true}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(n);
      MemoryFileSystem files;
      int64_t durable = 0;
      int64_t start = 0;
      int64_t startAtMost = 0;
      int64_t endAtLeast = 0;
      files.failAt(n, Fault::kPowerOff);
      bool done = thrownBy([&] {
                    auto engine = openEngine(files);
                    auto log =
                        engine->open(nativeLogId(), {.segmentBytes = Bytes(250), .indexIntervalBytes = Bytes(90)});
                    for (int i = 0; i < 6; ++i)
                      appendBatch(*log, 10);
                    syncNow(*log);
                    endAtLeast = durable = 60;
                    startAtMost = 25;
                    log->dropBefore(Offset(25));
                    start = 25;
                    endAtLeast = 30;
                    log->truncateFrom(Offset(30));
                    durable = 30;
                    for (int i = 0; i < 4; ++i)
                      appendBatch(*log, 5);
                    syncNow(*log);
                    endAtLeast = durable = 50;
                    startAtMost = 50;
                    log->dropBefore(Offset(50));
                    start = 50;
                  }) == "";
      if (partly) {
        files.crashPartly(n);
      } else {
        files.crash();
      }
      auto engine = openEngine(files);
      auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(250)});
      auto bounds = log->bounds();
      EXPECT_GE(bounds.start.value(), start);
      EXPECT_LE(bounds.start.value(), startAtMost);
      EXPECT_GE(bounds.end.value(), endAtLeast);
      EXPECT_EQ(bounds.durable, bounds.end);
      contentsOf(*log);
      appendBatch(*log, 1);
      syncNow(*log);
      if (done) break;
      ASSERT_LT(n, 500u);
    }
  }
}

TEST(NativeRecovery, AFailedSyncBreaksTheLogAndLosesWhatWasNotDurable) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  {
    auto log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
    syncNow(*log);
    appendBatch(*log, 10);
    files.failAt(1, Fault::kIoError);
    EXPECT_NE(thrownBy([&] { syncNow(*log); }).find("Input/output error"), std::string::npos);
    EXPECT_NE(thrownBy([&] { log->read(Offset(0), Offset(10), Bytes(1)); }).find("Input/output error"),
              std::string::npos);
  }
  kj::Vector<kj::String> lines;
  engine = nullptr;
  engine = openEngine(files, &lines);
  auto log = engine->open(nativeLogId(), {});
  EXPECT_EQ(log->bounds().end, Offset(10)) << "the system may show what never reached the disk";
  EXPECT_TRUE(contains(lines, "a sync had failed there"));
}

TEST(NativeRecovery, AFullDeviceUndoesTheAppendAndTheLogGoesOn) {
  for (uint64_t n = 1; n <= 8; ++n) {
    SCOPED_TRACE(n);
    MemoryFileSystem files;
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(250)});
    appendBatch(*log, 1);
    kj::Vector<kj::byte> batches;
    for (int i = 1; i < 8; ++i)
      batches.addAll(makeBatch(Offset(i), 1, TimestampMs(1), 39, 1));
    files.failAt(n, Fault::kNoSpace);
    bool refused = thrownBy([&] { log->append(batches); }) != "";
    files.failAt(0, Fault::kNoSpace);
    EXPECT_EQ(log->bounds().end, Offset(refused ? 1 : 8));
    if (refused) log->append(batches);
    EXPECT_EQ(contentsOf(*log), "[0..0] [1..1] [2..2] [3..3] [4..4] [5..5] [6..6] [7..7]");
    log = nullptr;
    engine->close();
    engine = nullptr;
    engine = openEngine(files);
    EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(8));
  }
}

// The state says what must not be done a second time, to what would be appended meanwhile: without room for one that
// does not say so, the log is not opened.
TEST(NativeRecovery, AFullDeviceDoesNotOpenALogWhoseStateMustBeReplaced) {
  for (bool damaged : {false, true}) {
    SCOPED_TRACE(damaged);
    MemoryFileSystem files;
    constexpr kj::StringPtr kState = "data/words-0/log-state"_kj;
    constexpr kj::StringPtr kAside = "data/words-0/log-state.damaged"_kj;
    if (damaged) {
      makeThreeBatches(files, true);
      files.crash(kWrittenBack);
      files.flipBit(kState, 300);
    } else {
      auto engine = openEngine(files);
      auto log = engine->open(nativeLogId(), {});
      appendBatch(*log, 10);
      syncNow(*log);
      appendBatch(*log, 10);
      files.failAt(1, Fault::kIoError);
      EXPECT_NE(thrownBy([&] { syncNow(*log); }), "");
    }
    auto before = fileOf(files, kState);
    files.setFull(true);
    {
      auto engine = openEngine(files);
      KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { engine->open(nativeLogId(), {}); })) {
        EXPECT_EQ(exception->getType(), kj::Exception::Type::OVERLOADED) << exception->getDescription().cStr();
      } else {
        ADD_FAILURE() << "opened, and the state stays as it was";
      }
      EXPECT_EQ(fileOf(files, kState), before);
      EXPECT_FALSE(files.exists(kAside));
      // The same engine, with room again.
      files.setFull(false);
      auto log = engine->open(nativeLogId(), {});
      EXPECT_EQ(log->bounds().end, Offset(damaged ? 30 : 10));
      EXPECT_EQ(files.exists(kAside), damaged);
      appendBatch(*log, 5);
      syncNow(*log);
    }
    files.crash();
    auto engine = openEngine(files);
    EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(damaged ? 35 : 15));
  }
}

}  // namespace
}  // namespace cambium
