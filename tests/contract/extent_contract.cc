// Extents and options.

#include "tests/contract/log_contract.h"

namespace cambium {
namespace {

TEST_P(LogContract, ExtentsCoverTheLogInOrder) {
  auto& log = open("words-0", {.segmentBytes = kibibytes(4), .indexIntervalBytes = Bytes(500)});
  for (int i = 0; i < 200; ++i) {
    log.add(1 + i % 4, 5000 + (i * 37) % 1000, 100 + static_cast<size_t>(i));
    if (i % 20 == 0) log.expectExtentsSound();
  }
  log.expectSame();
  reopen();
}

TEST_P(LogContract, ExtentsShrinkFromBothEnds) {
  auto& log = open("words-0", {.segmentBytes = kibibytes(2), .indexIntervalBytes = Bytes(500)});
  for (int i = 0; i < 100; ++i)
    log.add(2, 1000 + i, 150);
  for (int64_t cut = 1; cut < 95; cut += 6) {
    log.dropBefore(cut);
    log.truncateFrom(200 - cut / 2 * 2);
    log.expectExtentsSound();
  }
  reopen();
  crash();
}

// What retention does: drops the oldest extent as long as there is more than one.
TEST_P(LogContract, DroppingExtentByExtentWalksThroughTheLog) {
  auto& log = open("words-0", {.segmentBytes = kibibytes(1)});
  for (int i = 0; i < 60; ++i)
    log.add(3, 1000 + i, 200);
  for (auto extents = log->extents(); extents.size() > 1; extents = log->extents()) {
    log.dropBefore(extents[0].end.value());
    auto left = log->extents();
    ASSERT_EQ(left.size(), extents.size() - 1);
    EXPECT_EQ(left[0].first, extents[1].first);
    EXPECT_EQ(left[0].bytes, extents[1].bytes);
    log.expectSame();
  }
  reopen();
}

TEST_P(LogContract, OptionsChangeWhileTheLogIsOpen) {
  auto& log = open("words-0");
  for (int i = 0; i < 20; ++i)
    log.add(1, 1000 + i, 100);
  log->configure({.segmentBytes = Bytes(400), .segmentMs = 5, .indexIntervalBytes = Bytes(100)});
  log.expectSame();
  for (int i = 0; i < 20; ++i)
    log.add(1, 1020 + i, 100);
  log.expectSame();
  log->configure({.indexBytesMax = Bytes(64)});
  for (int i = 0; i < 20; ++i)
    log.add(1, 1040 + i, 100);
  log.expectSame();
  log->configure({});
  for (int i = 0; i < 20; ++i)
    log.add(1, 1060 + i, 100);
  log.expectSame();
  EXPECT_EQ(text(log->seekTime(TimestampMs(1033))), "33@1033");
  syncNow(*log);
  crash();
  EXPECT_EQ(log->bounds().end, Offset(80));
}

TEST_P(LogContract, TimestampsAtTheEdgesAreKept) {
  constexpr int64_t kLatest = INT64_MAX;
  auto& log = open("words-0", {.segmentMs = 10});
  for (int64_t timestamp : {int64_t{-1}, kLatest, int64_t{0}, kLatest - 1, int64_t{-1}})
    log.add(1, timestamp);
  log.expectSame();
  EXPECT_EQ(text(log->maxTimestamp()), kj::str("1@", kLatest).cStr());
  EXPECT_EQ(text(log->seekTime(TimestampMs(kLatest))), kj::str("1@", kLatest).cStr());
  reopen();
  EXPECT_EQ(text(log->maxTimestamp()), kj::str("1@", kLatest).cStr());
}

}  // namespace
}  // namespace cambium
