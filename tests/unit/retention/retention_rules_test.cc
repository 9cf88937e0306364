#include "engine/retention/retention_rules.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace cambium {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

struct Piece {
  int64_t offsets;
  uint64_t bytes;
  int64_t ageMs;  // of the newest record, at kNow
};

// Extents one after another from offset 0 on, the last one open, all of it below the high watermark.
LogPicture logOf(const std::vector<Piece>& pieces) {
  LogPicture log;
  int64_t at = 0;
  for (auto& piece : pieces) {
    log.extents.add(
        Extent{Offset(at), Offset(at + piece.offsets), Bytes(piece.bytes), TimestampMs(kNow - piece.ageMs)});
    at += piece.offsets;
  }
  log.bounds = {Offset(0), Offset(at), Offset(at)};
  log.highWatermark = Offset(at);
  return log;
}

// "30 (3 extents, 300 bytes)", with " closing" when the last one goes.
std::string cutOf(const LogPicture& log, CleanupConfig config, int64_t now = kNow) {
  auto cut = retain(log, config, TimestampMs(now));
  return kj::str(cut.start, " (", cut.extents, " extents, ", cut.bytes, " bytes)", cut.closeLast ? " closing" : "")
      .cStr();
}

CleanupConfig byTime(int64_t ms) {
  CleanupConfig config;
  config.retentionMs = ms;
  return config;
}
CleanupConfig bySize(int64_t bytes) {
  CleanupConfig config;
  config.retentionMs = -1;
  config.retentionBytes = bytes;
  return config;
}

const std::vector<Piece> kFour = {{10, 100, 5000}, {10, 100, 2000}, {10, 100, 3000}, {10, 100, 0}};

TEST(RetentionRulesTest, ByTime) {
  auto log = logOf(kFour);
  struct Row {
    int64_t retentionMs;
    const char* cut;
  };
  const Row rows[] = {
      {-1, "0 (0 extents, 0 bytes)"},      {INT64_MAX, "0 (0 extents, 0 bytes)"},
      {5000, "0 (0 extents, 0 bytes)"},                                          // not older, just as old
      {4999, "10 (1 extents, 100 bytes)"}, {2999, "10 (1 extents, 100 bytes)"},  // the second keeps the third
      {1000, "30 (3 extents, 300 bytes)"}, {0, "30 (3 extents, 300 bytes)"},
  };
  for (auto& row : rows)
    EXPECT_EQ(cutOf(log, byTime(row.retentionMs)), row.cut) << row.retentionMs;
}

TEST(RetentionRulesTest, AnOldActiveExtentIsClosedAndGoes) {
  auto log = logOf({{10, 100, 5000}, {10, 100, 4000}});
  EXPECT_EQ(cutOf(log, byTime(1000)), "20 (2 extents, 200 bytes) closing");
  log.lastIsClosed = true;
  EXPECT_EQ(cutOf(log, byTime(1000)), "20 (2 extents, 200 bytes)");
}

TEST(RetentionRulesTest, BySize) {
  auto log = logOf(kFour);
  struct Row {
    int64_t retentionBytes;
    const char* cut;
  };
  const Row rows[] = {
      {-1, "0 (0 extents, 0 bytes)"},     {400, "0 (0 extents, 0 bytes)"},          {301, "0 (0 extents, 0 bytes)"},
      {300, "10 (1 extents, 100 bytes)"}, {250, "10 (1 extents, 100 bytes)"},       {100, "30 (3 extents, 300 bytes)"},
      {1, "30 (3 extents, 300 bytes)"},   {0, "40 (4 extents, 400 bytes) closing"},
  };
  for (auto& row : rows)
    EXPECT_EQ(cutOf(log, bySize(row.retentionBytes)), row.cut) << row.retentionBytes;
}

TEST(RetentionRulesTest, SizeAndTimeTogether) {
  auto config = bySize(250);
  config.retentionMs = 2500;
  // Size takes the first; the second is young enough and keeps the rest.
  EXPECT_EQ(cutOf(logOf(kFour), config), "10 (1 extents, 100 bytes)");
  config.retentionMs = 1500;
  EXPECT_EQ(cutOf(logOf(kFour), config), "30 (3 extents, 300 bytes)");
}

TEST(RetentionRulesTest, NothingAboveTheHighWatermark) {
  auto log = logOf(kFour);
  log.highWatermark = Offset(25);
  EXPECT_EQ(cutOf(log, byTime(0)), "20 (2 extents, 200 bytes)");
  EXPECT_EQ(cutOf(log, bySize(0)), "20 (2 extents, 200 bytes)");
  log.highWatermark = Offset(9);
  EXPECT_EQ(cutOf(log, byTime(0)), "0 (0 extents, 0 bytes)");
}

