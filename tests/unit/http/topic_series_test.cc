#include "server/http/topic_series.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

ShardReport::PerTopic topic(kj::StringPtr name, uint64_t bytesIn, uint64_t bytesOut = 0) {
  ShardReport::PerTopic topic{kj::str(name), {}};
  topic.metrics.appendedRecords = bytesIn / 10;
  topic.metrics.appendedBytes = bytesIn;
  topic.metrics.reads = bytesOut / 10;
  topic.metrics.readBytes = bytesOut;
  return topic;
}

template <class... Topics>
ShardReport shard(Topics&&... topics) {
  ShardReport report;
  (report.topics.add(kj::mv(topics)), ...);
  return report;
}

// "name=bytesIn/bytesOut" of each row.
template <class... Shards>
std::string rows(TopicSeries& series, Shards&&... shards) {
  kj::Vector<ShardReport> reports;
  (reports.add(kj::mv(shards)), ...);
  kj::Vector<kj::String> parts;
  for (auto& row : series.update(reports)) {
    parts.add(kj::str(row.topic, "=", row.traffic.bytesIn, "/", row.traffic.bytesOut));
  }
  return kj::strArray(parts, " ").cStr();
}

TEST(TopicSeriesTest, SumsTheLoops) {
  TopicSeries series(10);
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 10, 1), topic("b"_kj, 20)), shard(topic("b"_kj, 5, 7))), "a=10/1 b=25/7");
  EXPECT_EQ(rows(series), "");
}

TEST(TopicSeriesTest, AllNumbersOfATopicAreKept) {
  TopicSeries series(1);
  kj::Vector<ShardReport> reports;
  reports.add(shard(topic("a"_kj, 100, 50), topic("b"_kj, 60, 40)));
  auto found = series.update(reports);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].traffic.records, 10u);
  EXPECT_EQ(found[0].traffic.reads, 5u);
  EXPECT_EQ(found[1].traffic.records, 6u);
  EXPECT_EQ(found[1].traffic.reads, 4u);
}

TEST(TopicSeriesTest, TheSmallOnesShareARow) {
  TopicSeries series(2);
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 1), topic("b"_kj, 30), topic("c"_kj, 0, 20), topic("d"_kj, 2))),
            "b=30/0 c=0/20 __other__=3/0");
}

TEST(TopicSeriesTest, EqualsGoByName) {
  TopicSeries series(1);
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 5), topic("b"_kj, 5))), "a=5/0 __other__=5/0");
}

TEST(TopicSeriesTest, ARowIsLostOnlyToAClearlyLargerTopic) {
  TopicSeries series(1);
  rows(series, shard(topic("a"_kj, 100), topic("b"_kj, 90)));
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 100), topic("b"_kj, 120))), "a=100/0 __other__=120/0");
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 100), topic("b"_kj, 130))), "b=130/0 __other__=120/0");
}

TEST(TopicSeriesTest, TheSharedRowNeverShrinks) {
  TopicSeries series(1);
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 100), topic("b"_kj, 50), topic("c"_kj, 10))), "a=100/0 __other__=60/0");
  // b is deleted.
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 100), topic("c"_kj, 11))), "a=100/0 __other__=61/0");
  // c gets the row: what it counts from now on is its own; what a counts goes to the others.
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 100), topic("c"_kj, 1000))), "c=1000/0 __other__=61/0");
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 105), topic("c"_kj, 1100))), "c=1100/0 __other__=66/0");
  // Everything is deleted.
  EXPECT_EQ(rows(series), "__other__=66/0");
}

TEST(TopicSeriesTest, ATopicMadeAnewCountsFromZero) {
  TopicSeries series(1);
  rows(series, shard(topic("big"_kj, 100), topic("small"_kj, 50)));
  EXPECT_EQ(rows(series, shard(topic("big"_kj, 100), topic("small"_kj, 20))), "big=100/0 __other__=70/0");
}

TEST(TopicSeriesTest, ATopicNamedLikeTheSharedRowIsPartOfIt) {
  TopicSeries series(5);
  EXPECT_EQ(rows(series, shard(topic("__other__"_kj, 100), topic("a"_kj, 1))), "a=1/0 __other__=100/0");
}

TEST(TopicSeriesTest, NoRowsOfTheirOwnAtAll) {
  TopicSeries series(0);
  EXPECT_EQ(rows(series, shard(topic("a"_kj, 1), topic("b"_kj, 2))), "__other__=3/0");
}

}  // namespace
}  // namespace cambium
