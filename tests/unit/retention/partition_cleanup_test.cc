#include "engine/retention/partition_cleanup.h"

#include "tests/support/batches.h"
#include "tests/unit/partition/partition_fixture.h"
#include "tests/unit/retention/keyed_batches.h"

namespace cambium {
namespace {

class FixedEntropy final : public Entropy {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) const override { memset(buffer.begin(), 5, buffer.size()); }
};

class PartitionCleanupTest : public PartitionTest {
 public:
  ~PartitionCleanupTest() noexcept override = default;

 protected:
  static constexpr int64_t kHour = 3'600'000;

  static CleanupConfig deleting(int64_t retentionMs, int64_t retentionBytes = -1) {
    CleanupConfig config;
    config.retentionMs = retentionMs;
    config.retentionBytes = retentionBytes;
    return config;
  }
  static CleanupConfig compacting() {
    CleanupConfig config;
    config.policy = CleanupPolicy::kCompact;
    config.minCleanableDirtyRatio = 0;
    return config;
  }
  // Every batch is an extent of its own.
  static PartitionConfig smallExtents() {
    PartitionConfig config;
    config.log.segmentBytes = Bytes(1);
    return config;
  }
  void begin(CleanupConfig config, PartitionConfig partitionConfig = smallExtents()) {
    cleanup = nullptr;
    open(kj::mv(partitionConfig));
    cleanup =
        kj::refcounted<PartitionCleanup>(context, kj::addRef(*partition), LogId{kj::str("words-0"), Uuid()}, config);
  }
  // One record, of now.
  void put(const std::string& key, std::optional<std::string> value = "1", int64_t ageMs = 0) {
    auto batch = keyedBatch(0, {{key, value, clock.nowMs - ageMs}});
    auto appended = partition->append(batch);
    KJ_REQUIRE(appended.ok(), appended.error());
    settle();
  }
  void pass(int64_t ms) { clock.nowMs += ms; }
  int retain() {
    int turns = 1;
    while (cleanup->retainSome())
      ++turns;
    return turns;
  }
  int64_t logStart() { return partition->status().logStart.value(); }
  // Lets virtual time of the timers pass, too.
  void compact() {
    auto done = cleanup->compact();
    for (int i = 0; i < 1000 && !done.poll(scope); ++i)
      advance(1);
    KJ_REQUIRE(done.poll(scope), "compaction does not end");
    done.wait(scope);
  }
  bool due() {
    if (cleanup->needsProgress()) cleanup->loadProgress().wait(scope);
    return cleanup->dirtyRatioIfDue() != nullptr;
  }
  std::string contents() {
    auto status = partition->status();
    auto read = partition->read(status.logStart, Bytes(1 << 20));
    KJ_REQUIRE(read.ok(), read.error());
    EXPECT_EQ(read.value().nextOffset, status.highWatermark);
    return describeKeyed(read.value().batches);
  }
  std::string failure() {
    auto status = partition->status();
    KJ_IF_MAYBE(text, status.compaction.failure) return text->cStr();
    return "";
  }

