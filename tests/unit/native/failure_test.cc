// What a log leaves behind when a change fails half way, and when a sync job is out meanwhile.

#include <gtest/gtest.h>

#include "backends/native/log_state.h"
#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

using Fault = MemoryFileSystem::Fault;
constexpr kj::StringPtr kLog = "data/words-0/00000000000000000000.log"_kj;

TEST(NativeFailure, AFailedSyncOfABrokenLogIsRemembered) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  {
    auto log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
    syncNow(*log);
    appendBatch(*log, 10);
    auto job = KJ_ASSERT_NONNULL(log->startSync());
    files.flipBit(kLog, 100 * 8 + 7);
    EXPECT_NE(thrownBy([&] { log->read(Offset(10), Offset(20), Bytes(1000)); }), "");
    files.flipBit(kLog, 100 * 8 + 7);
    files.failAt(1, Fault::kIoError);
    auto reason = thrownBy([&] { job->run(); });
    EXPECT_NE(reason, "");
    EXPECT_EQ(thrownBy([&] { log->breakLog(kj::mv(job), reason.c_str()); }), "");
  }
  // The process starts anew; what the system's cache shows is not what the disk holds.
  engine = nullptr;
  engine = openEngine(files);
  EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(10));
}

TEST(NativeFailure, AFailedSyncWithinACutIsRemembered) {
  // The calls of a cut in turn; one that fails as a sync leaves a state that says so.
  bool lost = false;
  for (uint64_t n = 1;; ++n) {
    MemoryFileSystem files;
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {});
    appendBatch(*log, 10);
    syncNow(*log);
    appendBatch(*log, 10);
    appendBatch(*log, 10);
    files.failAt(n, Fault::kIoError);
    if (thrownBy([&] { log->truncateFrom(Offset(20)); }) == "") break;
    if (!files.exists("data/words-0/log-state")) continue;
    KJ_IF_MAYBE(state, decodeLogState(fileOf(files, "data/words-0/log-state"))) lost = lost || state->lost;
  }
  EXPECT_TRUE(lost);
}

// A full device refuses each call of a change in turn. The log goes on as before or is broken; opened again, at once or
// after a restart, it is the old log, the new one, or part of the way from one to the other.
void refuseEverywhere(kj::FunctionParam<void(PartitionLog&)> change, const char* before, const char* after,
                      Offset endAfter) {
  for (bool restart : {false, true}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(n);
      ASSERT_LT(n, 100u);
      MemoryFileSystem files;
      auto engine = openEngine(files);
      auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(250)});
      for (int i = 0; i < 6; ++i)
        appendBatch(*log, 10);
      syncNow(*log);
      files.failAt(n, Fault::kNoSpace);
      bool done = thrownBy([&] { change(*log); }) == "";
      files.failAt(0, Fault::kNoSpace);
      kj::Maybe<Bounds> bounds;
      kj::runCatchingExceptions([&] { bounds = log->bounds(); });
      KJ_IF_MAYBE(b, bounds) {
        EXPECT_EQ(contentsOf(*log), done ? after : before);
        EXPECT_EQ(b->end, done ? endAfter : Offset(60));
        if (!done) change(*log);
        EXPECT_EQ(contentsOf(*log), after);
      }
      log = nullptr;
      if (restart) {
        engine = nullptr;
        files.crash();
        engine = openEngine(files);
      }
      log = engine->open(nativeLogId(), {.segmentBytes = Bytes(250)});
      auto found = contentsOf(*log);
      // A cut gives up one segment after the other.
      bool between = std::string(before).starts_with(found) && found.size() >= std::string(after).size();
      EXPECT_TRUE(found == after || (bounds == nullptr && between)) << found;
      appendBatch(*log, 1);
      syncNow(*log);
      if (done) break;
    }
  }
}

constexpr const char* kAll = "[0..9] [10..19] [20..29] [30..39] [40..49] [50..59]";

TEST(NativeFailure, AResetOnAFullDeviceIsDoneOrUndoneOrFinishedLater) {
  refuseEverywhere([](PartitionLog& log) { log.resetTo(Offset(100)); }, kAll, "", Offset(100));
  refuseEverywhere([](PartitionLog& log) { log.resetTo(Offset(0)); }, kAll, "", Offset(0));
}

TEST(NativeFailure, ACutOnAFullDeviceNeverComesOutLongerOrShorter) {
  refuseEverywhere([](PartitionLog& log) { log.truncateFrom(Offset(10)); }, kAll, "[0..9]", Offset(10));
}

TEST(NativeFailure, ADropOnAFullDeviceIsAllOrNothing) {
  refuseEverywhere([](PartitionLog& log) { log.dropBefore(Offset(40)); }, kAll, "[40..49] [50..59]", Offset(60));
  refuseEverywhere([](PartitionLog& log) { log.dropBefore(Offset(60)); }, kAll, "", Offset(60));
}

TEST(NativeFailure, ACutSyncsWhatAJobThatIsOutHasNotSynced) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(250)});
  for (int i = 0; i < 6; ++i)
    appendBatch(*log, 10);
  auto job = KJ_ASSERT_NONNULL(log->startSync());
  log->truncateFrom(Offset(50));
  EXPECT_EQ(log->bounds().durable, Offset(50));
  files.crash();
  log = nullptr;
  engine = nullptr;
  engine = openEngine(files);
  EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(50));
}

TEST(NativeFailure, ADropSyncsWhatAJobThatIsOutHasNotSynced) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(250)});
  for (int i = 0; i < 6; ++i)
    appendBatch(*log, 10);
  auto job = KJ_ASSERT_NONNULL(log->startSync());
  log->dropBefore(Offset(30));
  EXPECT_EQ(log->bounds().durable, Offset(60));
  files.crash();
  log = nullptr;
  engine = nullptr;
  engine = openEngine(files);
  EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(60));
}

TEST(NativeFailure, AStateNeedsTheFolderThatAJobWasGoingToSync) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = engine->open(nativeLogId(), {});
  appendBatch(*log, 10);
  auto job = KJ_ASSERT_NONNULL(log->startSync());
  log->resetTo(Offset(7));
  files.crash();
  log = nullptr;
  engine = nullptr;
  engine = openEngine(files);
  ASSERT_EQ(engine->list().size(), 1u);
  EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().start, Offset(7));
}

TEST(NativeFailure, ALogThatCouldNotBeOpenedAtFirstIsStillToBeSynced) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = engine->open(nativeLogId(), {});
  appendBatch(*log, 10);
  log = nullptr;
  // Nothing of it is durable yet. A stray byte asks for a recovery, which fails as it cuts.
  files.open(kLog, FileSystem::Mode::kWrite)->write(100, "x"_kj.asBytes());
  files.failAt(1, Fault::kIoError);
  EXPECT_NE(thrownBy([&] { engine->open(nativeLogId(), {}); }), "");
  log = engine->open(nativeLogId(), {});
  EXPECT_EQ(log->bounds().durable, Offset(10));
  appendBatch(*log, 10);
  syncNow(*log);
  files.crash();
  log = nullptr;
  engine = nullptr;
  engine = openEngine(files);
  ASSERT_EQ(engine->list().size(), 1u);
  EXPECT_EQ(engine->open(nativeLogId(), {})->bounds().end, Offset(20));
}

}  // namespace
}  // namespace cambium
