#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>
#include <thread>

#include "backends/native/disk_file_system.h"
#include "tests/support/limited_file_system.h"
#include "tests/support/rocks_files.h"
#include "tests/unit/rocksdb/rocks_fixture.h"

namespace cambium {
namespace {

class Buckets : public RocksTest {
 public:
  ~Buckets() noexcept override = default;

 protected:
  Buckets() { options_.bucketBytes = kibibytes(64); }

  // The store is closed meanwhile.
  std::vector<std::string> families() {
    std::vector<std::string> names;
    for (auto& bucket : inspectRocks(path_)->buckets())
      names.push_back(bucket.family.cStr());
    return names;
  }
};

TEST_F(Buckets, HoldTheBatchesOfAllLogsUntilTheyAreFull) {
  open();
  {
    auto one = log("one");
    auto two = log("two");
    for (int i = 0; i < 30; ++i) {
      add(*one, 1);
      add(*two, 1);
    }
    EXPECT_EQ(one->extents().size(), 1u);
    add(*two, 100);
    EXPECT_EQ(one->extents().size(), 1u);
    EXPECT_GE(two->extents().size(), 3u);
    expectWhole(*one);
    expectWhole(*two);
  }
  close();
  auto found = families();
  ASSERT_GE(found.size(), 3u);
  EXPECT_EQ(found[0], "bucket-0000000001");
  auto logs = inspectRocks(path_)->logs();
  ASSERT_EQ(logs.size(), 2u);
  EXPECT_EQ(logs[0].extents[0].family, "bucket-0000000001"_kj);
  EXPECT_EQ(logs[1].extents[0].family, "bucket-0000000001"_kj);
  EXPECT_EQ(logs[1].extents.back().family, kj::StringPtr(found.back().c_str()));
}

TEST_F(Buckets, GoWhenNoLogNeedsThem) {
  open();
  {
    auto one = log("one");
    auto two = log("two");
    add(*one, 10);
    for (int i = 0; i < 10; ++i)
      add(*two, 60);
  }
  close();
  auto before = families();
  uint64_t bytesBefore = bytesIn(".sst");
  ASSERT_GE(before.size(), 9u);
  open();
  {
    auto two = log("two");
    two->dropBefore(two->bounds().end - 10);
  }
  close();
  // The first is kept by the other log, the last is open.
  auto after = families();
  EXPECT_EQ(after, (std::vector<std::string>{before.front(), before.back()}));
  EXPECT_LT(bytesIn(".sst"), bytesBefore / 3);

  open();
  expectWhole(*log("one"));
  expectWhole(*log("two"));
  engine_->drop(testLogId("one"));
  close();
  EXPECT_EQ(families(), (std::vector<std::string>{before.back()}));
  EXPECT_LT(bytesIn(".sst"), bytesBefore / 6);
}

// As when the last topic is deleted, or has moved to another engine.
TEST_F(Buckets, ThatAreOpenGoWhenNothingIsLeftInThem) {
  options_.bucketBytes = mebibytes(16);
  open();
  add(*log("one"), 3000);
  add(*log("small"), 10);
  engine_->drop(testLogId("one"));
  engine_->drop(testLogId("small"));
  expectWhole(*log("next"));
  add(*log("next"), 10);
  expectWhole(*log("next"));
  close();
  EXPECT_EQ(families(), (std::vector<std::string>{"bucket-0000000002"}));
  EXPECT_LT(bytesIn(".sst"), 200000u);
}

// A kill between the change that frees a bucket and its removal: it goes at the next opening.
TEST_F(Buckets, ThatNobodyUsesGoAtTheNextOpening) {
  open();
  {
    auto one = log("one");
    for (int i = 0; i < 5; ++i)
      add(*one, 60);
    one->dropBefore(one->bounds().end);
  }
  kill();
  open();
  close();
  EXPECT_LE(families().size(), 1u);
}

// The device is full in the moment when nobody needs a bucket any more: it goes when there is room, without a restart.
TEST_F(Buckets, WhoseDroppingMeetsAFullDeviceGoLater) {
  open();
  {
    auto one = log("one");
    for (int i = 0; i < 10; ++i)
      add(*one, 60);
    // Waits for the reclaimer: a flush of its own that begins a new log file must not be what finds the device full.
    engine_->drop(testLogId("nobody"));
    // Not by the sync of a flush in the background: then the dropping itself would be refused.
    faults_.onWalSync([this, self = std::this_thread::get_id()] {
      if (std::this_thread::get_id() == self) faults_.setFull(true);
    });
    one->dropBefore(one->bounds().end - 10);
    faults_.onWalSync(nullptr);
    engine_->drop(testLogId("nobody"));
    auto held = engine_->usage().logBytes;
    EXPECT_GT(held, kibibytes(400)) << "refused";
    faults_.setFull(false);
    engine_->reclaim();
    engine_->drop(testLogId("nobody"));
    EXPECT_LT(engine_->usage().logBytes.value(), held.value() / 2);
    expectWhole(*one);
    add(*one, 1);
  }
  close();
  EXPECT_LE(families().size(), 2u);
}

TEST_F(Buckets, AreCompactedWhenMostlyDead) {
  options_.bucketBytes = mebibytes(1);
  open();
  {
    auto slow = log("slow");
    auto fast = log("fast");
    add(*slow, 10);
    add(*fast, 2000);
    fast->dropBefore(fast->bounds().end - 10);
    expectWhole(*slow);
    expectWhole(*fast);
  }
  close();
  for (auto& bucket : inspectRocks(path_)->buckets()) {
    if (bucket.family == "bucket-0000000001"_kj) {
      EXPECT_LT(bucket.bytes.value(), 200000u);
    }
  }
  EXPECT_EQ(inspectRocks(path_)->verify([](kj::StringPtr problem) { ADD_FAILURE() << problem.cStr(); }), 11u);
}

// On a full device: the write-ahead log that a few rows in memory keep goes, and then the dead part of the bucket, also
// where there is room for little more than what is left of it.
TEST_F(Buckets, GiveBackWhatIsDeadWhereThereIsLittleRoom) {
  DiskFileSystem folder(folder_.path(), 256);
  LimitedFileSystem device(folder, uint64_t{1} << 40);
  options_.bucketBytes = mebibytes(512);
  options_.memtableBytes = mebibytes(4);
  constexpr uint64_t kLive = uint64_t{5} << 20;
  engine_ = rocks::openRocksEngineOn(rocksFilesOver(device, folder_.path()), path_, options_, {});
  {
    LogOptions options;
    options.segmentBytes = mebibytes(1);
    auto words = log("words", options);
    add(*words, 13000);
    words->dropBefore(words->bounds().end - 50000);
    EXPECT_GT(bytesIn(".log"), mebibytes(8).value());
    device.setCapacity(device.used() + kLive + mebibytes(4).value());
    // What it schedules is done when another log has been dropped.
    for (int i = 0; i < 20 && device.used() > 2 * kLive; ++i) {
      log(kj::str("other", i)) = nullptr;
      engine_->reclaim();
      engine_->drop(testLogId(kj::str("other", i)));
    }
    EXPECT_LT(device.used(), 2 * kLive);
    EXPECT_LT(bytesIn(".log"), mebibytes(1).value());
    expectWhole(*words);
  }
  close();
}

TEST_F(Buckets, GrowWhenThereAreMany) {
  options_.bucketBytes = kibibytes(8);
  options_.bucketsMax = 20;
  open();
  {
    auto one = log("one");
    for (int i = 0; i < 40; ++i)
      add(*one, 64);
  }
  close();
  // 2.7 MB would be 340 buckets of this size.
  EXPECT_LE(families().size(), 20u);
  EXPECT_GE(families().size(), 10u);
  open();
  expectWhole(*log("one"));
}

TEST_F(Buckets, RollByTimeWhenTheyHoldEnough) {
  options_.bucketBytes = mebibytes(1);
  options_.bucketMs = 1000;
  open();
  auto one = log("one");
  add(*one, 1);
  // Far in the future, but the bucket is nearly empty.
  one->append(makeBatch(Offset(10), 10, TimestampMs(100000), 1000, 1));
  EXPECT_EQ(one->extents().size(), 1u);
  // A batch per 10 ms: the bucket spans its time at once and rolls when it holds a sixteenth of its bytes.
  add(*one, 200);
  EXPECT_EQ(one->extents().size(), 3u);
}

// What was dropped in front of the start is never stepped over, neither by reading nor by searching.
TEST_F(Buckets, ReadsNearTheStartMeetNoTombstones) {
  options_.bucketBytes = mebibytes(16);
  open();
  auto one = log("one");
  auto two = log("two");
  add(*two, 5, 10);
  add(*one, 3000, 10);
  one->dropBefore(Offset(29905));
  // Without the rows of the newest batches in memory.
  one = nullptr;
  one = log("one");

  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
  rocksdb::get_perf_context()->Reset();
  auto data = one->read(Offset(29905), one->bounds().end, kNoLimit);
  EXPECT_TRUE(one->seekTime(TimestampMs(0)) != nullptr);
  EXPECT_TRUE(one->maxTimestamp() != nullptr);
  auto& context = *rocksdb::get_perf_context();
  EXPECT_LT(context.internal_delete_skipped_count + context.internal_key_skipped_count, 100u);
  EXPECT_GT(context.get_from_memtable_count + context.get_read_bytes, 0u);
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  EXPECT_EQ(BatchIterator(data).next()->baseOffset().value(), 29900);
}

}  // namespace
}  // namespace cambium
