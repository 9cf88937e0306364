// The files, byte by byte, and when segments are closed.

#include <gtest/gtest.h>

#include "backends/native/offset_index.h"
#include "backends/native/time_index.h"
#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

constexpr kj::StringPtr kBase0 = "data/words-0/00000000000000000000"_kj;

std::string segmentsOf(FileSystem& files) {
  std::string names;
  for (auto& entry : files.list("data/words-0")) {
    if (entry.name.endsWith(".log")) names += kj::str(entry.name.slice(16, 20), ":", entry.sizeBytes, " ").cStr();
  }
  return names;
}

TEST(NativeFormat, MetadataIsKafkas) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  engine->open(nativeLogId(), {});
  EXPECT_EQ(kj::str(fileOf(files, "data/words-0/partition.metadata").asChars()),
            "version: 0\ntopic_id: BwcHBwcHBwcHBwcHBwcHBw\n");
}

TEST(NativeFormat, ACleanlyClosedLogIsItsBatchesAndItsIndexes) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  kj::Vector<kj::byte> expected;
  {
    auto log = engine->open(nativeLogId(), {.indexIntervalBytes = Bytes(150)});
    // 100 bytes each, two records: entries come with the third and the fifth batch.
    int64_t timestamps[] = {1000, 1005, 1003, 900, 1005, 2000};
    for (int i = 0; i < 6; ++i) {
      expected.addAll(makeBatch(Offset(2 * i), 2, TimestampMs(timestamps[i]), 39, static_cast<uint64_t>(2 * i) + 1));
      appendBatch(*log, 2, timestamps[i]);
    }
    EXPECT_EQ(log->extents().size(), 1u);
  }
  engine->close();
  EXPECT_TRUE(fileOf(files, kj::str(kBase0, ".log")) == expected.asPtr());
  EXPECT_EQ(hexOf(fileOf(files, kj::str(kBase0, ".index"))),
            "00000005000000c8"
            "0000000900000190");
  EXPECT_EQ(hexOf(fileOf(files, kj::str(kBase0, ".timeindex"))),
            "00000000000003ed00000003"
            "00000000000007d00000000b");
}

TEST(NativeFormat, IndexesAreReadBackAndDamageIsSeen) {
  OffsetIndex offsets;
  offsets.append(5, 200);
  offsets.append(9, 400);
  EXPECT_EQ(offsets.positionFor(4), 0u);
  EXPECT_EQ(offsets.positionFor(5), 200u);
  EXPECT_EQ(offsets.positionFor(100), 400u);
  auto bytes = offsets.serialize();
  EXPECT_EQ(KJ_ASSERT_NONNULL(OffsetIndex::parse(bytes, 500)).size(), 2u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(OffsetIndex::parse(bytes, 500, 1)).size(), 1u);
  EXPECT_TRUE(OffsetIndex::parse(bytes, 400) == nullptr) << "behind the segment";
  EXPECT_TRUE(OffsetIndex::parse(bytes.slice(0, 15), 500) == nullptr);
  bytes[11] = 5;
  EXPECT_TRUE(OffsetIndex::parse(bytes, 500) == nullptr) << "out of order";

  TimeIndex times;
  times.append(TimestampMs(-1), 0);
  times.append(TimestampMs(10), 1);
  times.append(TimestampMs(10), 4);
  times.append(TimestampMs(30), 6);
  EXPECT_EQ(times.size(), 2u);
  EXPECT_EQ(times.firstAtLeast(TimestampMs(11))->relativeOffset, 6);
  EXPECT_TRUE(times.firstAtLeast(TimestampMs(31)) == nullptr);
  auto timeBytes = times.serialize();
  EXPECT_EQ(KJ_ASSERT_NONNULL(TimeIndex::parse(timeBytes)).size(), 2u);
  timeBytes[7] = 40;
  EXPECT_TRUE(TimeIndex::parse(timeBytes) == nullptr) << "out of order";
}

TEST(NativeFormat, RollsBySize) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(300)});
  for (int i = 0; i < 7; ++i)
    appendBatch(*log, 1);
  EXPECT_EQ(segmentsOf(files), "0000:300 0003:300 0006:100 ");
  appendBatch(*log, 1, 1000, 1000);
  EXPECT_EQ(segmentsOf(files), "0000:300 0003:300 0006:100 0007:1061 ");
}

TEST(NativeFormat, RollsByTime) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = engine->open(nativeLogId(), {.segmentMs = 100});
  for (int64_t timestamp : {1000, 1100, 1101, 500, 1202})
    appendBatch(*log, 1, timestamp);
  EXPECT_EQ(segmentsOf(files), "0000:200 0002:200 0004:100 ");
}

TEST(NativeFormat, RollsByIndexRoomAndRelativeOffset) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  {
    auto log = engine->open(nativeLogId(), {.indexIntervalBytes = Bytes(1), .indexBytesMax = Bytes(36)});
    for (int i = 0; i < 8; ++i)
      appendBatch(*log, 1, 1000 + i);
    // Two time entries and a place for the last one.
    EXPECT_EQ(segmentsOf(files), "0000:300 0003:300 0006:200 ");
  }
  engine->drop(nativeLogId());
  auto log = engine->open(nativeLogId(), {});
  appendBatch(*log, 1);
  appendBatch(*log, INT32_MAX);
  EXPECT_EQ(log->extents().size(), 1u);
  appendBatch(*log, 1);
  EXPECT_EQ(log->extents().size(), 2u) << "the last offset is 2^31 behind the base";
}

TEST(NativeFormat, OneAppendGoesIntoAsManySegmentsAsItTakes) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(250)});
  kj::Vector<kj::byte> batches;
  for (int i = 0; i < 5; ++i)
    batches.addAll(makeBatch(Offset(i), 1, TimestampMs(1), 39, 1));
  log->append(batches);
  EXPECT_EQ(segmentsOf(files), "0000:200 0002:200 0004:100 ");
  EXPECT_TRUE(log->read(Offset(0), Offset(5), Bytes(1000)) == batches.asPtr());
}

}  // namespace
}  // namespace cambium
