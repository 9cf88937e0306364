#include "engine/partition/leader_epochs.h"

#include <gtest/gtest.h>
#include <string>

#include <kj/debug.h>

namespace cambium {
namespace {

LeaderEpochs listOf(std::initializer_list<std::pair<int32_t, int64_t>> entries) {
  LeaderEpochs epochs;
  for (auto& [epoch, start] : entries)
    epochs.assign(LeaderEpoch(epoch), Offset(start));
  return epochs;
}

std::string show(const LeaderEpochs& epochs) {
  std::string all;
  for (auto& entry : epochs.entries())
    all += kj::str("(", entry.epoch, ": ", entry.start, ")").cStr();
  return all;
}

// "epoch, offset" of the end.
std::string end(const LeaderEpochs& epochs, int32_t asked, int64_t logEnd = 40) {
  auto found = epochs.endOffsetFor(LeaderEpoch(asked), Offset(logEnd));
  return kj::str(found.epoch, ", ", found.offset).cStr();
}

TEST(LeaderEpochsTest, TheEndOfAnEpochIsTheStartOfTheNextOne) {
  auto epochs = listOf({{0, 0}, {2, 20}, {5, 31}});
  EXPECT_EQ(end(epochs, 0), "0, 20");
  EXPECT_EQ(end(epochs, 1), "0, 20") << "it has no records: those of the one before end there";
  EXPECT_EQ(end(epochs, 2), "2, 31");
  EXPECT_EQ(end(epochs, 4), "2, 31");
  EXPECT_EQ(end(epochs, 5), "5, 40");
  EXPECT_EQ(end(epochs, 6), "-1, -1");
  EXPECT_EQ(end(epochs, -1), "-1, -1");
  EXPECT_EQ(end(LeaderEpochs(), 0), "-1, -1");
  EXPECT_EQ(end(listOf({{5, 10}}), 2), "2, 10") << "as Kafka: nothing before the first one is here";
  EXPECT_EQ(epochs.epochAt(Offset(0)).value(), 0);
  EXPECT_EQ(epochs.epochAt(Offset(19)).value(), 0);
  EXPECT_EQ(epochs.epochAt(Offset(20)).value(), 2);
  EXPECT_EQ(epochs.epochAt(Offset(1000)).value(), 5);
  EXPECT_EQ(listOf({{5, 10}}).epochAt(Offset(9)), kNoLeaderEpoch);
  EXPECT_EQ(epochs.latest().value(), 5);
  EXPECT_EQ(LeaderEpochs().latest(), kNoLeaderEpoch);
}

TEST(LeaderEpochsTest, AnEpochBeginsOnce) {
  EXPECT_EQ(show(listOf({{3, 0}, {3, 10}, {3, 20}})), "(3: 0)");
  EXPECT_EQ(show(listOf({{0, 0}, {1, 20}, {2, 20}})), "(0: 0)(2: 20)") << "epoch 1 has written nothing";
  EXPECT_EQ(show(listOf({{0, 0}, {1, 20}, {2, 15}})), "(0: 0)(2: 15)");
  EXPECT_EQ(show(listOf({{0, 0}, {4, 20}, {3, 25}})), "(0: 0)(3: 25)") << "what contradicts goes";
  EXPECT_EQ(show(listOf({{4, 20}, {4, 10}})), "(4: 10)");
}

TEST(LeaderEpochsTest, ACutTakesWhatBeganBehindIt) {
  auto epochs = listOf({{0, 0}, {2, 20}, {5, 31}});
  epochs.truncateFrom(Offset(32));
  EXPECT_EQ(show(epochs), "(0: 0)(2: 20)(5: 31)");
  epochs.truncateFrom(Offset(31));
  EXPECT_EQ(show(epochs), "(0: 0)(2: 20)");
  epochs.truncateFrom(Offset(0));
  EXPECT_TRUE(epochs.isEmpty());
}

TEST(LeaderEpochsTest, DroppingKeepsTheEpochOfTheFirstRecord) {
  auto epochs = listOf({{0, 0}, {2, 20}, {5, 31}});
  epochs.dropBefore(Offset(0));
  EXPECT_EQ(show(epochs), "(0: 0)(2: 20)(5: 31)");
  epochs.dropBefore(Offset(19));
  EXPECT_EQ(show(epochs), "(0: 19)(2: 20)(5: 31)");
  epochs.dropBefore(Offset(20));
  EXPECT_EQ(show(epochs), "(2: 20)(5: 31)");
  epochs.dropBefore(Offset(100));
  EXPECT_EQ(show(epochs), "(5: 100)");
  EXPECT_EQ(end(epochs, 0, 100), "0, 100");
}

TEST(LeaderEpochsTest, BytesHoldEverythingOrAreNone) {
  auto epochs = listOf({{0, 0}, {2, 20}, {5, 31}});
  ByteWriter out;
  epochs.write(out);
  EXPECT_EQ(out.size(), epochs.bytes());
  auto bytes = out.finish();
  {
    ByteReader in(bytes);
    EXPECT_EQ(show(KJ_ASSERT_NONNULL(LeaderEpochs::read(in))), show(epochs));
    EXPECT_TRUE(in.finished());
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader in(bytes.slice(0, size));
    EXPECT_TRUE(LeaderEpochs::read(in) == nullptr) << size;
  }
  auto falling = kj::heapArray<kj::byte>(bytes);
  falling[7] = 9;  // the first epoch is later than the second
  ByteReader in(falling);
  EXPECT_TRUE(LeaderEpochs::read(in) == nullptr);
}

// The followers of replication cut their logs by these answers, here by hand.
TEST(LeaderEpochsTest, TwoLogsAgreeInFewRounds) {
  auto leader = listOf({{0, 0}, {1, 10}, {3, 15}});
  auto follower = listOf({{0, 0}, {2, 12}});
  EXPECT_EQ(end(leader, 2, 20), "1, 15");
  EXPECT_EQ(end(follower, 1, 18), "0, 12");
  follower.truncateFrom(Offset(12));
  EXPECT_EQ(end(leader, 0, 20), "0, 10");
  EXPECT_EQ(end(follower, 0, 12), "0, 12");
}

}  // namespace
}  // namespace cambium
