#include "client/partitioner.h"

#include <gtest/gtest.h>
#include <set>

#include <kj/string.h>

namespace cambium::client {
namespace {

int32_t hash(kj::StringPtr text) {
  return murmur2(text.asBytes());
}

// The vectors of Kafka's own UtilsTest.
TEST(PartitionerTest, HashEqualsKafkas) {
  EXPECT_EQ(hash("21"), -973932308);
  EXPECT_EQ(hash("foobar"), -790332482);
  EXPECT_EQ(hash("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(hash("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(hash("abc"), 479470107);
}

TEST(PartitionerTest, NegativeHashesLoseTheirSignBit) {
  EXPECT_EQ(keyedPartition("21"_kj.asBytes(), 10).value(), (-973932308 & 0x7fffffff) % 10);
  EXPECT_EQ(keyedPartition("abc"_kj.asBytes(), 7).value(), 479470107 % 7);
  EXPECT_EQ(keyedPartition("foobar"_kj.asBytes(), 1).value(), 0);
}

TEST(PartitionerTest, StickyStaysUntilABatchIsClosedThenMovesElsewhere) {
  auto partitioner = newPartitioner(PartitionerKind::kSticky, 42);
  auto first = partitioner->choose(nullptr, 5);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(partitioner->choose(nullptr, 5), first);
  std::set<int32_t> seen;
  for (int i = 0; i < 50; ++i) {
    auto before = partitioner->choose(nullptr, 5);
    partitioner->batchClosed(before);
    auto after = partitioner->choose(nullptr, 5);
    EXPECT_NE(after, before);
    seen.insert(after.value());
  }
  EXPECT_EQ(seen.size(), 5u);
}

TEST(PartitionerTest, StickyIgnoresBatchesOfOthersAndFollowsKeys) {
  auto partitioner = newPartitioner(PartitionerKind::kSticky, 7);
  auto first = partitioner->choose(nullptr, 4);
  partitioner->batchClosed(PartitionIndex((first.value() + 1) % 4));
  EXPECT_EQ(partitioner->choose(nullptr, 4), first);
  EXPECT_EQ(partitioner->choose("abc"_kj.asBytes(), 4), keyedPartition("abc"_kj.asBytes(), 4));
  EXPECT_EQ(partitioner->choose(nullptr, 4), first);
}

TEST(PartitionerTest, StickyOfOnePartitionAndOfAGrowingTopic) {
  auto partitioner = newPartitioner(PartitionerKind::kSticky, 1);
  EXPECT_EQ(partitioner->choose(nullptr, 1).value(), 0);
  partitioner->batchClosed(PartitionIndex(0));
  EXPECT_EQ(partitioner->choose(nullptr, 1).value(), 0);
  partitioner->batchClosed(PartitionIndex(0));
  EXPECT_EQ(partitioner->choose(nullptr, 2).value(), 1);
}

TEST(PartitionerTest, RoundRobinTakesTurnsAlsoWithKeys) {
  auto partitioner = newPartitioner(PartitionerKind::kRoundRobin, 0);
  for (int i = 0; i < 9; ++i)
    EXPECT_EQ(partitioner->choose("key"_kj.asBytes(), 3).value(), i % 3);
}

}  // namespace
}  // namespace cambium::client
