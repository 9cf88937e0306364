#include "tests/unit/partition/partition_fixture.h"

namespace cambium {
namespace {

class DurabilityTest : public PartitionTest {
 public:
  ~DurabilityTest() noexcept override = default;

 protected:
  // An append whose first sync met a full device: what its sender waits for.
  kj::Promise<Result<void>> appendHeldUp() {
    open();
    pool.holding = true;
    append({{"a"}});
    auto committed = partition->whenCommitted(Offset(1));
    settle();
    store.failNextSync("no space left", kj::Exception::Type::OVERLOADED);
    pool.runAll();
    settle();
    return committed;
  }
};

TEST_F(DurabilityTest, FsyncShowsWhatIsOnTheDevice) {
  open();
  pool.holding = true;
  EXPECT_EQ(append({{"a"}, {"b"}}), 2);
  auto committed = partition->whenCommitted(Offset(2));
  settle();
  EXPECT_TRUE(ready(committed) == nullptr);
  EXPECT_EQ(highWatermark(), 0);
  EXPECT_EQ(partition->read(Offset(0), mebibytes(1)).value().batches.size(), 0u);
  pool.runAll();
  settle();
  EXPECT_TRUE(KJ_ASSERT_NONNULL(ready(committed)).ok());
  EXPECT_EQ(highWatermark(), 2);
  EXPECT_EQ(durable(), 2);
  EXPECT_EQ(partition->read(Offset(0), mebibytes(1)).value().nextOffset.value(), 2);
  EXPECT_TRUE(partition->whenCommitted(Offset(2)).wait(scope).ok()) << "at once, when it is so already";
}

TEST_F(DurabilityTest, WhoAsksForTheNewestWaitsForWhatWasAcknowledgedBefore) {
  open();
  EXPECT_TRUE(partition->whenAcknowledgedReadable().poll(scope));
  pool.holding = true;
  append({{"a"}});
  partition->noteAcknowledged(Offset(1));
  settle();
  append({{"b"}});
  auto asked = partition->whenAcknowledgedReadable();
  partition->noteAcknowledged(Offset(2));
  EXPECT_FALSE(asked.poll(scope));
  EXPECT_EQ(partition->deleteRecords(Offset(2)).error().code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(partition->deleteRecords(Offset(3)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(partition->read(Offset(0), mebibytes(1)).value().acknowledged, Offset(2));
  EXPECT_EQ(partition->read(Offset(0), mebibytes(1)).value().batches.size(), 0u) << "nothing unsynced is shown";
  pool.runOne();
  settle();
  EXPECT_EQ(highWatermark(), 1);
  EXPECT_TRUE(asked.poll(scope)) << "what came later is waited for by those who ask later";
  auto later = partition->whenAcknowledgedReadable();
  EXPECT_FALSE(later.poll(scope));
  advance(kAcknowledgedWaitMs);
  EXPECT_TRUE(later.poll(scope)) << "a device that takes its time holds nobody up for long";
  clock.nowMs += kAcknowledgedWaitMs;
  EXPECT_TRUE(partition->whenAcknowledgedReadable().poll(scope)) << "and nobody who asks when it has taken it";
  EXPECT_EQ(highWatermark(), 1);
  pool.runAll();
  settle();
  EXPECT_TRUE(partition->whenAcknowledgedReadable().poll(scope));
  EXPECT_EQ(partition->deleteRecords(Offset(2)).value(), Offset(2));
}

TEST_F(DurabilityTest, AllThatComesDuringASyncSharesTheNext) {
  open();
  pool.holding = true;
  append({{"a"}});
  settle();
  ASSERT_EQ(pool.held(), 1u);
  for (int i = 0; i < 50; ++i)
    append({{"b"}});
  settle();
  EXPECT_EQ(pool.held(), 1u) << "one sync at a time";
  pool.runAll();
  settle();
  EXPECT_EQ(highWatermark(), 1) << "the first sync covers what was there when it began";
  pool.runAll();
  settle();
  EXPECT_EQ(highWatermark(), 51);
  EXPECT_EQ(metrics.syncs, 2u);
  EXPECT_EQ(pool.held(), 0u);
}

TEST_F(DurabilityTest, IntervalSyncsAfterItsTime) {
  open(with(Durability::kInterval, 50));
  append({{"a"}});
  EXPECT_TRUE(partition->whenCommitted(Offset(1)).wait(scope).ok()) << "the page cache is what was promised";
  settle();
  advance(49);
  EXPECT_EQ(durable(), 0);
  append({{"b"}});
  advance(1);
  EXPECT_EQ(durable(), 2) << "what came meanwhile rides along";
  EXPECT_EQ(metrics.syncs, 1u);
  advance(1000);
  EXPECT_EQ(metrics.syncs, 1u) << "nothing to do";
  append({{"c"}});
  advance(50);
  EXPECT_EQ(durable(), 3);
}

// What a power loss would take, and since when.
TEST_F(DurabilityTest, UnsyncedBytesAndTheirAgeAreKnown) {
  auto unsynced = [this] {
    auto status = partition->status().unsynced;
    return kj::str(status.bytes, " for ", status.ageMs);
  };
  open(with(Durability::kOs));
  EXPECT_EQ(unsynced(), "0 for 0");
  auto size = batchOf({{"a"}}).size();
  append({{"a"}});
  clock.nowMs += 70;
  append({{"b"}});
  clock.nowMs += 5;
  EXPECT_EQ(unsynced(), kj::str(2 * size, " for 75"));
  // A sync that is under way covers what was there when it began.
  pool.holding = true;
  partition->configure(with(Durability::kFsync));
  settle();
  clock.nowMs += 10;
  append({{"c"}});
  EXPECT_EQ(unsynced(), kj::str(3 * size, " for 85"));
  pool.runOne();
  clock.nowMs += 3;
  settle();
  EXPECT_EQ(unsynced(), kj::str(size, " for 3"));
  pool.runAll();
  settle();
  EXPECT_EQ(unsynced(), "0 for 0");
  // Deleted is not lost.
  partition->configure(with(Durability::kOs));
  append({{"d"}});
  EXPECT_TRUE(partition->deleteRecords(kNoOffset).ok());
  EXPECT_EQ(unsynced(), "0 for 0");
  clock.nowMs += 1000;
  append({{"e"}});
  EXPECT_EQ(unsynced(), kj::str(size, " for 0"));
}

TEST_F(DurabilityTest, OsNeverSyncsByItself) {
  open(with(Durability::kOs));
  append({{"a"}});
  EXPECT_TRUE(partition->whenCommitted(Offset(1)).wait(scope).ok());
  advance(1'000'000);
  EXPECT_EQ(metrics.syncs, 0u);
  EXPECT_EQ(highWatermark(), 1);
  partition->close().wait(scope);
  EXPECT_EQ(metrics.syncs, 1u) << "but a clean end does";
}

TEST_F(DurabilityTest, AnIntervalEndsWhenTheTopicTurnsToFsync) {
  open(with(Durability::kInterval, 3'600'000));
  append({{"a"}});
  settle();
  partition->configure(with(Durability::kFsync));
  append({{"b"}});
  auto committed = partition->whenCommitted(Offset(2));
  settle();
  EXPECT_TRUE(KJ_ASSERT_NONNULL(ready(committed), "it still waits for the old interval").ok());
  EXPECT_EQ(durable(), 2);
}

TEST_F(DurabilityTest, AShorterIntervalHoldsAtOnce) {
  open(with(Durability::kInterval, INT64_MAX));
  append({{"a"}});
  advance(1'000'000);
  EXPECT_EQ(durable(), 0) << "the longest interval is long";
  partition->configure(with(Durability::kInterval, 10));
  append({{"b"}});
  advance(10);
  EXPECT_EQ(durable(), 2);
}

TEST_F(DurabilityTest, TheHighWatermarkNeverGoesBack) {
  open(with(Durability::kOs));
  append({{"a"}});
  pool.holding = true;
  partition->configure(with(Durability::kFsync));
  EXPECT_EQ(highWatermark(), 1);
  append({{"b"}});
  EXPECT_EQ(highWatermark(), 1);
  pool.holding = false;
  pool.runAll();
  settle();
  EXPECT_EQ(highWatermark(), 2);
}

TEST_F(DurabilityTest, AFailedSyncTakesThePartitionOfflineForEverybody) {
  open();
  pool.holding = true;
  append({{"a"}});
  auto committed = partition->whenCommitted(Offset(1));
  auto readable = partition->whenReadable(Offset(0));
  settle();
  store.failNextSync("the cable is out");
  pool.runAll();
  settle();
  auto outcome = KJ_ASSERT_NONNULL(ready(committed));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kStorageError);
  std::string message = outcome.error().message.cStr();
  EXPECT_NE(message.find("partition words-0 is offline: sync failed: "), std::string::npos) << message;
  EXPECT_NE(message.find("the cable is out"), std::string::npos) << message;
  EXPECT_TRUE(readable.poll(scope));
  EXPECT_TRUE(partition->isOffline());
  for (auto code : {tryAppend({{"b"}}).error().code, partition->read(Offset(0), Bytes(1)).error().code,
                    partition->findOffset({OffsetQuery::Kind::kLatest}).error().code,
                    partition->deleteRecords(Offset(0)).error().code,
                    partition->whenCommitted(Offset(9)).wait(scope).error().code}) {
    EXPECT_EQ(code, ErrorCode::kStorageError);
  }
  EXPECT_TRUE(partition->status().offline != nullptr);
  EXPECT_EQ(metrics.syncFailures, 1u);
  EXPECT_EQ(partition->waiting(), 0u);
  partition->configure(with(Durability::kOs));
  partition->close().wait(scope);
}

TEST_F(DurabilityTest, ASyncThatAFullDeviceHoldsUpIsDoneWhenThereIsRoom) {
  open();
  pool.holding = true;
  append({{"a"}});
  auto committed = partition->whenCommitted(Offset(1));
  settle();
  for (int attempt = 0; attempt < 3; ++attempt) {
    ASSERT_EQ(pool.held(), 1u);
    store.failNextSync("no space left", kj::Exception::Type::OVERLOADED);
    pool.runAll();
    settle();
    EXPECT_FALSE(committed.poll(scope));
    EXPECT_FALSE(partition->isOffline());
    EXPECT_GT(partition->unsynced().bytes, Bytes(0));
    EXPECT_EQ(pool.held(), 0u) << "not before a moment has passed";
    advance(200);
  }
  pool.holding = false;
  pool.runAll();
  settle();
  EXPECT_TRUE(committed.wait(scope).ok());
  EXPECT_EQ(metrics.syncFailures, 0u);
  EXPECT_EQ(metrics.syncs, 1u);
}

TEST_F(DurabilityTest, CloseDoesNotWaitForRoomOnTheDevice) {
  auto committed = appendHeldUp();
  auto closed = partition->close();
  settle();
  ASSERT_EQ(pool.held(), 1u) << "once more, at once";
  store.failNextSync("no space left", kj::Exception::Type::OVERLOADED);
  pool.runAll();
  closed.wait(scope);
  EXPECT_FALSE(committed.wait(scope).ok());
  EXPECT_TRUE(partition->isOffline());
}

// A broker that stops answers those who wait for room before it closes anything: groups and moves wait for syncs.
TEST_F(DurabilityTest, WhoWaitsForRoomIsAnsweredBeforeTheClose) {
  auto committed = appendHeldUp();
  EXPECT_FALSE(committed.poll(scope));
  partition->awaitRoomNoMore();
  settle();
  ASSERT_EQ(pool.held(), 1u) << "once more, at once";
  store.failNextSync("no space left", kj::Exception::Type::OVERLOADED);
  pool.runAll();
  settle();
  ASSERT_TRUE(committed.poll(scope));
  EXPECT_FALSE(committed.wait(scope).ok());
}

TEST_F(DurabilityTest, CloseWaitsForTheSyncAndWakesWhoWaits) {
  open();
  pool.holding = true;
  append({{"a"}});
  settle();
  append({{"b"}});
  auto committed = partition->whenCommitted(Offset(2));
  auto never = partition->whenCommitted(Offset(3));
  auto readable = partition->whenReadable(Offset(7));
  auto closed = partition->close();
  settle();
  EXPECT_FALSE(closed.poll(scope));
  pool.runAll();
  settle();
  EXPECT_FALSE(closed.poll(scope)) << "what came during the first sync is synced too";
  pool.holding = false;
  pool.runAll();
  closed.wait(scope);
  EXPECT_TRUE(committed.wait(scope).ok());
  EXPECT_EQ(never.wait(scope).error().code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_TRUE(readable.poll(scope));
  EXPECT_EQ(tryAppend({{"c"}}).error().code, ErrorCode::kUnknownTopicOrPartition);
  open();
  EXPECT_EQ(highWatermark(), 2);
}

TEST_F(DurabilityTest, CloseCutsAnIntervalShort) {
  open(with(Durability::kInterval, 3'600'000));
  append({{"a"}});
  settle();
  partition->close().wait(scope);
  EXPECT_EQ(metrics.syncs, 1u);
}

TEST_F(DurabilityTest, CloseOutlivesAFailingSync) {
  open(with(Durability::kOs));
  append({{"a"}});
  store.failNextSync("the cable is out");
  partition->close().wait(scope);
  EXPECT_TRUE(partition->isOffline());
}

TEST_F(DurabilityTest, AnOpenedLogIsSyncedBeforeItIsShown) {
  open(with(Durability::kOs));
  append({{"a"}});
  // As after a crash of the program alone: the bytes are there, not yet on the device.
  pool.holding = true;
  open();
  EXPECT_EQ(highWatermark(), 0);
  settle();
  pool.runAll();
  settle();
  EXPECT_EQ(highWatermark(), 1);
}

TEST_F(DurabilityTest, ALogThatCouldNotBeOpenedSaysWhy) {
  partition = kj::refcounted<Partition>(kj::str("words-0"), kj::str("segment 0 is damaged"), LeaderEpoch(3),
                                        PartitionContext{pool, timer, clock, metrics, checkPool});
  auto status = partition->status();
  std::string why = KJ_ASSERT_NONNULL(status.offline).cStr();
  EXPECT_EQ(why.find("partition words-0 is offline: segment 0 is damaged; "), 0u) << why;
  EXPECT_NE(why.find("cambium inspect repair"), std::string::npos) << why;
  EXPECT_EQ(status.leaderEpoch.value(), 3);
  EXPECT_EQ(tryAppend({{"a"}}).error().code, ErrorCode::kStorageError);
  EXPECT_TRUE(partition->whenReadable(Offset(0)).poll(scope));
  EXPECT_EQ(partition->whenCommitted(Offset(1)).wait(scope).error().code, ErrorCode::kStorageError);
  partition->close().wait(scope);
}

}  // namespace
}  // namespace cambium
