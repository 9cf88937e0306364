#include "engine/record/record_rules.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

struct Sample {
  int64_t timestamp;
  bool hasKey = true;
};

kj::Array<kj::byte> batchOf(const std::vector<Sample>& samples, Codec codec = Codec::kNone) {
  BatchBuilder builder({.codec = codec});
  for (auto& sample : samples) {
    kj::Maybe<ByteView> key;
    if (sample.hasKey) key = view("key");
    builder.add(TimestampMs(sample.timestamp), key, view("value"));
  }
  return builder.finish();
}

// "" when the batch passes, else the code and what is wrong with which record.
std::string verdict(ByteView batch, const RecordRules& rules) {
  auto checked = checkRecords(wholeBatch(batch), rules);
  if (checked.ok()) return "";
  std::string all = errorName(checked.error().code).cStr();
  for (auto& fault : checked.error().faults)
    all += kj::str("; ", fault.index, ": ", fault.message).cStr();
  return all;
}

constexpr const char* kNoKey = "has no key; a compacted topic needs one in every record";

RecordRules within(int64_t earliest, int64_t latest) {
  return {.earliest = TimestampMs(earliest), .latest = TimestampMs(latest)};
}
RecordRules until(int64_t latest) {
  return {.latest = TimestampMs(latest)};
}

TEST(RecordRules, EveryRecordWithoutAKeyIsListed) {
  for (Codec codec : kAllCodecs) {
    auto batch = batchOf({{5}, {5, false}, {5}, {5, false}}, codec);
    EXPECT_EQ(verdict(batch, {}), "");
    EXPECT_EQ(verdict(batch, {.keysRequired = true}), std::string("INVALID_RECORD; 1: ") + kNoKey + "; 3: " + kNoKey);
    EXPECT_EQ(verdict(batchOf({{5}, {6}}, codec), {.keysRequired = true}), "");
  }
}

TEST(RecordRules, AnEmptyKeyIsNoMissingOne) {
  BatchBuilder builder;
  builder.add(TimestampMs(1), view(""), view("x"));
  EXPECT_EQ(verdict(builder.finish(), {.keysRequired = true}), "");
}

TEST(RecordRules, BoundsOfTimestampsAreInclusive) {
  EXPECT_EQ(verdict(batchOf({{100}, {200}}), within(100, 200)), "");
  EXPECT_EQ(verdict(batchOf({{100}, {99}, {201}, {200}}, Codec::kLz4), within(100, 200)),
            "INVALID_TIMESTAMP; 1: timestamp 99 is before 100, the earliest now (topic config "
            "message.timestamp.before.max.ms); 2: timestamp 201 is after 200, the latest now (topic config "
            "message.timestamp.after.max.ms)");
  EXPECT_EQ(verdict(batchOf({{99}, {150}}), until(200)), "");
  EXPECT_EQ(verdict(batchOf({{99}, {201}}), until(200)).substr(0, 20), "INVALID_TIMESTAMP; 1");
}

TEST(RecordRules, RecordsWithoutATimestampPass) {
  EXPECT_EQ(verdict(batchOf({{-1}, {150}}), within(100, 200)), "");
  EXPECT_EQ(verdict(batchOf({{-1}}), within(100, 200)), "");
}

TEST(RecordRules, ABadTimestampDecidesTheCode) {
  auto rules = within(100, 200);
  rules.keysRequired = true;
  auto batch = batchOf({{150, false}, {300, false}, {300}});
  auto expected = std::string("INVALID_TIMESTAMP; 0: ") + kNoKey + "; 1: " + kNoKey + "; 2: timestamp 300";
  EXPECT_EQ(verdict(batch, rules).substr(0, expected.size()), expected);
  auto error = kj::str(checkRecords(wholeBatch(batch), rules).error());
  EXPECT_EQ(error, kj::str("INVALID_TIMESTAMP: 3 records were refused: record 0: ", kNoKey));
}

TEST(RecordRules, TheLatestTimestampIsThatOfTheRecords) {
  for (Codec codec : kAllCodecs) {
    auto late = batchOf({{5}, {900}, {7}}, codec);
    auto old = batchOf({{-500}, {-300}}, codec);
    EXPECT_EQ(checkRecords(wholeBatch(late), {}).value().maxTimestamp.value(), 900);
    // As in Kafka, no time before 1970 is the latest.
    EXPECT_EQ(checkRecords(wholeBatch(old), {}).value().maxTimestamp, kNoTimestamp);
    EXPECT_EQ(verdict(batchOf({{-220924800000}, {5}}, codec), until(200)), "");
  }
}

TEST(RecordRules, AHeaderAloneSaysLittle) {
  auto batch = batchOf({{100}, {200}}, Codec::kGzip);
  auto setMax = [&](int64_t max) {
    storeBigEndian(batch.begin() + batch_layout::kMaxTimestamp, max);
    return checkHeaderOnly(wholeBatch(batch), until(300)).ok();
  };
  EXPECT_TRUE(setMax(200));
  EXPECT_TRUE(setMax(-1));
  EXPECT_TRUE(setMax(300));
  EXPECT_FALSE(setMax(301));
  EXPECT_FALSE(setMax(99)) << "before the first record";
}

TEST(RecordRules, GapsInTheOffsetsAreFaults) {
  // Two records with the offset deltas 0 and 1; the second becomes 2. Its delta is the fourth byte of a record: length,
  // attributes, timestamp delta, offset delta.
  auto batch = batchOf({{5}, {5}});
  size_t recordBytes = (batch.size() - batch_layout::kHeaderBytes) / 2;
  auto& delta = batch[batch_layout::kHeaderBytes + recordBytes + 3];
  ASSERT_EQ(delta, 2) << "zigzag of 1";
  delta = 4;
  storeBigEndian(batch.begin() + batch_layout::kLastOffsetDelta, int32_t{2});
  EXPECT_EQ(verdict(batch, {.keysRequired = true}),
            "INVALID_RECORD; 1: offset delta is 2; offsets of a producer have no gaps");
}

TEST(RecordRules, FaultsAreListedUpToALimitAndCountedBeyond) {
  std::vector<Sample> samples(kRecordFaultsMax + 5, Sample{5, false});
  auto batch = batchOf(samples);
  auto checked = checkRecords(wholeBatch(batch), {.keysRequired = true});
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().faults.size(), kRecordFaultsMax);
  EXPECT_TRUE(checked.error().message.startsWith("1005 records were refused"));
  auto copy = checked.error().clone();
  EXPECT_EQ(copy.faults.size(), kRecordFaultsMax);
  EXPECT_EQ(copy.faults[999].index, 999);
}

}  // namespace
}  // namespace cambium
