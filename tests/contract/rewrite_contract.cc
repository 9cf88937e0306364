// Replacing closed extents, and closing them.

#include <thread>

#include "tests/contract/log_contract.h"
#include "tests/contract/rewriting.h"

namespace cambium {
namespace {

// 1000 bytes hold three batches of 10 records.
const LogOptions kSmallExtents{.segmentBytes = Bytes(1000), .indexIntervalBytes = Bytes(300)};

Fate keepAll(const BatchView&) {
  return Fate::kKeep;
}
Fate dropAll(const BatchView&) {
  return Fate::kDrop;
}
// Keeps one of four, shrinks one, drops a pair.
Fate someOfEach(const BatchView& batch) {
  switch (batch.baseOffset().value() / 10 % 4) {
    case 0:
      return Fate::kKeep;
    case 1:
      return Fate::kShrink;
    default:
      return Fate::kDrop;
  }
}

// Batches of ten, each 10 ms later; what was there before is durable.
void addTens(WatchedLog& log, int batches) {
  for (int i = 0; i < batches; ++i)
    log.add(10, 1000 + log->bounds().end.value(), 239);
}
void addClosed(WatchedLog& log, int batches) {
  addTens(log, batches);
  log->closeExtent();
  syncNow(*log);
}

bool rewrite(WatchedLog& log, int64_t first, int64_t end, const FateOf& fateOf) {
  auto started = log->startRewrite(Offset(first), Offset(end));
  Offset begin = started->first();
  auto batches = runRewrite(*started, fateOf);
  if (!log->finishRewrite(kj::mv(started))) return false;
  log.noteRewritten(begin, Offset(end), batches);
  return true;
}

std::string extentRanges(PartitionLog& log) {
  std::string all;
  for (auto& extent : log.extents())
    all += kj::str(all.empty() ? "" : " ", "[", extent.first, "..", extent.end - 1, "]").cStr();
  return all;
}

std::string thrownType(kj::FunctionParam<void()> operation) {
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { operation(); })) return kj::str(exception->getType()).cStr();
  return "";
}

TEST_P(LogContract, ARewriteReadsWhatIsThere) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 9);
  auto extents = log->extents();
  auto rewrite = log->startRewrite(Offset(0), Offset(90));
  EXPECT_EQ(rewrite->first(), Offset(0));
  EXPECT_EQ(rewrite->end(), Offset(90));
  auto all = log.written().range(Offset(0), Offset(90));
  EXPECT_EQ(ranges(rewrite->read(Bytes(1))), "[0..9]") << "at least one batch";
  EXPECT_EQ(ranges(rewrite->read(Bytes(600))), "[10..19] [20..29]");
  rewrite->rewind();
  for (uint64_t piece : {1, 700, 100'000}) {
    EXPECT_TRUE(readAll(*rewrite, Bytes(piece)).asPtr() == all.asPtr());
    EXPECT_EQ(rewrite->read(kNoLimit).size(), 0u) << "the end";
    rewrite->rewind();
  }
  auto one = log->startRewrite(extents[1].first, extents[1].end);
  auto part = log.written().range(extents[1].first, extents[1].end);
  EXPECT_TRUE(readAll(*one).asPtr() == part.asPtr());
}

TEST_P(LogContract, ARewriteThatKeepsAllChangesNothingButExtents) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 12);
  addTens(log, 2);
  EXPECT_GT(log->extents().size(), 3u);
  EXPECT_TRUE(rewrite(log, 0, 120, keepAll));
  EXPECT_EQ(log->extents()[0].end, Offset(120));
  log.expectSame();
  reopen();
  EXPECT_EQ(log->extents()[0].end, Offset(120));
  addTens(log, 3);
  kill();
  crash();
}

