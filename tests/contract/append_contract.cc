// Appending and reading.

#include <random>

#include "tests/contract/log_contract.h"

namespace cambium {
namespace {

TEST_P(LogContract, NewLogIsEmpty) {
  auto& log = open("words-0");
  auto bounds = log->bounds();
  EXPECT_EQ(bounds.start, Offset(0));
  EXPECT_EQ(bounds.durable, Offset(0));
  EXPECT_EQ(bounds.end, Offset(0));
  EXPECT_EQ(ranges(log->read(Offset(0), Offset(0), mebibytes(1))), "");
  log.expectSame();
}

TEST_P(LogContract, ReadsAsTheInterfaceSays) {
  auto& log = open("words-0");
  for (int i = 0; i < 3; ++i)
    log.add(10);
  auto read = [&](int64_t from, int64_t upTo, Bytes bytesMax) {
    return ranges(log->read(Offset(from), Offset(upTo), bytesMax));
  };
  EXPECT_EQ(read(13, 30, Bytes(1)), "[10..19]");
  EXPECT_EQ(read(13, 30, Bytes(0)), "[10..19]");
  EXPECT_EQ(read(13, 20, mebibytes(1)), "[10..19]");
  EXPECT_EQ(read(13, 19, mebibytes(1)), "");
  EXPECT_EQ(read(13, 13, mebibytes(1)), "");
  EXPECT_EQ(read(30, 30, mebibytes(1)), "");
  EXPECT_EQ(read(0, 30, mebibytes(1)), "[0..9] [10..19] [20..29]");
  EXPECT_EQ(read(9, 30, mebibytes(1)), "[0..9] [10..19] [20..29]");
  EXPECT_EQ(read(10, 29, mebibytes(1)), "[10..19]");
  EXPECT_EQ(read(29, 30, mebibytes(1)), "[20..29]");
  log.dropBefore(13);
  EXPECT_EQ(read(13, 30, Bytes(1)), "[10..19]");
  EXPECT_EQ(read(13, 30, mebibytes(1)), "[10..19] [20..29]");
  log.expectSame();
}

TEST_P(LogContract, ByteLimitCountsWholeBatches) {
  auto& log = open("words-0");
  for (int i = 0; i < 5; ++i)
    log.add(2, 1000, 39);  // 100 bytes each
  auto read = [&](uint64_t bytesMax) { return ranges(log->read(Offset(0), Offset(10), Bytes(bytesMax))); };
  EXPECT_EQ(read(99), "[0..1]");
  EXPECT_EQ(read(100), "[0..1]");
  EXPECT_EQ(read(199), "[0..1]");
  EXPECT_EQ(read(200), "[0..1] [2..3]");
  EXPECT_EQ(read(499), "[0..1] [2..3] [4..5] [6..7]");
  EXPECT_EQ(read(500), "[0..1] [2..3] [4..5] [6..7] [8..9]");
}

TEST_P(LogContract, ReadingOutsideOfTheLogIsRefusedAndHarmless) {
  auto& log = open("words-0");
  log.add(10);
  log.add(10);
  log.dropBefore(5);
  EXPECT_NE(failureOf([&] { log->read(Offset(4), Offset(20), kNoLimit); }), "");
  EXPECT_NE(failureOf([&] { log->read(Offset(5), Offset(21), kNoLimit); }), "");
  EXPECT_NE(failureOf([&] { log->read(Offset(15), Offset(14), kNoLimit); }), "");
  EXPECT_NE(failureOf([&] { log->read(Offset(21), Offset(21), kNoLimit); }), "");
  log.expectSame();
}

TEST_P(LogContract, AppendsManyBatchesAtOnce) {
  auto& log = open("words-0");
  EXPECT_EQ(log.addMany(7, 3), Offset(21));
  EXPECT_EQ(log.addMany(500, 1), Offset(521));
  log.expectSame();
  log.expectRead(Offset(20), Offset(400), Bytes(5000));
}

TEST_P(LogContract, AppendIsReadableAtOnceAndNotDurable) {
  auto& log = open("words-0");
  log.add(10);
  EXPECT_EQ(log->bounds().durable, Offset(0));
  log.expectSame();
}

TEST_P(LogContract, RefusesWhatDoesNotContinue) {
  auto& log = open("words-0");
  log.add(10);
  auto at = [](int64_t base, int records) { return makeBatch(Offset(base), records, TimestampMs(1), 20, 77); };
  auto joined = [](ByteView a, ByteView b) {
    kj::Vector<kj::byte> both;
    both.addAll(a);
    both.addAll(b);
    return both.releaseAsArray();
  };
  EXPECT_NE(failureOf([&] { log->append(at(9, 1)); }), "");
  EXPECT_NE(failureOf([&] { log->append(at(11, 1)); }), "");
  EXPECT_NE(failureOf([&] { log->append(at(0, 1)); }), "");
  EXPECT_NE(failureOf([&] { log->append(joined(at(10, 5), at(16, 1))); }), "") << "a gap";
  EXPECT_NE(failureOf([&] { log->append(joined(at(10, 5), at(14, 1))); }), "") << "an overlap";
  log.expectSame();
  log.add(5);
  log.expectSame();
}

TEST_P(LogContract, RefusesWhatIsNoWholeBatch) {
  auto& log = open("words-0");
  log.add(10);
  EXPECT_NE(failureOf([&] { log->append(nullptr); }), "");
  auto batch = log.nextBatch(5);
  EXPECT_NE(failureOf([&] { log->append(batch.slice(0, batch.size() - 1)); }), "");
  EXPECT_NE(failureOf([&] { log->append(batch.slice(0, 11)); }), "");
  kj::Vector<kj::byte> withTail;
  withTail.addAll(batch);
  withTail.add(0);
  EXPECT_NE(failureOf([&] { log->append(withTail); }), "");
  log.expectSame();
  log.add(5);
  log.expectSame();
}

TEST_P(LogContract, NeverAnswersABatchWithAWrongChecksum) {
  auto& log = open("words-0");
  auto batch = log.nextBatch(5);
  batch.back() ^= 1;
  // An engine may look at the checksum early, but must look at it when it reads; then the log is broken.
  std::string refused = failureOf([&] { log->append(batch); });
  if (refused != "") return log.expectSame();
  EXPECT_NE(failureOf([&] { log->read(Offset(0), Offset(5), kNoLimit); }), "");
  EXPECT_NE(failureOf([&] { log->bounds(); }), "");
  EXPECT_NE(failureOf([&] { log->append(makeBatch(Offset(5), 1, TimestampMs(1), 20, 1)); }), "");
  logs_.clear();
}

TEST_P(LogContract, KeepsLargeBatches) {
  auto& log = open("words-0");
  log.add(1);
  log.add(1000, 1000, 2 << 20);
  log.add(1);
  log.add(1000, 1000, 2 << 20);
  log.expectRead(Offset(500), Offset(1001), Bytes(1));
  log.expectRead(Offset(0), Offset(2002), mebibytes(3));
  log.expectSame();
  syncNow(*log);
  crash();
  EXPECT_EQ(log->bounds().end, Offset(2002));
}

TEST_P(LogContract, BatchesLargerThanAnExtentAreTaken) {
  auto& log = open("words-0", {.segmentBytes = Bytes(500), .indexIntervalBytes = Bytes(100)});
  for (int i = 0; i < 5; ++i)
    log.add(3, 1000, 2000);
  log.expectSame();
  reopen();
  log.add(3);
  log.expectSame();
}

TEST_P(LogContract, ReadsAcrossExtents) {
  auto& log = open("words-0", {.segmentBytes = Bytes(1000), .indexIntervalBytes = Bytes(150)});
  for (int i = 0; i < 40; ++i)
    log.add(1 + i % 3, 1000, 50 + static_cast<size_t>(i) * 7);
  Offset end = log->bounds().end;
  for (Offset from(0); from <= end; from += 1) {
    log.expectRead(from, end, Bytes(1));
    log.expectRead(from, end, Bytes(2500));
    log.expectRead(from, end, kNoLimit);
  }
}

TEST_P(LogContract, FindsEveryOffsetOfALongLog) {
  auto& log = open("words-0", {.segmentBytes = kibibytes(64), .indexIntervalBytes = kibibytes(1)});
  std::mt19937_64 random(7);
  for (int i = 0; i < 1500; ++i)
    log.add(1 + static_cast<int>(random() % 20), 1000, random() % 300);
  auto probe = [&] {
    auto bounds = log->bounds();
    for (int i = 0; i < 150; ++i) {
      Offset from(static_cast<int64_t>(random() % static_cast<uint64_t>(bounds.end.value())));
      Offset upTo = from + static_cast<int64_t>(random() % static_cast<uint64_t>(bounds.end - from + 1));
      log.expectRead(from, upTo, Bytes(random() % 4000));
    }
  };
  probe();
  reopen();
  probe();
}

}  // namespace
}  // namespace cambium
