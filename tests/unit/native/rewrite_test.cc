// A rewrite that is interrupted, at every call: either the old or the new segments are there, whole.

#include <gtest/gtest.h>

#include "backends/native/disk_file_system.h"
#include "backends/native/log_state.h"
#include "backends/native/offset_index.h"
#include "backends/native/time_index.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

using Fault = MemoryFileSystem::Fault;
constexpr kj::StringPtr kFolder = "data/words-0"_kj;
const LogOptions kOptions{.segmentBytes = Bytes(250), .indexIntervalBytes = Bytes(90)};
constexpr const char* kOld = "[0..9] [10..19] [20..29] [30..39] [40..49] [50..59] [60..69] [70..79] [80..89] [90..99]";
constexpr const char* kNew = "[0..9] [10..19] [20..29] [30..49] [50..59] [60..69] [70..79] [80..89] [90..99]";

// Ten batches in five segments, all durable.
kj::Own<PartitionLog> openFilled(StorageEngine& engine) {
  auto log = engine.open(nativeLogId(), kOptions);
  for (int i = 0; i < 10; ++i)
    appendBatch(*log, 10, 1000 + i);
  syncNow(*log);
  return log;
}

// Rewrites segments two and three, which become one: [20..29], and an empty batch for [30..49] and [50..59] as before.
kj::Array<kj::byte> rewritten(ExtentRewrite& rewrite) {
  auto old = rewrite.read(Bytes(1000));
  kj::Vector<kj::byte> batches;
  batches.addAll(old.slice(0, 100));
  batches.addAll(makeEmptyBatch(Offset(30), 20));
  batches.addAll(old.slice(300, 400));
  return batches.releaseAsArray();
}

bool rewriteMiddle(PartitionLog& log) {
  auto rewrite = log.startRewrite(Offset(20), Offset(60));
  rewrite->write(rewritten(*rewrite));
  rewrite->finish();
  return log.finishRewrite(kj::mv(rewrite));
}

std::string filesOf(FileSystem& files) {
  std::string names;
  for (auto& entry : files.list(kFolder)) {
    if (entry.name[0] == '0') names += std::string(entry.name.cStr()).substr(17) + " ";
  }
  return names;
}

// Opens the log, and looks at everything.
void expectOldOrNew(StorageEngine& engine, FileSystem& files, bool mustBeNew = false) {
  auto log = engine.open(nativeLogId(), kOptions);
  auto found = contentsOf(*log);
  EXPECT_TRUE(found == kNew || (!mustBeNew && found == kOld)) << found;
  bool isNew = found == kNew;
  EXPECT_EQ(log->extents().size(), isNew ? 4u : 5u);
  auto names = filesOf(files);
  EXPECT_EQ(names.find("swap"), std::string::npos) << names;
  EXPECT_EQ(names.find("cleaned"), std::string::npos) << names;
  EXPECT_EQ(names.find("040.log") == std::string::npos, isNew) << names;
  for (int64_t offset = 0; offset < 100; offset += 3)
    EXPECT_GT(log->read(Offset(offset), Offset(100), Bytes(1)).size(), 0u);
  for (int64_t batch = 0; batch < 10; ++batch) {
    bool isGone = isNew && (batch == 3 || batch == 4);
    auto hit = KJ_ASSERT_NONNULL(log->seekTime(TimestampMs(1000 + batch)));
    EXPECT_EQ(hit.baseOffset, Offset(isGone ? 50 : batch * 10)) << batch;
  }
  appendBatch(*log, 10, 2000);
  EXPECT_EQ(log->bounds().end, Offset(110));
  log->truncateFrom(Offset(100));
  log = nullptr;
}

TEST(NativeRewrite, LeavesOneSegmentWithItsIndexes) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = openFilled(*engine);
  EXPECT_EQ(filesOf(files),
            "000.index 000.log 000.timeindex 020.index 020.log 020.timeindex 040.index 040.log 040.timeindex "
            "060.index 060.log 060.timeindex 080.index 080.log 080.timeindex ");
  EXPECT_TRUE(rewriteMiddle(*log));
  EXPECT_EQ(contentsOf(*log), kNew);
  EXPECT_EQ(filesOf(files),
            "000.index 000.log 000.timeindex 020.index 020.log 020.timeindex 060.index 060.log 060.timeindex "
            "080.index 080.log 080.timeindex ");
  auto segment = fileOf(files, "data/words-0/00000000000000000020.log");
  EXPECT_EQ(segment.size(), 261u);
  auto offsets =
      KJ_ASSERT_NONNULL(OffsetIndex::parse(fileOf(files, "data/words-0/00000000000000000020.index"), segment.size()));
  ASSERT_EQ(offsets.size(), 1u);
  EXPECT_EQ(offsets.entries()[0], (OffsetIndexEntry{29, 100}));
  auto times = KJ_ASSERT_NONNULL(TimeIndex::parse(fileOf(files, "data/words-0/00000000000000000020.timeindex")));
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times.entries()[0], (TimeEntry{TimestampMs(1002), 9}));
  EXPECT_EQ(times.entries()[1], (TimeEntry{TimestampMs(1005), 39}));
}

