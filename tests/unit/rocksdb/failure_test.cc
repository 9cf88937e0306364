#include <latch>
#include <thread>

#include "tests/support/memory_file_system.h"
#include "tests/support/rocks_files.h"
#include "tests/unit/rocksdb/rocks_fixture.h"

namespace cambium {
namespace {

using Failure = RocksTest;

TEST_F(Failure, OneSyncServesManyLogs) {
  open();
  kj::Vector<kj::Own<PartitionLog>> logs;
  kj::Vector<kj::Own<SyncJob>> jobs;
  for (int i = 0; i < 20; ++i) {
    logs.add(log(kj::str("words-", i)));
    add(*logs.back(), 2);
  }
  uint64_t before = faults_.walSyncs();
  for (auto& each : logs)
    jobs.add(KJ_ASSERT_NONNULL(each->startSync()));
  std::vector<std::thread> threads;
  for (auto& job : jobs)
    threads.emplace_back([&job] { job->run(); });
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(faults_.walSyncs() - before, 1u);
  for (size_t i = 0; i < logs.size(); ++i) {
    logs[i]->finishSync(kj::mv(jobs[i]));
    EXPECT_EQ(logs[i]->bounds().durable.value(), 20);
  }
  logs.clear();
  kill();
  faults_.crash();
  open();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(log(kj::str("words-", i))->bounds().end.value(), 20);
}

TEST_F(Failure, AFailedSyncBreaksEveryLogUntilTheStoreIsOpenedAgain) {
  open();
  {
    auto one = log("one");
    auto two = log("two");
    add(*one, 1);
    syncNow(*one);
    add(*one, 1);
    add(*two, 1);
    faults_.failSyncsAfter(0, ".log");
    EXPECT_NE(failureOf([&] { syncNow(*one); }), "");
    // The device recovers; what it lost meanwhile nobody knows.
    faults_.stopFailing();
    EXPECT_NE(failureOf([&] { one->bounds(); }), "");
    EXPECT_NE(failureOf([&] { syncNow(*two); }), "");
    EXPECT_NE(failureOf([&] { add(*two, 1); }), "");
    EXPECT_NE(failureOf([&] { two->read(Offset(0), Offset(0), kNoLimit); }), "");
    TableChange change{"t", "k"_kj.asBytes(), "v"_kj.asBytes()};
    EXPECT_NE(failureOf([&] { engine_->commit(kj::arrayPtr(&change, 1)); }), "");
    EXPECT_NE(failureOf([&] { engine_->get("t", "k"_kj.asBytes()); }), "");
  }
  kill();
  faults_.crash();
  open();
  EXPECT_EQ(log("one")->bounds().end.value(), 10);
  EXPECT_EQ(log("two")->bounds().end.value(), 0);
}

// Every sync of a small history fails in turn, from the making of the store on. Whatever was answered as durable is
// there afterwards. Each store is a new one, so that no compaction runs: Debian's library stops the process, by an
// assertion of its own, when the sync of a compaction's first file fails.
TEST_F(Failure, EachSyncInTurn) {
  options_.memtableBytes = kibibytes(64);
  options_.bucketBytes = kibibytes(64);
  bool anyFailed = true;
  for (uint64_t count = 0; anyFailed; ++count) {
    ASSERT_LT(count, 500u);
    path_ = folder_.path(kj::str("store-", count));
    int64_t durable = 0;
    bool committed = false;
    faults_.failSyncsAfter(count);
    anyFailed = failureOf([&] {
                  open();
                  auto words = log("words");
                  for (int round = 0; round < 2; ++round) {
                    add(*words, 50);
                    syncNow(*words);
                    durable = words->bounds().durable.value();
                    TableChange change{"t", "k"_kj.asBytes(), "v"_kj.asBytes()};
                    engine_->commit(kj::arrayPtr(&change, 1));
                    committed = true;
                  }
                  words = nullptr;
                  close();
                }) != "";
    engine_ = nullptr;
    faults_.stopFailing();
    faults_.crash();
    open();
    {
      auto words = log("words");
      EXPECT_GE(words->bounds().end.value(), durable) << count;
      expectWhole(*words);
      if (committed) {
        EXPECT_TRUE(engine_->get("t", "k"_kj.asBytes()) != nullptr) << count;
      }
    }
    close();
  }
}

TEST_F(Failure, AFullDeviceRefusesAppendsAndRecovers) {
  open();
  auto words = log("words");
  add(*words, 3);
  faults_.setFull(true);
  for (int i = 0; i < 3; ++i) {
    expectNoRoom(*words);
    EXPECT_EQ(words->bounds().end.value(), 30);
    expectWhole(*words);
  }
  EXPECT_NE(failureOf([&] { log("other"); }), "");
  faults_.setFull(false);
  add(*words, 3);
  syncNow(*words);
  expectWhole(*words);
  auto other = log("other");
  add(*other, 1);
  other = nullptr;
  words = nullptr;
  kill();
  faults_.crash();
  open();
  EXPECT_EQ(log("words")->bounds().end.value(), 60);
  expectWhole(*log("words"));
}

// The device has free bytes, and yet not for this write, and nothing is in memory: the library would go on with the log
// file that it can no longer use.
TEST_F(Failure, AWriteThatFindsNoRoomWhileNothingIsInMemoryIsTheOnlyOneThatFails) {
  MemoryFileSystem files;
  files.createDirectory("store");
  files.syncDirectory("");
  auto reopen = [&] { engine_ = rocks::openRocksEngineOn(rocksFilesOver(files, folder_.path()), path_, options_, {}); };
  reopen();
  add(*log("words"), 3);
  close();
  reopen();
  auto words = log("words");
  for (int i = 0; i < 3; ++i) {
    files.failAt(1, MemoryFileSystem::Fault::kNoSpace);
    expectNoRoom(*words);
    EXPECT_TRUE(files.failedAt().find(".log") != std::string::npos) << files.failedAt();
    add(*words, 1);
    syncNow(*words);
    expectWhole(*words);
  }
  words = nullptr;
  kill();
  files.crash();
  reopen();
  EXPECT_EQ(log("words")->bounds().end.value(), 60);
  kill();
}

// Room comes and goes: the log has been replaced by a new file when what memory holds finds no room again.
TEST_F(Failure, AFullDeviceThatFillsAgainWhileItIsLeftIsLeftLater) {
  open();
  auto words = log("words");
  add(*words, 3);
  faults_.setFull(true);
  EXPECT_NE(failureOf([&] { add(*words, 1); }), "");
  faults_.setFull(false);
  faults_.failSyncsAfter(0, ".sst", RocksFaults::SyncFailure::kNoSpace);
  for (int i = 0; i < 2; ++i) {
    expectNoRoom(*words);
  }
  faults_.stopFailing();
  add(*words, 3);
  syncNow(*words);
  EXPECT_EQ(words->bounds().end.value(), 60);
  expectWhole(*words);
}

// What was appended before the device was full is synced when there is room again: nothing is lost meanwhile.
TEST_F(Failure, ASyncThatTheFullDeviceMeetsIsDoneLater) {
  open();
  auto words = log("words");
  add(*words, 3);
  auto job = KJ_ASSERT_NONNULL(words->startSync());
  faults_.setFull(true);
  EXPECT_NE(failureOf([&] { add(*words, 1); }), "");
  for (int attempt = 0; attempt < 2; ++attempt) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { job->run(); })) {
      EXPECT_EQ(exception->getType(), kj::Exception::Type::OVERLOADED) << kj::str(*exception).cStr();
    } else {
      ADD_FAILURE() << "a log file to which a write has failed was synced";
    }
  }
  faults_.setFull(false);
  job->run();
  words->finishSync(kj::mv(job));
  EXPECT_EQ(words->bounds().durable.value(), 30);
  words = nullptr;
  kill();
  faults_.crash();
  open();
  EXPECT_EQ(log("words")->bounds().end.value(), 30);
  expectWhole(*log("words"));
}

