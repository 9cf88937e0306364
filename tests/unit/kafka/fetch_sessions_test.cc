#include "server/kafka/fetch_sessions.h"

#include <gtest/gtest.h>

namespace cambium::kafka {
namespace {

class Counting final : public Entropy {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) const override {
    for (auto& byte : buffer)
      byte = ++next_;
  }

 private:
  mutable kj::byte next_ = 0;
};

FetchedPartition partition(int32_t index, int64_t offset = 0) {
  FetchedPartition one;
  one.topic = "words";
  one.partition = index;
  one.fetchOffset = offset;
  return one;
}

kj::Vector<FetchedPartition> partitions(int32_t count, int64_t offset = 0) {
  kj::Vector<FetchedPartition> all;
  for (int32_t i = 0; i < count; ++i)
    all.add(partition(i, offset));
  return all;
}

class FetchSessionsTest : public ::testing::Test {
 public:
  ~FetchSessionsTest() noexcept override = default;

 protected:
  Counting entropy;
  FetchSessions sessions{2, entropy};
};

TEST_F(FetchSessionsTest, PutAddsAndChanges) {
  auto* session = sessions.create(0, 3);
  session->put(partitions(3));
  kj::Vector<FetchedPartition> changes;
  changes.add(partition(1, 7));
  changes.add(partition(5, 8));
  changes.add(partition(5, 9));  // named twice: once in the session
  session->put(kj::mv(changes));
  ASSERT_EQ(session->partitions.size(), 4u);
  EXPECT_EQ(session->partitions[1].fetchOffset, 7);
  EXPECT_EQ(session->partitions[3].partition, 5);
  kj::Vector<FetchedPartition> gone;
  gone.add(partition(0));
  gone.add(partition(9));
  session->forget(gone);
  ASSERT_EQ(session->partitions.size(), 3u);
  EXPECT_EQ(session->partitions[0].partition, 1);
}

// With a search through all for each, this would take minutes.
TEST_F(FetchSessionsTest, ThousandsOfChangesAtOnce) {
  constexpr int32_t kMany = 10'000;
  auto* session = sessions.create(0, kMany);
  session->put(partitions(kMany));
  session->put(partitions(kMany, 5));
  ASSERT_EQ(session->partitions.size(), size_t{kMany});
  EXPECT_EQ(session->partitions[kMany - 1].fetchOffset, 5);
  session->forget(partitions(kMany - 1));
  EXPECT_EQ(session->partitions.size(), 1u);
}

TEST_F(FetchSessionsTest, SessionsThatGrowTooLargeAreNoticed) {
  auto* session = sessions.create(0, 1);
  session->put(partitions(10'000));
  EXPECT_FALSE(sessions.overfull(*session));
  session->put(partitions(10'001));
  EXPECT_TRUE(sessions.overfull(*session));
}

TEST_F(FetchSessionsTest, TooManyPartitionsGetNoSession) {
  EXPECT_NE(sessions.create(0, 10'000), nullptr);
  EXPECT_EQ(sessions.create(0, 10'001), nullptr);
}

TEST_F(FetchSessionsTest, AllSessionsTogetherAreBounded) {
  FetchSessions many(1000, entropy);
  FetchSession* last = nullptr;
  for (int i = 0; i < 50; ++i) {
    last = many.create(0, 10'000);
    ASSERT_NE(last, nullptr) << i;
    last->put(partitions(10'000));
  }
  EXPECT_FALSE(many.overfull(*last));
  EXPECT_EQ(many.create(0, 1), nullptr);
}

TEST_F(FetchSessionsTest, AnUnusedSessionGivesWay) {
  int32_t first = sessions.create(0, 1)->id;
  int32_t second = sessions.create(1, 1)->id;
  EXPECT_EQ(sessions.create(2, 1), nullptr);
  ASSERT_NE(sessions.find(first, 100), nullptr);
  auto* third = sessions.create(120'001, 1);
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(sessions.find(second, 120'001), nullptr);
  EXPECT_NE(sessions.find(first, 120'001), nullptr);
}

}  // namespace
}  // namespace cambium::kafka