TEST_P(LogContract, ARewriteDropsSome) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 16);
  addTens(log, 1);
  EXPECT_TRUE(rewrite(log, 0, 160, someOfEach));
  log.expectSame();
  EXPECT_EQ(ranges(log->read(Offset(0), Offset(60), kNoLimit)), "[0..9] [10..19] [20..39] [40..49] [50..59]");
  log.expectRead(Offset(25), Offset(170), kNoLimit);
  log.expectRead(Offset(39), Offset(170), Bytes(1));
  log.expectRead(Offset(139), Offset(160), kNoLimit);
  crash();
  EXPECT_GE(log->bounds().end, Offset(160));
  reopen();
  EXPECT_EQ(text(log->seekTime(TimestampMs(0))), "0@1000");
  EXPECT_EQ(text(log->seekTime(TimestampMs(1011))), "40@1040") << "a batch that lost its records is not found";
  log.dropBefore(25);
  log.expectSame();
  log.truncateFrom(50);
  log.expectSame();
  addTens(log, 2);
  reopen();
}

TEST_P(LogContract, ARewriteDropsAll) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 8);
  EXPECT_TRUE(rewrite(log, 0, 80, dropAll));
  EXPECT_EQ(extentRanges(*log), "[0..79]");
  EXPECT_EQ(ranges(log->read(Offset(0), Offset(80), kNoLimit)), "[0..79]");
  EXPECT_EQ(text(log->maxTimestamp()), "none");
  EXPECT_EQ(text(log->seekTime(TimestampMs(0))), "none");
  EXPECT_EQ(log->extents()[0].maxTimestamp, kNoTimestamp);
  log.expectSame();
  crash();
  addTens(log, 1);
  EXPECT_EQ(text(log->maxTimestamp()), "80@1080");
  EXPECT_EQ(text(log->seekTime(TimestampMs(0))), "80@1080");
  EXPECT_NE(failureOf([&] { log->truncateFrom(Offset(40)); }), "") << "inside of the empty batch";
  log.dropBefore(40);
  log.expectSame();
  log.truncateFrom(80);
  reopen();
  log.dropBefore(80);
  log.expectSame();
}

TEST_P(LogContract, RewritesInTheMiddleAndAgain) {
  auto& log = open("words-0", kSmallExtents);
  for (int i = 0; i < 4; ++i)
    addClosed(log, 5);
  EXPECT_TRUE(rewrite(log, 50, 100, someOfEach));
  log.expectSame();
  EXPECT_TRUE(rewrite(log, 100, 150, dropAll));
  log.expectSame();
  crash();
  EXPECT_TRUE(rewrite(log, 50, 150, keepAll));
  log.expectSame();
  EXPECT_TRUE(rewrite(log, 0, 200, someOfEach)) << "and with the last one";
  EXPECT_EQ(extentRanges(*log), "[0..199]");
  log.expectSame();
  crash();
  EXPECT_EQ(log->bounds().end, Offset(200));
  addTens(log, 4);
  log.expectSame();
  reopen();
}

TEST_P(LogContract, ARewriteGivesSpaceBack) {
  auto& log = open("words-0", {.segmentBytes = kibibytes(64)});
  for (int i = 0; i < 32; ++i)
    log.add(10, 1000, 16'000);
  log->closeExtent();
  syncNow(*log);
  EXPECT_GE(log->sizeBytes(), kibibytes(450));
  EXPECT_TRUE(rewrite(
      log, 0, 320, [](const BatchView& batch) { return batch.baseOffset() < Offset(40) ? Fate::kKeep : Fate::kDrop; }));
  EXPECT_LE(log->sizeBytes(), kibibytes(70));
  reopen();
  EXPECT_LE(log->sizeBytes(), kibibytes(70));
}

TEST_P(LogContract, AnAbandonedRewriteLeavesNothing) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 6);
  addTens(log, 1);
  auto before = log->sizeBytes();
  auto extents = extentRanges(*log);
  for (int stage = 0; stage < 4; ++stage) {
    auto rewrite = log->startRewrite(Offset(0), Offset(60));
    auto batches = readAll(*rewrite);
    if (stage == 1) rewrite->write(batches.slice(0, 300));
    if (stage >= 2) writeAll(*rewrite, batches);
    if (stage >= 3) rewrite->finish();
  }
  EXPECT_EQ(log->sizeBytes(), before);
  EXPECT_EQ(extentRanges(*log), extents);
  log.expectSame();
  reopen();
  // Closing may have added to an index.
  EXPECT_LE(log->sizeBytes(), before + 100);
  crash();
}

