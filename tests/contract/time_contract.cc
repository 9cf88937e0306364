// Searching by time.

#include <random>

#include "tests/contract/log_contract.h"

namespace cambium {
namespace {

class Seeker {
 public:
  explicit Seeker(WatchedLog& log) : log_(log) {}
  std::string operator()(int64_t atLeast) const { return text(log_->seekTime(TimestampMs(atLeast))); }

 private:
  WatchedLog& log_;
};

TEST_P(LogContract, AnEmptyLogHasNoTimes) {
  auto& log = open("words-0");
  EXPECT_EQ(text(log->seekTime(TimestampMs(0))), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "none");
  log.add(1);
  log.dropBefore(1);
  EXPECT_EQ(text(log->seekTime(TimestampMs(0))), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "none");
}

TEST_P(LogContract, SeeksRisingTimes) {
  auto& log = open("words-0");
  for (int i = 0; i < 10; ++i)
    log.add(5, 1000 + i * 100);
  Seeker seek(log);
  EXPECT_EQ(seek(0), "0@1000");
  EXPECT_EQ(seek(1000), "0@1000");
  EXPECT_EQ(seek(1001), "5@1100");
  EXPECT_EQ(seek(1450), "25@1500");
  EXPECT_EQ(seek(1900), "45@1900");
  EXPECT_EQ(seek(1901), "none");
  EXPECT_EQ(seek(int64_t{1} << 60), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "45@1900");
}

TEST_P(LogContract, SeeksEqualTimes) {
  auto& log = open("words-0");
  for (int i = 0; i < 6; ++i)
    log.add(1, i < 3 ? 500 : 700);
  Seeker seek(log);
  EXPECT_EQ(seek(500), "0@500");
  EXPECT_EQ(seek(501), "3@700");
  EXPECT_EQ(seek(700), "3@700");
  EXPECT_EQ(text(log->maxTimestamp()), "3@700");
}

TEST_P(LogContract, SeeksTimesThatGoBack) {
  auto& log = open("words-0");
  for (int64_t timestamp : {300, 900, 100, 500, 900, 950, 200})
    log.add(2, timestamp);
  Seeker seek(log);
  EXPECT_EQ(seek(1), "0@300");
  EXPECT_EQ(seek(301), "2@900");
  EXPECT_EQ(seek(900), "2@900");
  EXPECT_EQ(seek(901), "10@950");
  EXPECT_EQ(seek(951), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "10@950");
}

TEST_P(LogContract, BatchesWithoutTimeAreNeverHit) {
  auto& log = open("words-0");
  log.add(1, -1);
  log.add(1, 50);
  log.add(1, -1);
  EXPECT_EQ(text(log->seekTime(TimestampMs(0))), "1@50");
  EXPECT_EQ(text(log->seekTime(TimestampMs(51))), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "1@50");
  log.expectExtentsSound();
}

TEST_P(LogContract, TimesBelowTheStartAreForgotten) {
  auto& log = open("words-0");
  for (int64_t timestamp : {300, 900, 400, 500})
    log.add(10, timestamp);
  Seeker seek(log);
  log.dropBefore(15);  // inside of the batch with the highest time, which is still there
  EXPECT_EQ(seek(0), "10@900");
  EXPECT_EQ(text(log->maxTimestamp()), "10@900");
  log.dropBefore(20);
  EXPECT_EQ(seek(0), "20@400");
  EXPECT_EQ(seek(450), "30@500");
  EXPECT_EQ(seek(501), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "30@500");
  reopen();
  EXPECT_EQ(seek(0), "20@400");
  EXPECT_EQ(text(log->maxTimestamp()), "30@500");
}

TEST_P(LogContract, TimesOfACutTailAreForgotten) {
  auto& log = open("words-0");
  for (int64_t timestamp : {300, 500, 900})
    log.add(10, timestamp);
  log.truncateFrom(20);
  EXPECT_EQ(text(log->seekTime(TimestampMs(501))), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "10@500");
  log.add(10, 450);
  EXPECT_EQ(text(log->seekTime(TimestampMs(501))), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "10@500");
  reopen();
  EXPECT_EQ(text(log->seekTime(TimestampMs(501))), "none");
  EXPECT_EQ(text(log->maxTimestamp()), "10@500");
}

// Times wander, over several extents and index entries; the answers are compared with a search through everything.
TEST_P(LogContract, SeeksInALongLog) {
  auto& log = open("words-0", {.segmentBytes = kibibytes(16), .indexIntervalBytes = Bytes(500)});
  std::mt19937_64 random(11);
  for (int i = 0; i < 600; ++i) {
    int64_t timestamp = 10'000 + i * 10 + static_cast<int64_t>(random() % 1000);
    log.add(1 + static_cast<int>(random() % 5), timestamp, random() % 200);
  }
  auto expectSeeks = [&] {
    Offset start = log->bounds().start;
    for (int64_t atLeast = 9'900; atLeast < 17'100; atLeast += 37) {
      kj::Maybe<TimeHit> expected;
      for (size_t i = 0; i < log.written().size() && expected == nullptr; ++i) {
        auto batch = log.written()[i];
        if (batch.nextOffset() <= start || batch.maxTimestamp() < TimestampMs(atLeast)) continue;
        expected = TimeHit{batch.baseOffset(), batch.maxTimestamp()};
      }
      ASSERT_EQ(text(log->seekTime(TimestampMs(atLeast))), text(expected)) << atLeast;
    }
  };
  expectSeeks();
  reopen();
  expectSeeks();
  log.dropBefore(log->bounds().end.value() / 3);
  expectSeeks();
}

}  // namespace
}  // namespace cambium
