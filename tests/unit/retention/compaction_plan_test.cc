#include "engine/retention/compaction_plan.h"

#include <gtest/gtest.h>
#include <string>

namespace cambium {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

// Four extents of ten records and 100 bytes each, one minute old, the last one open.
LogPicture fourExtents() {
  LogPicture log;
  for (int64_t at = 0; at < 40; at += 10)
    log.extents.add(Extent{Offset(at), Offset(at + 10), Bytes(100), TimestampMs(kNow - 60'000)});
  log.bounds = {Offset(0), Offset(40), Offset(40)};
  log.highWatermark = Offset(40);
  return log;
}

CleanupConfig compacted(double ratio = 0.5) {
  CleanupConfig config;
  config.policy = CleanupPolicy::kCompact;
  config.minCleanableDirtyRatio = ratio;
  return config;
}

// "0..30 dirty from 10", or "not due".
std::string planOf(const LogPicture& log, const CleanupConfig& config, CleanerProgress progress = {},
                   int64_t firstDirtyAge = -1, int64_t now = kNow) {
  auto timestamp = firstDirtyAge < 0 ? kNoTimestamp : TimestampMs(kNow - firstDirtyAge);
  KJ_IF_MAYBE(plan, planCompaction(log, config, progress, timestamp, TimestampMs(now))) {
    return kj::str(plan->extents.front().first, "..", plan->end, " dirty from ", plan->firstDirty).cStr();
  }
  return "not due";
}

CleanerProgress upTo(int64_t offset) {
  return {Offset(offset), kNoTimestamp};
}

TEST(CompactionPlanTest, ByDirtyRatio) {
  auto log = fourExtents();
  struct Row {
    double ratio;
    int64_t cleanedUpTo;
    const char* plan;
  };
  const Row rows[] = {
      {0.5, -1, "0..30 dirty from 0"},
      {0.5, 0, "0..30 dirty from 0"},
      {0.5, 10, "0..30 dirty from 10"},
      {0.7, 10, "not due"},
      {0.5, 20, "not due"},
      {0.3, 20, "0..30 dirty from 20"},
      {0.5, 15, "0..30 dirty from 15"},  // counts as dirty as a whole
      {0, 30, "not due"},
      {0, 25, "0..30 dirty from 25"},
      {1, -1, "not due"},
  };
  for (auto& row : rows)
    EXPECT_EQ(planOf(log, compacted(row.ratio), upTo(row.cleanedUpTo)), row.plan)
        << row.ratio << " " << row.cleanedUpTo;
}

TEST(CompactionPlanTest, OnlyWherePolicySaysCompact) {
  auto config = compacted();
  for (auto policy : {CleanupPolicy::kDelete, CleanupPolicy::kNone}) {
    config.policy = policy;
    EXPECT_EQ(planOf(fourExtents(), config), "not due");
  }
  config.policy = CleanupPolicy::kCompactDelete;
  EXPECT_EQ(planOf(fourExtents(), config), "0..30 dirty from 0");
}

TEST(CompactionPlanTest, OnlyWhatIsClosedDurableAndCommitted) {
  auto log = fourExtents();
  log.lastIsClosed = true;
  EXPECT_EQ(planOf(log, compacted()), "0..40 dirty from 0");
  log.highWatermark = Offset(39);
  EXPECT_EQ(planOf(log, compacted()), "0..30 dirty from 0");
  log.highWatermark = Offset(40);
  log.bounds.durable = Offset(20);
  EXPECT_EQ(planOf(log, compacted()), "0..20 dirty from 0");
  log.bounds.durable = Offset(5);
  EXPECT_EQ(planOf(log, compacted()), "not due");
  EXPECT_EQ(planOf(LogPicture(), compacted()), "not due");
}

TEST(CompactionPlanTest, YoungRecordsAreSafe) {
  auto log = fourExtents();
  auto config = compacted(0);
  config.minCompactionLagMs = 60'000;
  EXPECT_EQ(planOf(log, config), "0..30 dirty from 0");
  config.minCompactionLagMs = 60'001;
  EXPECT_EQ(planOf(log, config), "not due");
  log.extents[0].maxTimestamp = TimestampMs(kNow - 70'000);
  EXPECT_EQ(planOf(log, config), "0..10 dirty from 0");
  // What was compacted before does not stand in the way.
  EXPECT_EQ(planOf(log, config, upTo(10)), "not due");
  log.extents[1].maxTimestamp = TimestampMs(kNow - 70'000);
  EXPECT_EQ(planOf(log, config, upTo(10)), "0..20 dirty from 10");
  // A clock that was set back makes all of them young.
  EXPECT_EQ(planOf(log, config, {}, -1, kNow - 1'000'000), "not due");
}

TEST(CompactionPlanTest, LateRecordsAreDueWhateverThereIsToGain) {
  auto config = compacted(0.9);
  config.maxCompactionLagMs = 50'000;
  EXPECT_EQ(planOf(fourExtents(), config, upTo(20)), "not due");
  EXPECT_EQ(planOf(fourExtents(), config, upTo(20), 50'000), "not due");
  EXPECT_EQ(planOf(fourExtents(), config, upTo(20), 50'001), "0..30 dirty from 20");
  EXPECT_EQ(planOf(fourExtents(), config, upTo(30), 50'001), "not due");
}

TEST(CompactionPlanTest, TombstonesWhoseTimeIsOver) {
  auto config = compacted(0.9);
  EXPECT_EQ(planOf(fourExtents(), config, {Offset(30), TimestampMs(kNow + 1)}), "not due");
  EXPECT_EQ(planOf(fourExtents(), config, {Offset(30), TimestampMs(kNow)}), "0..30 dirty from 30");
  EXPECT_EQ(planOf(fourExtents(), config, {Offset(20), TimestampMs(kNow)}), "0..30 dirty from 20");
}

TEST(CompactionPlanTest, ProgressOfAnotherLifeIsNone) {
  auto log = fourExtents();
  EXPECT_EQ(planOf(log, compacted(), upTo(41)), "0..30 dirty from 0");
  log.bounds.start = Offset(15);
  log.extents.clear();
  log.extents.add(Extent{Offset(10), Offset(20), Bytes(100), TimestampMs(kNow)});
  log.extents.add(Extent{Offset(20), Offset(40), Bytes(100), TimestampMs(kNow)});
  EXPECT_EQ(planOf(log, compacted(), upTo(10)), "10..20 dirty from 15");
}

}  // namespace
}  // namespace cambium