TEST_P(LogContract, RewritesAreRefusedWhereTheyCannotBe) {
  auto& log = open("words-0", kSmallExtents);
  addTens(log, 3);
  log->closeExtent();
  EXPECT_NE(failureOf([&] { log->startRewrite(Offset(0), Offset(30)); }), "") << "not durable";
  syncNow(*log);
  addTens(log, 3);
  syncNow(*log);
  for (auto [first, end] : {std::pair(0, 0), {0, 20}, {10, 30}, {30, 0}, {30, 60}, {0, 60}, {0, 70}, {30, 30}}) {
    EXPECT_NE(failureOf([&, first = first, end = end] { log->startRewrite(Offset(first), Offset(end)); }), "")
        << first << " to " << end;
  }
  log.expectSame();
  EXPECT_TRUE(rewrite(log, 0, 30, keepAll));
}

TEST_P(LogContract, ARewriteTakesOnlyWhatFits) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 6);
  auto all = log.written().range(Offset(0), Offset(60));
  auto refuses = [&](ByteView batches) {
    auto rewrite = log->startRewrite(Offset(0), Offset(60));
    return failureOf([&] { rewrite->write(batches); }) != "";
  };
  EXPECT_TRUE(refuses(makeEmptyBatch(Offset(10), 10))) << "a gap";
  EXPECT_TRUE(refuses(makeEmptyBatch(Offset(0), 61))) << "beyond the end";
  EXPECT_TRUE(refuses(all.slice(0, 299))) << "not whole";
  auto damaged = makeEmptyBatch(Offset(0), 10);
  damaged[30] ^= 1;
  EXPECT_TRUE(refuses(damaged)) << "checksum";
  auto rewrite = log->startRewrite(Offset(0), Offset(60));
  rewrite->write(all.slice(0, 1500));
  EXPECT_NE(failureOf([&] { rewrite->finish(); }), "") << "ends too early";
  auto unfinished = log->startRewrite(Offset(0), Offset(60));
  unfinished->write(all);
  EXPECT_NE(failureOf([&] { log->finishRewrite(kj::mv(unfinished)); }), "");
  log.expectSame();
}

TEST_P(LogContract, AppendsAndSyncsGoOnDuringARewrite) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 6);
  auto rewrite = log->startRewrite(Offset(0), Offset(60));
  addTens(log, 4);
  auto batches = compacted(readAll(*rewrite), someOfEach);
  auto job = KJ_ASSERT_NONNULL(log->startSync());
  writeAll(*rewrite, batches);
  addTens(log, 1);
  rewrite->finish();
  job->run();
  log.expectSame();
  EXPECT_TRUE(log->finishRewrite(kj::mv(rewrite)));
  log.noteRewritten(Offset(0), Offset(60), batches);
  log->finishSync(kj::mv(job));
  EXPECT_GE(log->bounds().durable, Offset(100));
  log.expectSame();
  addTens(log, 1);
  log.expectSame();
  crash();
  EXPECT_GE(log->bounds().end, Offset(100));
}

TEST_P(LogContract, ARewriteRunsOnAnotherThread) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 40);
  auto rewrite = log->startRewrite(Offset(0), Offset(400));
  kj::Array<kj::byte> batches;
  std::thread compactor([&] { batches = runRewrite(*rewrite, someOfEach); });
  for (int i = 0; i < 20; ++i) {
    addTens(log, 2);
    syncNow(*log);
    log.expectRead(Offset(i * 10), Offset(400), Bytes(2000));
  }
  compactor.join();
  EXPECT_TRUE(log->finishRewrite(kj::mv(rewrite)));
  log.noteRewritten(Offset(0), Offset(400), batches);
  log.expectSame();
  crash();
}