// How a store is left by what happened to it, and opened again.
enum class After { kPowerOff, kPartlyOff, kKill, kReopenLog };

// Lets the n-th call of a rewrite fail, for every n.
void failEverywhere(Fault fault, After after) {
  bool sawOld = false;
  bool sawNew = false;
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    ASSERT_LT(n, 100u);
    MemoryFileSystem files;
    auto engine = openEngine(files);
    auto log = openFilled(*engine);
    files.failAt(n, fault);
    bool done = false;
    bool failed = thrownBy([&] { done = rewriteMiddle(*log); }) != "";
    EXPECT_NE(done, failed);
    if (fault != Fault::kPowerOff) files.failAt(0, fault);
    if (failed && fault == Fault::kNoSpace) {
      // Refused before anything was changed, or broken.
      kj::runCatchingExceptions([&] {
        log->bounds();
        EXPECT_EQ(contentsOf(*log), kOld);
        EXPECT_TRUE(rewriteMiddle(*log));
        done = true;
      });
    }
    log = nullptr;
    if (after != After::kReopenLog) {
      engine = nullptr;
      if (after == After::kPowerOff) files.crash();
      if (after == After::kPartlyOff) files.crashPartly(n);
      engine = openEngine(files);
    }
    auto contents = contentsOf(*engine->open(nativeLogId(), kOptions));
    (contents == kNew ? sawNew : sawOld) = true;
    expectOldOrNew(*engine, files, done);
    engine->close();
    engine = nullptr;
    engine = openEngine(files);
    expectOldOrNew(*engine, files, done);
    if (!failed) break;
  }
  EXPECT_TRUE(sawNew);
  EXPECT_TRUE(sawOld);
}

TEST(NativeRewrite, PowerOffAtEveryCall) {
  failEverywhere(Fault::kPowerOff, After::kPowerOff);
  failEverywhere(Fault::kPowerOff, After::kPartlyOff);
}

TEST(NativeRewrite, AnErrorAtEveryCall) {
  for (auto fault : {Fault::kIoError, Fault::kTornWrite, Fault::kNoSpace}) {
    for (auto after : {After::kPowerOff, After::kPartlyOff, After::kKill, After::kReopenLog})
      failEverywhere(fault, after);
  }
}

// Power fails in the middle of a rewrite, and again at every call of the recovery from that.
TEST(NativeRewrite, PowerOffAtEveryCallOfTheRecovery) {
  for (uint64_t first = 1;; ++first) {
    bool failed = true;
    for (uint64_t second = 1;; ++second) {
      SCOPED_TRACE(kj::str(first, ", ", second).cStr());
      ASSERT_LT(second, 100u);
      MemoryFileSystem files;
      {
        auto engine = openEngine(files);
        auto log = openFilled(*engine);
        files.failAt(first, Fault::kPowerOff);
        failed = thrownBy([&] { rewriteMiddle(*log); }) != "";
      }
      files.crash();
      files.failAt(second, Fault::kPowerOff);
      bool again = thrownBy([&] { openEngine(files)->open(nativeLogId(), kOptions)->bounds(); }) != "";
      second % 2 == 0 ? files.crash() : files.crashPartly(first * 100 + second);
      auto engine = openEngine(files);
      expectOldOrNew(*engine, files, !failed);
      if (!again) break;
    }
    if (!failed) break;
  }
}

// The disk as it is when power failed right after the new segment was announced; `spoil` damages it further.
void withAnnounced(kj::FunctionParam<void(MemoryFileSystem& files)> check) {
  for (uint64_t n = 1;; ++n) {
    ASSERT_LT(n, 100u);
    MemoryFileSystem files;
    {
      auto engine = openEngine(files);
      auto log = openFilled(*engine);
      files.failAt(n, Fault::kPowerOff);
      ASSERT_NE(thrownBy([&] { rewriteMiddle(*log); }), "") << "never announced";
    }
    files.crash();
    if (filesOf(files).find("020.log.swap") == std::string::npos) continue;
    check(files);
    return;
  }
}