// A batch that was written, but met the full device when it was synced, may be there after a crash: whoever brought it
// must not hear that nothing was changed.
TEST_F(Failure, ACommitWhoseSyncMeetsTheFullDeviceIsNotSaidToHaveChangedNothing) {
  open();
  TableChange before{"t", "k"_kj.asBytes(), "before"_kj.asBytes()};
  engine_->commit(kj::arrayPtr(&before, 1));
  faults_.failSyncsAfter(0, ".log", RocksFaults::SyncFailure::kNoSpace);
  TableChange change{"t", "k"_kj.asBytes(), "after"_kj.asBytes()};
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { engine_->commit(kj::arrayPtr(&change, 1)); })) {
    EXPECT_EQ(exception->getType(), kj::Exception::Type::FAILED) << kj::str(*exception).cStr();
  } else {
    ADD_FAILURE() << "a sync that failed was not told";
  }
  faults_.stopFailing();
  EXPECT_NE(failureOf([&] { engine_->get("t", "k"_kj.asBytes()); }), "") << "what is shown could still be lost";
  kill();
  // This crash keeps what was written and not synced.
  faults_.crash([](uint64_t unsynced) { return unsynced; });
  open();
  EXPECT_EQ(kj::heapString(KJ_ASSERT_NONNULL(engine_->get("t", "k"_kj.asBytes())).asChars()), "after");
}