// Whatever takes a part of the range away gives the rewrite up, before, between or behind its steps.
TEST_P(LogContract, CutsGiveARewriteUp) {
  struct Case {
    const char* name;
    bool givesUp;
    void (*change)(WatchedLog& log);
  };
  const Case kCases[] = {
      {"drop-inside", true, [](WatchedLog& log) { log.dropBefore(95); }},
      {"drop-behind", true, [](WatchedLog& log) { log.dropBefore(130); }},
      {"drop-all", true, [](WatchedLog& log) { log.dropBefore(150); }},
      {"drop-before", false, [](WatchedLog& log) { log.dropBefore(60); }},
      {"cut-inside", true, [](WatchedLog& log) { log.truncateFrom(90); }},
      {"cut-below", true, [](WatchedLog& log) { log.truncateFrom(30); }},
      {"cut-behind", false, [](WatchedLog& log) { log.truncateFrom(120); }},
      {"reset", true, [](WatchedLog& log) { log.resetTo(60); }},
      {"reset-refill", true,
       [](WatchedLog& log) {
         log.resetTo(60);
         addClosed(log, 9);
       }},
      {"another", true, [](WatchedLog& log) { rewrite(log, 60, 120, dropAll); }},
  };
  for (auto& each : kCases) {
    for (int stage = 0; stage < 3; ++stage) {
      SCOPED_TRACE(kj::str(each.name, " at stage ", stage).cStr());
      auto& log = open(kj::str("words-", each.name, "-", stage), kSmallExtents);
      addClosed(log, 6);
      addClosed(log, 6);
      addTens(log, 3);
      auto rewrite = log->startRewrite(Offset(60), Offset(120));
      if (stage == 0) each.change(log);
      kj::Array<kj::byte> batches;
      auto thrown = thrownType([&] {
        batches = compacted(readAll(*rewrite), someOfEach);
        if (stage == 1) each.change(log);
        writeAll(*rewrite, batches);
        rewrite->finish();
      });
      EXPECT_EQ(thrown, each.givesUp && stage < 2 ? "disconnected" : "");
      if (stage == 2) each.change(log);
      if (thrown == "") {
        bool done = log->finishRewrite(kj::mv(rewrite));
        EXPECT_EQ(done, !each.givesUp);
        if (done) log.noteRewritten(Offset(60), Offset(120), batches);
      }
      rewrite = nullptr;
      log.expectSame();
      addTens(log, 2);
      log.expectSame();
    }
  }
  crash();
  reopen();
}

TEST_P(LogContract, ARewriteMayOutliveItsLog) {
  auto& log = open("words-0", kSmallExtents);
  addClosed(log, 6);
  auto begun = log->startRewrite(Offset(0), Offset(60));
  auto batches = readAll(*begun);
  begun->write(batches.slice(0, 300));
  log.close();
  EXPECT_EQ(thrownType([&] { begun->rewind(); }), "disconnected");
  log.openSame(engine());
  EXPECT_TRUE(rewrite(log, 0, 60, someOfEach));
  EXPECT_EQ(thrownType([&] { begun->read(kNoLimit); }), "disconnected");
  EXPECT_EQ(thrownType([&] { begun->write(batches.slice(300, 600)); }), "disconnected");
  begun = nullptr;
  log.expectSame();
  auto last = log->startRewrite(Offset(0), Offset(60));
  last->write(batches);
  log.close();
  engine().drop(logId("words-0"));
  last = nullptr;
  log.openAnew(engine());
  addClosed(log, 2);
  log.expectSame();
  reopen();
}

