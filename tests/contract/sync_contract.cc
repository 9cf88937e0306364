// What is durable when, and what a failure leaves.

#include <kj/thread.h>

#include "tests/contract/log_contract.h"

namespace cambium {
namespace {

kj::Own<SyncJob> startedSync(WatchedLog& log) {
  return KJ_ASSERT_NONNULL(log->startSync(), "nothing is dirty");
}

TEST_P(LogContract, DurableMovesWhenTheSyncIsFinished) {
  auto& log = open("words-0");
  log.add(10);
  log.add(10);
  auto job = startedSync(log);
  EXPECT_EQ(job->end(), Offset(20));
  EXPECT_GT(job->bytes(), Bytes(0));
  EXPECT_EQ(log->bounds().durable, Offset(0));
  job->run();
  EXPECT_EQ(log->bounds().durable, Offset(0));
  log->finishSync(kj::mv(job));
  EXPECT_EQ(log->bounds().durable, Offset(20));
  EXPECT_TRUE(log->startSync() == nullptr);
}

TEST_P(LogContract, NothingDirtyNeedsNoSync) {
  auto& log = open("words-0");
  EXPECT_TRUE(log->startSync() == nullptr);
  log.add(1);
  syncNow(*log);
  EXPECT_TRUE(log->startSync() == nullptr);
  syncNow(*log);
  reopen();
  EXPECT_TRUE(log->startSync() == nullptr);
}

TEST_P(LogContract, WhatIsAppendedDuringASyncStaysDirty) {
  auto& log = open("words-0");
  log.add(10);
  auto job = startedSync(log);
  log.add(10);
  job->run();
  log.add(10);
  log->finishSync(kj::mv(job));
  EXPECT_EQ(log->bounds().durable, Offset(10));
  auto next = startedSync(log);
  EXPECT_EQ(next->end(), Offset(30));
  next->run();
  log->finishSync(kj::mv(next));
  EXPECT_EQ(log->bounds().durable, Offset(30));
}

TEST_P(LogContract, SyncsReachOverExtents) {
  auto& log = open("words-0", {.segmentBytes = Bytes(300)});
  for (int i = 0; i < 20; ++i)
    log.add(1, 1000, 100);
  syncNow(*log);
  EXPECT_EQ(log->bounds().durable, Offset(20));
  crash();
  EXPECT_EQ(log->bounds().end, Offset(20));
}

TEST_P(LogContract, AnotherThreadSyncsWhileTheOwnerGoesOn) {
  auto& log = open("words-0", {.segmentBytes = Bytes(3000)});
  for (int round = 0; round < 15; ++round) {
    log.add(1);
    auto job = startedSync(log);
    Offset end = job->end();
    {
      kj::Thread syncer([&job] { job->run(); });
      for (int i = 0; i < 20; ++i) {
        log.add(1, 1000, 60);
        log.expectRead(end, log->bounds().end, Bytes(500));
      }
      EXPECT_LT(log->bounds().durable, end);
    }
    log->finishSync(kj::mv(job));
    EXPECT_EQ(log->bounds().durable, end);
  }
  crash();
}

TEST_P(LogContract, LogsAreSyncedByThreadsOfTheirOwn) {
  for (int i = 0; i < 4; ++i)
    open(kj::str("words-", i));
  {
    kj::Vector<kj::Own<kj::Thread>> threads;
    for (auto& log : logs_) {
      threads.add(kj::heap<kj::Thread>([&log = *log] {
        for (int i = 0; i < 25; ++i) {
          log.add(2);
          syncNow(*log);
        }
      }));
    }
  }
  for (auto& log : logs_)
    EXPECT_EQ((*log)->bounds().durable, Offset(50));
  crash();
  for (auto& log : logs_)
    EXPECT_EQ((*log)->bounds().end, Offset(50));
}

TEST_P(LogContract, CutDuringASyncLowersWhatItMakesDurable) {
  auto& log = open("words-0");
  for (int i = 0; i < 3; ++i)
    log.add(10);
  auto job = startedSync(log);
  log.truncateFrom(20);
  log.add(10);
  job->run();
  log->finishSync(kj::mv(job));
  EXPECT_LE(log->bounds().durable, Offset(20)) << "the batch at 20 is not the one that was synced";
  log.expectSame();
  syncNow(*log);
  EXPECT_EQ(log->bounds().durable, Offset(30));
  crash();
  EXPECT_EQ(log->bounds().end, Offset(30));
}

TEST_P(LogContract, ResetDuringASyncLeavesNothingDurable) {
  auto& log = open("words-0", {.segmentBytes = Bytes(300)});
  for (int i = 0; i < 10; ++i)
    log.add(10);
  auto job = startedSync(log);
  log.resetTo(40);
  log.add(10);
  job->run();
  log->finishSync(kj::mv(job));
  EXPECT_EQ(log->bounds().durable, Offset(40));
  log.expectSame();
  crash();
}

TEST_P(LogContract, DropDuringASyncIsHarmless) {
  auto& log = open("words-0", {.segmentBytes = Bytes(300)});
  for (int i = 0; i < 10; ++i)
    log.add(10);
  auto job = startedSync(log);
  log.dropBefore(75);
  job->run();
  log->finishSync(kj::mv(job));
  EXPECT_EQ(log->bounds().durable, Offset(100));
  log.expectSame();
  crash();
  EXPECT_EQ(log->bounds().end, Offset(100));
}

TEST_P(LogContract, ABrokenLogThrowsUntilItIsOpenedAgain) {
  auto& log = open("words-0");
  auto& other = open("words-1");
  log.add(10);
  syncNow(*log);
  log.add(10);
  auto job = startedSync(log);
  job->run();
  auto refused = makeBatch(Offset(20), 1, TimestampMs(1), 10, 1);
  log->breakLog(kj::mv(job), "the disk said no");
  auto expectBroken = [](kj::FunctionParam<void()> operation) {
    EXPECT_NE(failureOf([&] { operation(); }).find("the disk said no"), std::string::npos);
  };
  expectBroken([&] { log->append(refused); });
  expectBroken([&] { log->read(Offset(0), Offset(10), kNoLimit); });
  expectBroken([&] { log->seekTime(TimestampMs(0)); });
  expectBroken([&] { log->maxTimestamp(); });
  expectBroken([&] { log->startSync(); });
  expectBroken([&] { log->dropBefore(Offset(5)); });
  expectBroken([&] { log->truncateFrom(Offset(10)); });
  expectBroken([&] { log->resetTo(Offset(0)); });
  expectBroken([&] { log->bounds(); });
  expectBroken([&] { log->extents(); });
  expectBroken([&] { log->sizeBytes(); });
  expectBroken([&] { log->configure({}); });

  other.add(5);
  syncNow(*other);
  other.expectSame();

  log.closeBroken({Offset(0), Offset(10), Offset(20)});
  log.openAfterCrash(engine());
  log.add(10);
  syncNow(*log);
  crash();
}

TEST_P(LogContract, ACrashTakesNothingThatIsDurable) {
  auto& log = open("words-0");
  auto& quiet = open("words-1");
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 10; ++i)
      log.add(3);
    syncNow(*log);
    for (int i = 0; i < 10; ++i)
      log.add(3);
    quiet.add(7);
    crash();
    EXPECT_GE(log->bounds().end, Offset(30 * (round + 1)));
  }
}

TEST_P(LogContract, ACrashBetweenRunAndFinishInventsNothing) {
  auto& log = open("words-0");
  log.add(10);
  syncNow(*log);
  log.add(10);
  auto job = startedSync(log);
  job->run();
  job = nullptr;
  crash();
  log.add(10);
  syncNow(*log);
  crash();
}

TEST_P(LogContract, AKilledProcessLosesNothingThatWasAppended) {
  auto& log = open("words-0", {.segmentBytes = Bytes(700)});
  for (int i = 0; i < 10; ++i)
    log.add(3);
  syncNow(*log);
  for (int i = 0; i < 10; ++i)
    log.add(3);
  kill();
  log.add(3);
  kill();
  crash();
}

TEST_P(LogContract, ACleanCloseKeepsEverything) {
  auto& log = open("words-0", {.segmentBytes = Bytes(700)});
  open("words-1");
  for (int i = 0; i < 20; ++i)
    log.add(3);
  reopen();
  EXPECT_EQ(log->bounds().durable, Offset(60));
  crash();
  EXPECT_EQ(log->bounds().end, Offset(60)) << "a clean close syncs";
  log.add(3);
  reopen();
  reopen();
}

}  // namespace
}  // namespace cambium