  FixedEntropy entropy;
  Throttle throttle{timer, Bytes(0)};
  CleanupContext context{pool, clock, entropy, throttle, CleanerTable(*engine), 1000, 15'000};
  kj::Own<PartitionCleanup> cleanup;
};

TEST_F(PartitionCleanupTest, RetentionByTime) {
  begin(deleting(kHour));
  for (int i = 0; i < 3; ++i) {
    put("a");
    pass(kHour / 2);
  }
  // Ages: 90, 60 and 30 minutes.
  retain();
  EXPECT_EQ(logStart(), 1);
  EXPECT_EQ(metrics.deletedExtents, 1u);
  EXPECT_GT(metrics.deletedBytes, 0u);
  pass(1);
  retain();
  EXPECT_EQ(logStart(), 2);
  // The last extent as well; what comes then begins a new one.
  pass(kHour);
  retain();
  EXPECT_EQ(logStart(), 3);
  EXPECT_EQ(metrics.deletedExtents, 3u);
  put("b");
  EXPECT_EQ(contents(), "[3..3 3 b=1]");
}

TEST_F(PartitionCleanupTest, TheClockMayJump) {
  begin(deleting(kHour));
  put("a");
  put("b");
  pass(-10 * 24 * kHour);
  retain();
  EXPECT_EQ(logStart(), 0);
  put("c");
  pass(10 * 24 * kHour + kHour + 1);
  retain();
  EXPECT_EQ(logStart(), 3);
}

TEST_F(PartitionCleanupTest, RetentionBySizeInSmallSteps) {
  begin(deleting(-1, 0));
  for (int i = 0; i < 20; ++i)
    put("a");
  EXPECT_EQ(retain(), 3) << "eight extents in a turn";
  EXPECT_EQ(logStart(), 20);
  EXPECT_EQ(metrics.deletedExtents, 20u);
}

TEST_F(PartitionCleanupTest, RetentionIsAlteredWhileItRuns) {
  begin(deleting(-1));
  for (int i = 0; i < 5; ++i)
    put("a");
  pass(kHour);
  retain();
  EXPECT_EQ(logStart(), 0);
  cleanup->configure(deleting(kHour - 1));
  retain();
  EXPECT_EQ(logStart(), 5);
}

TEST_F(PartitionCleanupTest, NothingGoesThatIsNotCommitted) {
  pool.holding = true;
  begin(deleting(0, 0));
  put("a");
  put("b");
  pass(kHour);
  retain();
  EXPECT_EQ(logStart(), 0);
  pool.holding = false;
  pool.runAll();
  settle();
  retain();
  EXPECT_EQ(logStart(), 2);
}

TEST_F(PartitionCleanupTest, RecordsWithoutTimeAgeFromWhenTheyWereSeen) {
  begin(deleting(kHour));
  auto batch = keyedBatch(0, {{"a", "1", -1}});
  ASSERT_TRUE(partition->append(batch).ok());
  settle();
  retain();
  pass(kHour);
  retain();
  EXPECT_EQ(logStart(), 0);
  pass(1);
  retain();
  EXPECT_EQ(logStart(), 1);
}

TEST_F(PartitionCleanupTest, Compacts) {
  begin(compacting());
  put("a", "1");
  put("b", "1");
  put("a", "2");
  put("c", "1");
  ASSERT_TRUE(due());
  compact();
  // The last extent is open.
  EXPECT_EQ(contents(), "[1..1 1 b=1] [2..2 2 a=2] [3..3 3 c=1]");
  EXPECT_EQ(partition->status().compaction.cleanedUpTo, Offset(3));
  EXPECT_EQ(failure(), "");
  EXPECT_EQ(metrics.compactions, 1u);
  EXPECT_EQ(metrics.compactedRecords, 1u);
  EXPECT_GT(metrics.compactionBytes, 0u);
  EXPECT_FALSE(due());
}

TEST_F(PartitionCleanupTest, WhatNobodySyncsIsSyncedToBeCompacted) {
  auto config = smallExtents();
  config.durability = Durability::kOs;
  begin(compacting(), kj::mv(config));
  put("a", "1");
  EXPECT_FALSE(due());
  settle();
  EXPECT_EQ(durable(), 0) << "there is nothing to compact";
  put("a", "2");
  put("b", "1");
  EXPECT_FALSE(due());
  settle();
  EXPECT_EQ(durable(), 3);
  ASSERT_TRUE(due());
  compact();
  EXPECT_EQ(contents(), "[1..1 1 a=2] [2..2 2 b=1]");
  EXPECT_EQ(metrics.syncs, 1u);
}

TEST_F(PartitionCleanupTest, WhatWasCompactedIsKnownAfterARestart) {
  begin(compacting());
  put("a", "1");
  put("a", "2");
  put("a", "3");
  ASSERT_TRUE(due());
  compact();
  begin(compacting());
  EXPECT_FALSE(due());
  EXPECT_EQ(metrics.compactions, 1u);
  // Lost, it costs another pass.
  CleanerTable table(*engine);
  LogId log{kj::str("words-0"), Uuid()};
  EXPECT_EQ(table.load(log).cleanedUpTo, Offset(2));
  table.forget({&log, 1});
  EXPECT_EQ(table.load(log).cleanedUpTo, kNoOffset);
  begin(compacting());
  EXPECT_TRUE(due());
}

TEST_F(PartitionCleanupTest, AnOldOpenExtentIsClosedAndCompacted) {
  auto config = PartitionConfig();
  config.log.segmentMs = kHour;
  begin(compacting(), kj::mv(config));
  put("a", "1");
  put("a", "2");
  EXPECT_FALSE(due());
  pass(kHour + 1);
  ASSERT_TRUE(due());
  compact();
  EXPECT_EQ(contents(), "[1..1 1 a=2]");
  EXPECT_FALSE(due()) << "it is not open because nothing came";
  put("a", "3");
  EXPECT_FALSE(due());
  pass(kHour + 1);
  ASSERT_TRUE(due());
  compact();
  EXPECT_EQ(contents(), "[2..2 2 a=3]");
}

TEST_F(PartitionCleanupTest, TheGreatestLagIsKept) {
  auto config = compacting();
  config.minCleanableDirtyRatio = 1;
  config.maxCompactionLagMs = kHour;
  begin(config);
  put("a", "1");
  put("a", "2");
  put("a", "3");
  EXPECT_FALSE(due());
  pass(kHour);
  EXPECT_FALSE(due());
  pass(1);
  EXPECT_TRUE(due());
}

TEST_F(PartitionCleanupTest, TombstonesGoWithoutAnythingNew) {
  begin(compacting());
  put("a", "1");
  put("a", {});
  put("b", "1");
  ASSERT_TRUE(due());
  compact();
  EXPECT_FALSE(due());
  pass(24 * kHour);
  ASSERT_TRUE(due());
  compact();
  EXPECT_EQ(contents(), "[2..2 2 b=1]");
  EXPECT_FALSE(due());
}

TEST_F(PartitionCleanupTest, BothPolicies) {
  auto config = compacting();
  config.policy = CleanupPolicy::kCompactDelete;
  config.retentionMs = kHour;
  begin(config);
  put("old", "1");
  pass(kHour);
  put("a", "1");
  put("a", "2");
  put("b", "1");
  pass(1);
  ASSERT_TRUE(due());
  compact();
  retain();
  // Where the first a was there is an extent without records: it goes as what is behind it does.
  EXPECT_EQ(contents(), "[2..2 2 a=2] [3..3 3 b=1]");
  EXPECT_EQ(logStart(), 1);
  pass(kHour);
  retain();
  EXPECT_EQ(logStart(), 4);
}

TEST_F(PartitionCleanupTest, AFailureIsShownAndTriedAgainLater) {
  begin(compacting());
  put("a", "1");
  put("a", "2");
  put("b", "1");
  ASSERT_TRUE(due());
  store.setCapacity(engine->usage().logBytes);
  compact();
  EXPECT_NE(failure(), "");
  EXPECT_EQ(metrics.compactionFailures, 1u);
  EXPECT_EQ(contents(), "[0..0 0 a=1] [1..1 1 a=2] [2..2 2 b=1]");
  EXPECT_FALSE(due()) << "not at once";
  pass(14'999);
  EXPECT_FALSE(due());
  pass(1);
  ASSERT_TRUE(due());
  compact();
  EXPECT_EQ(metrics.compactionFailures, 2u);
  pass(15'000);
  EXPECT_FALSE(due()) << "later each time";
  pass(15'000);
  store.setCapacity(mebibytes(1));
  ASSERT_TRUE(due());
  compact();
  EXPECT_EQ(failure(), "");
  EXPECT_EQ(contents(), "[1..1 1 a=2] [2..2 2 b=1]");
}

TEST_F(PartitionCleanupTest, ABatchThatCannotBeReadIsShownAndTheRestServes) {
  {
    auto log = engine->open({kj::str("words-0"), Uuid()}, smallExtents().log);
    log->append(makeBatch(Offset(0), 2, TimestampMs(1000), 50, 1));
    syncNow(*log);
  }
  begin(compacting());
  put("a", "1");
  ASSERT_TRUE(due());
  compact();
  EXPECT_NE(failure().find("a batch cannot be compacted; batch.baseOffset() = 0"), std::string::npos) << failure();
  EXPECT_EQ(metrics.compactionFailures, 1u);
  EXPECT_FALSE(partition->isOffline());
  put("a", "2");
  EXPECT_EQ(highWatermark(), 4);
  // It is no longer shown of a topic that is not compacted.
  cleanup->configure(deleting(-1));
  EXPECT_EQ(failure(), "");
}

TEST_F(PartitionCleanupTest, ClosingWaitsForWhatIsUnderWay) {
  begin(compacting());
  put("a", "1");
  put("a", "2");
  put("b", "1");
  ASSERT_TRUE(due());
  pool.holding = true;
  auto compacting = cleanup->compact();
  auto closing = partition->close(Partition::Ending::kKept);
  settle();
  EXPECT_FALSE(closing.poll(scope));
  pool.runOne();
  ASSERT_TRUE(closing.poll(scope));
  ASSERT_TRUE(compacting.poll(scope));
  EXPECT_EQ(pool.held(), 0u);
  EXPECT_FALSE(cleanup->retainSome());
  EXPECT_EQ(metrics.compactionFailures, 0u);
}

// What is copied to another engine must not change under the copy.
TEST_F(PartitionCleanupTest, AMoveIsNotDisturbed) {
  begin(compacting());
  put("a", "1");
  put("a", "2");
  put("b", "1");
  ASSERT_TRUE(due());
  auto before = contents();
  pool.holding = true;
  auto compacting = cleanup->compact();
  partition->setMoving(true);
  auto unheld = partition->whenUnheld();
  EXPECT_FALSE(unheld.poll(scope)) << "a pass is under way";
  pool.holding = false;
  pool.runAll();
  settle();
  EXPECT_TRUE(compacting.poll(scope));
  EXPECT_TRUE(unheld.poll(scope));
  EXPECT_FALSE(due());
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(metrics.compactionFailures, 0u);
  // While the logs are exchanged retention waits as well.
  partition->holdAppends();
  EXPECT_FALSE(cleanup->retainSome());
  EXPECT_EQ(partition->maintain("look at", [](PartitionLog&) { return true; }).error().code,
            ErrorCode::kRequestTimedOut);
  partition->releaseAppends();
  partition->setMoving(false);
  compact();
  EXPECT_NE(contents(), before);
}

TEST_F(PartitionCleanupTest, AThrottledPassEndsWhenThePartitionCloses) {
  Throttle slow(timer, Bytes(1));
  CleanupContext slowly{pool, clock, entropy, slow, CleanerTable(*engine), 1000, 15'000};
  open(smallExtents());
  cleanup =
      kj::refcounted<PartitionCleanup>(slowly, kj::addRef(*partition), LogId{kj::str("words-0"), Uuid()}, compacting());
  put("a", "1");
  put("a", "2");
  put("b", "1");
  auto passing = cleanup->compact();
  advance(10'000);
  EXPECT_FALSE(passing.poll(scope)) << "a byte a second";
  partition->close(Partition::Ending::kKept).wait(scope);
  EXPECT_TRUE(passing.poll(scope));
  cleanup = nullptr;
}

TEST(ThrottleTest, SpreadsBytesOverTime) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  auto now = kj::origin<kj::TimePoint>();
  kj::TimerImpl timer(now);
  Throttle throttle(timer, Bytes(1000));
  auto first = throttle.pay(Bytes(500));
  auto second = throttle.pay(Bytes(500));
  auto at = [&](int64_t ms) { timer.advanceTo(now + ms * kj::MILLISECONDS); };
  at(499);
  EXPECT_FALSE(first.poll(scope));
  at(500);
  EXPECT_TRUE(first.poll(scope));
  at(999);
  EXPECT_FALSE(second.poll(scope));
  at(1000);
  EXPECT_TRUE(second.poll(scope));
  // An hour without work gives no right to more at once.
  at(3'600'000);
  auto third = throttle.pay(Bytes(100));
  at(3'600'099);
  EXPECT_FALSE(third.poll(scope));
  at(3'600'100);
  EXPECT_TRUE(third.poll(scope));
  EXPECT_TRUE(Throttle(timer, Bytes(0)).pay(Bytes(1 << 30)).poll(scope));
}

}  // namespace
}  // namespace cambium