TEST_P(LogContract, ARewriteBeginsBelowTheLogStart) {
  for (int64_t start : {1, 13, 20, 35}) {
    SCOPED_TRACE(start);
    auto& log = open(kj::str("words-", start), kSmallExtents);
    addClosed(log, 6);
    log.dropBefore(start);
    Offset first = log->extents()[0].first;
    auto rewrite = log->startRewrite(first, Offset(60));
    EXPECT_GE(rewrite->first(), first);
    EXPECT_LE(rewrite->first(), Offset(start / 10 * 10));
    Offset begin = rewrite->first();
    auto batches = runRewrite(
        *rewrite, [](const BatchView& batch) { return batch.baseOffset() >= Offset(50) ? Fate::kKeep : Fate::kDrop; });
    log.dropBefore(start);
    EXPECT_TRUE(log->finishRewrite(kj::mv(rewrite)));
    log.noteRewritten(begin, Offset(60), batches);
    log.expectSame();
    EXPECT_EQ(text(log->maxTimestamp()), "50@1050");
    addTens(log, 1);
  }
  crash();
  reopen();
}

// ---------------------------------------------------------------------------------------------------------------------

TEST_P(LogContract, AClosedExtentIsNotAppendedTo) {
  auto& log = open("words-0");
  log->closeExtent();
  EXPECT_EQ(log->extents().size(), 0u);
  addTens(log, 2);
  log->closeExtent();
  log->closeExtent();
  log.expectSame();
  EXPECT_EQ(extentRanges(*log), "[0..19]");
  addTens(log, 2);
  EXPECT_EQ(extentRanges(*log), "[0..19] [20..39]");
  log->closeExtent();
  reopen();
  addTens(log, 1);
  EXPECT_EQ(extentRanges(*log), "[0..19] [20..39] [40..49]");
  log->closeExtent();
  syncNow(*log);
  kill();
  addTens(log, 1);
  EXPECT_EQ(extentRanges(*log), "[0..19] [20..39] [40..49] [50..59]");
  log.expectSame();
  crash();
}

TEST_P(LogContract, AClosedExtentCanBeCutAndDropped) {
  auto& log = open("words-0");
  addTens(log, 4);
  log->closeExtent();
  log.truncateFrom(20);
  log.expectSame();
  addTens(log, 2);
  log.expectSame();
  log->closeExtent();
  log.truncateFrom(40);
  log.dropBefore(15);
  log.expectSame();
  log.dropBefore(40);
  log.expectSame();
  log->closeExtent();
  addTens(log, 1);
  log->closeExtent();
  crash();
  addTens(log, 1);
  log.resetTo(7);
  log->closeExtent();
  addTens(log, 1);
  log->closeExtent();
  reopen();
}

TEST_P(LogContract, EmptyBatchesAreBatches) {
  auto& log = open("words-0", kSmallExtents);
  auto addEmpty = [&](int64_t offsets, TimestampMs timestamp) {
    log.addBatch(makeEmptyBatch(log->bounds().end, offsets, timestamp));
  };
  addEmpty(10, kNoTimestamp);
  EXPECT_EQ(text(log->maxTimestamp()), "none");
  EXPECT_EQ(text(log->seekTime(TimestampMs(-1))), "none");
  EXPECT_EQ(text(log->seekTime(TimestampMs(0))), "none");
  log.add(10, 500);
  addEmpty(1, kNoTimestamp);
  addEmpty(1'000'000, TimestampMs(700));
  for (int i = 0; i < 40; ++i)
    addEmpty(100, kNoTimestamp);
  log.add(1, 600);
  log.expectSame();
  EXPECT_EQ(text(log->seekTime(TimestampMs(-1))), "10@500");
  EXPECT_EQ(text(log->seekTime(TimestampMs(501))), "21@700");
  EXPECT_EQ(text(log->seekTime(TimestampMs(701))), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "21@700");
  log.expectRead(Offset(500'000), Offset(1'004'022), Bytes(200));
  kill();
  EXPECT_EQ(text(log->seekTime(TimestampMs(501))), "21@700");
  log.dropBefore(500'000);
  log.expectSame();
  syncNow(*log);
  crash();
  log.truncateFrom(1'000'021);
  log.expectSame();
  reopen();
}

}  // namespace
}  // namespace cambium