TEST(NativeRewrite, ADamagedNewSegmentIsNotBelieved) {
  for (uint64_t byte = 0; byte < 261; byte += 13) {
    // Base offset and leader epoch of a batch lie outside of its checksum; the base offset is checked all the same.
    withAnnounced([&](MemoryFileSystem& files) {
      bool isEpoch = (byte % 100 >= 12 && byte % 100 < 16) || (byte >= 112 + 49 && byte < 161 + 16);
      if (isEpoch) return;
      files.flipBit("data/words-0/00000000000000000020.log.swap", byte * 8 + 3);
      auto before = filesOf(files);
      auto engine = openEngine(files);
      EXPECT_NE(thrownBy([&] { engine->open(nativeLogId(), kOptions); }), "") << byte;
      EXPECT_EQ(filesOf(files), before);
    });
  }
}

TEST(NativeRewrite, AHoleBehindTheNewSegmentIsRefused) {
  withAnnounced([](MemoryFileSystem& files) {
    files.removeFile("data/words-0/00000000000000000060.log");
    auto before = filesOf(files);
    auto engine = openEngine(files);
    EXPECT_NE(thrownBy([&] { engine->open(nativeLogId(), kOptions); }), "");
    EXPECT_EQ(filesOf(files), before);
  });
}

// Nothing is known of the log but its files.
TEST(NativeRewrite, IsFinishedWithoutAState) {
  for (bool damaged : {false, true}) {
    withAnnounced([&](MemoryFileSystem& files) {
      auto path = kj::str(kFolder, "/", kLogStateName);
      if (damaged) {
        putFile(files, path, "what?"_kj.asBytes());
      } else {
        files.removeFile(path);
      }
      auto engine = openEngine(files);
      expectOldOrNew(*engine, files, true);
    });
  }
}

TEST(NativeRewrite, RemovesWhatAKilledOneLeftAlsoAfterACleanStop) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = openFilled(*engine);
  log = nullptr;
  engine->close();
  engine = nullptr;
  putFile(files, "data/words-0/00000000000000000020.log.3.cleaned", "abc"_kj.asBytes());
  engine = openEngine(files);
  expectOldOrNew(*engine, files);
}

// The job was made when the old segments were there, and the state that it brings is older than the rewrite.
TEST(NativeRewrite, ASyncJobThatIsOutDoesNotBringTheOldSegmentsBack) {
  for (bool onRealDisk : {false, true}) {
    TemporaryFolder folder;
    DiskFileSystem disk(folder.path("disk"), 2);
    MemoryFileSystem memory;
    FileSystem& files = onRealDisk ? static_cast<FileSystem&>(disk) : memory;
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), kOptions);
    for (int i = 0; i < 6; ++i)
      appendBatch(*log, 10, 1000 + i);
    auto job = KJ_ASSERT_NONNULL(log->startSync());
    log->dropBefore(Offset(10));  // syncs all that the job was given
    log->closeExtent();
    auto rewrite = log->startRewrite(Offset(0), Offset(60));
    auto old = rewrite->read(Bytes(1000));
    rewrite->write(old.slice(0, 200));
    rewrite->write(makeEmptyBatch(Offset(20), 40));
    rewrite->finish();
    EXPECT_TRUE(log->finishRewrite(kj::mv(rewrite)));
    EXPECT_EQ(thrownBy([&] { job->run(); }), "");
    log->finishSync(kj::mv(job));
    EXPECT_EQ(contentsOf(*log), "[10..19] [20..59]");
    EXPECT_EQ(log->bounds().durable, Offset(60));
    log = nullptr;
    engine = nullptr;
    if (!onRealDisk) memory.crash();
    engine = openEngine(files);
    log = engine->open(nativeLogId(), kOptions);
    EXPECT_EQ(contentsOf(*log), "[10..19] [20..59]");
    appendBatch(*log, 10);
    EXPECT_EQ(contentsOf(*log), "[10..19] [20..59] [60..69]");
  }
}

TEST(NativeRewrite, FreesTheFilesOnARealDisk) {
  TemporaryFolder folder;
  DiskFileSystem files(folder.path("disk"), 4);
  auto engine = openEngine(files);
  auto log = openFilled(*engine);
  auto reader = log->startRewrite(Offset(20), Offset(60));
  EXPECT_GT(reader->read(Bytes(1)).size(), 0u);
  for (int64_t offset = 0; offset < 100; offset += 10)
    log->read(Offset(offset), Offset(100), Bytes(1));
  EXPECT_TRUE(rewriteMiddle(*log));
  EXPECT_EQ(contentsOf(*log), kNew);
  EXPECT_NE(thrownBy([&] { reader->read(Bytes(1)); }), "");
  reader = nullptr;
  log->dropBefore(Offset(100));
  EXPECT_EQ(filesOf(files), "100.log ");
}

}  // namespace
}  // namespace cambium