// The library does not note that the manifest could not be written when that happens while a family is made or dropped.
// Resuming after another failure would then stop the process.
TEST_F(Failure, AFamilyThatFindsNoRoomIsMadeLater) {
  open();
  auto words = log("words");
  add(*words, 3);
  TableChange change{"t", "k"_kj.asBytes(), "v"_kj.asBytes()};
  for (int round = 0; round < 3; ++round) {
    // The device was looked at a moment ago and had room.
    faults_.setFull(true);
    auto table = kj::str("t", round);
    change.table = table;
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { engine_->commit(kj::arrayPtr(&change, 1)); })) {
      EXPECT_EQ(exception->getType(), kj::Exception::Type::OVERLOADED) << kj::str(*exception).cStr();
    } else {
      ADD_FAILURE() << "a table was made";
    }
    // Found by the library, as a flush in the background finds it.
    faults_.setFreeSpaceKnown(false);
    expectNoRoom(*words);
    faults_.setFreeSpaceKnown(true);
    faults_.setFull(false);
    add(*words, 1);
    engine_->commit(kj::arrayPtr(&change, 1));
  }
  syncNow(*words);
  words = nullptr;
  kill();
  faults_.crash();
  open();
  EXPECT_EQ(log("words")->bounds().end.value(), 60);
  EXPECT_TRUE(engine_->get("t2", "k"_kj.asBytes()) != nullptr);
}

// However far the store has got when its file system is mounted read-only, it can be closed, and the next run finds
// what was durable.
TEST_F(Failure, AReadOnlyFileSystemIsNoReasonToAbort) {
  enum class Last { kNothing, kAppend, kCommit, kSync, kFlush, kDrop };
  options_.memtableBytes = kibibytes(64);
  for (auto last : {Last::kNothing, Last::kAppend, Last::kCommit, Last::kSync, Last::kFlush, Last::kDrop}) {
    SCOPED_TRACE(static_cast<int>(last));
    path_ = folder_.path(kj::str("store-", static_cast<int>(last)));
    open();
    {
      auto words = log("words");
      add(*words, 20);
      syncNow(*words);
      add(*words, 1);
      faults_.setReadOnly(true);
      failureOf([&] {
        TableChange change{"t", "k"_kj.asBytes(), "v"_kj.asBytes()};
        if (last == Last::kAppend) add(*words, 1);
        if (last == Last::kCommit) engine_->commit(kj::arrayPtr(&change, 1));
        if (last == Last::kSync) syncNow(*words);
        if (last == Last::kFlush) add(*words, 100);
        if (last == Last::kDrop) words->dropBefore(Offset(100));
      });
    }
    failureOf([&] { engine_->close(); });
    kill();
    faults_.setReadOnly(false);
    faults_.crash();
    open();
    EXPECT_GE(log("words")->bounds().end.value(), 200);
    expectWhole(*log("words"));
    kill();
  }
}

TEST_F(Failure, ManyThreadsLeaveTheFullStateTogether) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10;
  open();
  {
    kj::Vector<kj::Own<PartitionLog>> logs;
    for (int i = 0; i < kThreads; ++i)
      logs.add(log(kj::str("words-", i)));
    for (int round = 0; round < kRounds; ++round) {
      faults_.setFull(true);
      EXPECT_NE(failureOf([&] { add(*logs[0], 1); }), "");
      faults_.setFull(false);
      std::latch start(kThreads);
      std::vector<std::thread> threads;
      std::vector<std::string> failures(kThreads);
      for (size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          start.arrive_and_wait();
          failures[i] = failureOf([&] { add(*logs[i], 1); });
        });
      }
      for (auto& thread : threads)
        thread.join();
      for (auto& failure : failures)
        EXPECT_EQ(failure, "") << round;
    }
    for (auto& each : logs) {
      EXPECT_EQ(each->bounds().end.value(), kRounds * 10);
      expectWhole(*each);
    }
  }
  close();
}

}  // namespace
}  // namespace cambium
