// Dropping the front, cutting the tail, starting anew.

#include "tests/contract/log_contract.h"

namespace cambium {
namespace {

// 1000 bytes hold three batches of 10 records.
const LogOptions kSmallExtents{.segmentBytes = Bytes(1000), .indexIntervalBytes = Bytes(300)};

void addTens(WatchedLog& log, int batches) {
  for (int i = 0; i < batches; ++i)
    log.add(10, 1000, 239);
}

TEST_P(LogContract, DropMovesTheStartExactly) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 10);
  for (int64_t start : {0, 1, 9, 10, 13, 19, 55, 60, 99}) {
    log.dropBefore(start);
    EXPECT_EQ(log->bounds().start, Offset(start));
    log.expectSame();
  }
  EXPECT_NE(failureOf([&] { log->dropBefore(Offset(98)); }), "");
  EXPECT_NE(failureOf([&] { log->dropBefore(Offset(101)); }), "");
  log.expectSame();
}

TEST_P(LogContract, DropIsIdempotent) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 5);
  log.dropBefore(25);
  log.dropBefore(25);
  log.expectSame();
  reopen();
  log.dropBefore(25);
  log.expectSame();
}

TEST_P(LogContract, DropOfTheWholeLogGoesOnAtItsEnd) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 5);
  log.dropBefore(50);
  auto bounds = log->bounds();
  EXPECT_EQ(bounds.start, Offset(50));
  EXPECT_EQ(bounds.durable, Offset(50));
  EXPECT_EQ(bounds.end, Offset(50));
  EXPECT_TRUE(log->startSync() == nullptr);
  crash();
  EXPECT_EQ(log->bounds().end, Offset(50));
  addTens(log, 2);
  reopen();
}

TEST_P(LogContract, DropSurvivesCrashesWhateverWasDurable) {
  for (int synced : {0, 2, 7}) {
    for (int64_t start : {5, 20, 33, 60, 69, 70}) {
      auto& log = open(kj::str("words-", synced, "-", start), kSmallExtents);
      addTens(log, synced);
      syncNow(*log);
      addTens(log, 7 - synced);
      log.dropBefore(start);
      EXPECT_GE(log->bounds().durable, Offset(start));
    }
  }
  crash();
  for (auto& log : logs_)
    addTens(*log, 2);
  reopen();
  crash();
}

TEST_P(LogContract, DroppedExtentsGiveTheirSpaceBack) {
  auto& log = open("words-0", {.segmentBytes = kibibytes(64)});
  for (int i = 0; i < 64; ++i)
    log.add(10, 1000, 16'000);
  syncNow(*log);
  EXPECT_GE(log->sizeBytes(), kibibytes(900));
  log.dropBefore(640);
  EXPECT_EQ(log->extents().size(), 0u);
  reopen();
  EXPECT_LE(log->sizeBytes(), kibibytes(100));
}

TEST_P(LogContract, TruncateCutsAtABoundary) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 10);
  syncNow(*log);
  for (int64_t end : {100, 90, 60, 50, 10, 0}) {
    log.truncateFrom(end);
    EXPECT_EQ(log->bounds().end, Offset(end));
    EXPECT_LE(log->bounds().durable, Offset(end));
    log.expectSame();
  }
  addTens(log, 3);
  log.expectSame();
  reopen();
}

TEST_P(LogContract, TruncateInsideOfABatchIsRefusedAndNamesIt) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 10);
  for (int64_t end : {41, 49}) {
    EXPECT_NE(failureOf([&] { log->truncateFrom(Offset(end)); }).find("40"), std::string::npos);
  }
  EXPECT_NE(failureOf([&] { log->truncateFrom(Offset(101)); }), "");
  log.dropBefore(13);
  EXPECT_NE(failureOf([&] { log->truncateFrom(Offset(13)); }).find("10"), std::string::npos);
  EXPECT_NE(failureOf([&] { log->truncateFrom(Offset(10)); }), "") << "below the start";
  log.expectSame();
  log.truncateFrom(20);
  log.expectSame();
}

TEST_P(LogContract, TruncateToTheStartLeavesAnEmptyLog) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 10);
  log.dropBefore(50);
  log.truncateFrom(50);
  log.expectSame();
  EXPECT_EQ(text(log->maxTimestamp()), "none");
  crash();
  EXPECT_EQ(log->bounds().end, Offset(50));
  addTens(log, 1);
  log.expectSame();
}

TEST_P(LogContract, CutBatchesNeverComeBack) {
  for (int synced : {0, 4, 10}) {
    for (int64_t end : {0, 30, 40, 90, 100}) {
      auto& log = open(kj::str("words-", synced, "-", end), kSmallExtents);
      addTens(log, synced);
      syncNow(*log);
      addTens(log, 10 - synced);
      log.truncateFrom(end);
    }
  }
  crash();
  // The same offsets again, with other contents and not synced: what a second crash leaves must be of these.
  for (auto& log : logs_)
    addTens(*log, 3);
  crash();
  for (auto& log : logs_)
    addTens(*log, 3);
  kill();
}

TEST_P(LogContract, TruncateAndGoOnSurvivesACrashWithoutASync) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 10);
  syncNow(*log);
  log.truncateFrom(40);
  EXPECT_EQ(log->bounds().durable, Offset(40));
  addTens(log, 10);
  EXPECT_EQ(log->bounds().durable, Offset(40));
  crash();
  EXPECT_GE(log->bounds().end, Offset(40));
}

TEST_P(LogContract, TruncateAgainAndAgain) {
  auto& log = open("words-0", kSmallExtents);
  for (int round = 0; round < 12; ++round) {
    addTens(log, 3);
    if (round % 2 == 0) syncNow(*log);
    log.truncateFrom(log->bounds().end.value() - 20);
    if (round % 3 == 0) crash();
    if (round % 5 == 0) kill();
    log.expectSame();
  }
}

TEST_P(LogContract, ResetGoesOnAnywhere) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 10);
  for (int64_t start : {int64_t{1} << 40, int64_t{7}, int64_t{7}, int64_t{0}, int64_t{55}}) {
    log.resetTo(start);
    auto bounds = log->bounds();
    EXPECT_EQ(bounds.start, Offset(start));
    EXPECT_EQ(bounds.durable, Offset(start));
    EXPECT_EQ(bounds.end, Offset(start));
    EXPECT_EQ(text(log->seekTime(TimestampMs(0))), "none");
    log.expectSame();
    addTens(log, 5);
    log.expectSame();
    reopen();
  }
}

TEST_P(LogContract, ResetSurvivesACrashAtOnce) {
  for (int64_t start : {0, 5, 30, 500}) {
    auto& log = open(kj::str("words-", start), kSmallExtents);
    addTens(log, 5);
    syncNow(*log);
    addTens(log, 5);
    log.resetTo(start);
  }
  crash();
  for (auto& log : logs_)
    EXPECT_EQ((*log)->bounds().end, (*log)->bounds().start);
  for (auto& log : logs_)
    addTens(*log, 4);
  crash();
}

}  // namespace
}  // namespace cambium