TEST(RetentionRulesTest, OnlyWherePolicySaysDelete) {
  for (auto policy :
       {CleanupPolicy::kDelete, CleanupPolicy::kCompactDelete, CleanupPolicy::kCompact, CleanupPolicy::kNone}) {
    auto config = byTime(1000);
    config.policy = policy;
    EXPECT_EQ(retain(logOf(kFour), config, TimestampMs(kNow)).extents, config.deletes() ? 3u : 0u);
  }
}

TEST(RetentionRulesTest, ClockJumps) {
  auto log = logOf(kFour);
  // Back: everything seems to be of the future, and stays.
  EXPECT_EQ(cutOf(log, byTime(1000), kNow - 1'000'000), "0 (0 extents, 0 bytes)");
  EXPECT_EQ(cutOf(log, byTime(1000), 0), "0 (0 extents, 0 bytes)");
  EXPECT_EQ(cutOf(log, byTime(1000), INT64_MIN), "0 (0 extents, 0 bytes)");
  // Forward: by this clock all of it is old.
  EXPECT_EQ(cutOf(log, byTime(1000), kNow + 1'000'000), "40 (4 extents, 400 bytes) closing");
  EXPECT_EQ(cutOf(log, byTime(1000), INT64_MAX), "40 (4 extents, 400 bytes) closing");
}

TEST(RetentionRulesTest, AnEmptyLogAndADroppedBeginning) {
  EXPECT_EQ(cutOf(logOf({}), byTime(0)), "0 (0 extents, 0 bytes)");
  auto log = logOf(kFour);
  log.bounds.start = Offset(15);
  log.extents.clear();
  log.extents.add(Extent{Offset(10), Offset(20), Bytes(100), TimestampMs(kNow - 2000)});
  log.extents.add(Extent{Offset(20), Offset(40), Bytes(100), TimestampMs(kNow)});
  EXPECT_EQ(cutOf(log, byTime(1000)), "20 (1 extents, 100 bytes)");
}

TEST(RetentionRulesTest, TheLastExtentIsClosedWhenItsTimeIsOver) {
  auto log = logOf({{10, 100, 5000}, {10, 100, 2000}});
  EXPECT_TRUE(shouldCloseLast(log, 1999, TimestampMs(kNow)));
  EXPECT_FALSE(shouldCloseLast(log, 2000, TimestampMs(kNow)));
  EXPECT_FALSE(shouldCloseLast(log, 1999, TimestampMs(kNow - 1000)));
  log.lastIsClosed = true;
  EXPECT_FALSE(shouldCloseLast(log, 1999, TimestampMs(kNow)));
  EXPECT_FALSE(shouldCloseLast(logOf({}), 0, TimestampMs(kNow)));
}

TEST(RetentionRulesTest, SpansOfSegments) {
  CleanupConfig config;
  EXPECT_EQ(segmentMsOf(1000, config, 77), 1000);
  config.segmentJitterMs = 100;
  for (uint64_t hash = 0; hash < 500; hash += 7)
    EXPECT_EQ(segmentMsOf(1000, config, hash), 1000 - static_cast<int64_t>(hash % 100));
  // Never longer than the segment itself.
  config.segmentJitterMs = INT64_MAX;
  EXPECT_EQ(segmentMsOf(1000, config, 1999), 1);
  config.segmentJitterMs = 0;
  config.maxCompactionLagMs = 300;
  EXPECT_EQ(segmentMsOf(1000, config, 77), 1000);
  config.policy = CleanupPolicy::kCompact;
  EXPECT_EQ(segmentMsOf(1000, config, 77), 300);
}

TEST(UntimedExtentsTest, AgeFromWhenTheyNoLongerGrow) {
  UntimedExtents untimed;
  auto look = [&](int64_t end, int64_t now) {
    Extent extents[] = {{Offset(0), Offset(10), Bytes(1), TimestampMs(5)},
                        {Offset(10), Offset(end), Bytes(1), kNoTimestamp}};
    untimed.fill(extents, TimestampMs(now));
    EXPECT_EQ(extents[0].maxTimestamp, TimestampMs(5));
    return extents[1].maxTimestamp.value();
  };
  EXPECT_EQ(look(20, 1000), 1000);
  EXPECT_EQ(look(20, 3000), 1000);
  EXPECT_EQ(look(21, 4000), 4000);
  EXPECT_EQ(look(21, 9000), 4000);
  // What comes behind was written later.
  Extent three[] = {{Offset(10), Offset(21), Bytes(1), kNoTimestamp},
                    {Offset(21), Offset(22), Bytes(1), kNoTimestamp},
                    {Offset(22), Offset(30), Bytes(1), TimestampMs(77)},
                    {Offset(30), Offset(40), Bytes(1), TimestampMs(66)}};
  untimed.fill(three, TimestampMs(9100));
  EXPECT_EQ(three[0].maxTimestamp, TimestampMs(77));
  EXPECT_EQ(three[1].maxTimestamp, TimestampMs(77));
  // Gone and there again: another one.
  untimed.fill(nullptr, TimestampMs(9500));
  EXPECT_EQ(look(21, 9999), 9999);
}

}  // namespace
}  // namespace cambium
