#include <gtest/gtest.h>

#include "engine/metadata/local_metadata.h"
#include "engine/metadata/topic_records.h"
#include "engine/storage/memory_engine.h"
#include "tests/support/virtual_world.h"

namespace cambium {
namespace {

class LeaderEpochRaiseTest : public ::testing::Test {
 public:
  ~LeaderEpochRaiseTest() noexcept override = default;

 protected:
  void put(int first, int count, int partitions) {
    MetadataTransaction transaction;
    for (int i = first; i < first + count; ++i) {
      Topic::Spec spec{.name = kj::str("topic-", i),
                       .id = Uuid(),
                       .partitions = {},
                       .settings = {},
                       .createdAt = TimestampMs(5),
                       .engine = kj::str("native")};
      for (int p = 0; p < partitions; ++p)
        spec.partitions.add(PartitionAssignment{.leaderEpoch = LeaderEpoch(p % 7)});
      auto topic = kj::atomicRefcounted<const Topic>(kj::mv(spec), Revision(0));
      transaction.writes.add(putTopic(topicKey(topic->name()), *topic));
    }
    metadata.commit(kj::mv(transaction)).wait(scope);
  }
  int32_t epochOf(kj::StringPtr topic, int32_t partition) {
    return loadTopic(metadata, kj::str(topic)).wait(scope).value()->partition(partition).leaderEpoch.value();
  }
  // How many commits there were.
  int64_t revision() {
    MetadataTransaction nothing;
    return KJ_ASSERT_NONNULL(metadata.commit(kj::mv(nothing)).wait(scope)).value();
  }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  HeldWorkPool pool;
  MemoryStore store;
  kj::Own<StorageEngine> engine = openMemoryEngine(store, {});
  LocalMetadata metadata{*engine, pool};
};

TEST_F(LeaderEpochRaiseTest, FewCommitsRaiseTheEpochsOfManyPartitions) {
  put(0, 10'000, 1);
  put(10'000, 1, 10'000);
  auto before = revision();
  raiseLeaderEpochs(metadata).wait(scope);
  EXPECT_LE(revision() - before - 1, 12) << "commits for 20,000 partitions";
  EXPECT_EQ(epochOf("topic-0", 0), 1);
  EXPECT_EQ(epochOf("topic-9999", 0), 1);
  EXPECT_EQ(epochOf("topic-10000", 6), 7);
  EXPECT_EQ(epochOf("topic-10000", 9'999), 9'999 % 7 + 1);
}

TEST_F(LeaderEpochRaiseTest, WhoChangesATopicMeanwhileIsNotInTheWay) {
  put(0, 20, 1);
  pool.holding = true;
  // Under way when the topics are listed, and there when they are written.
  MetadataTransaction other;
  other.writes.add(MetadataTransaction::Write{topicKey("topic-3"), nullptr});
  auto topic = loadTopic(metadata, kj::str("topic-4")).wait(scope);
  other.writes.add(putTopic(topicKey("topic-4"), *topic.value()));
  auto changed = metadata.commit(kj::mv(other));
  EXPECT_FALSE(changed.poll(scope));
  auto raising = raiseLeaderEpochs(metadata);
  EXPECT_FALSE(raising.poll(scope));
  pool.holding = false;
  pool.runAll();
  changed.wait(scope);
  raising.wait(scope);
  EXPECT_FALSE(loadTopic(metadata, kj::str("topic-3")).wait(scope).ok());
  EXPECT_EQ(epochOf("topic-4", 0), 1);
  EXPECT_EQ(epochOf("topic-5", 0), 1);
}

TEST_F(LeaderEpochRaiseTest, WithoutTopicsNothingIsWritten) {
  auto before = revision();
  raiseLeaderEpochs(metadata).wait(scope);
  EXPECT_EQ(revision(), before + 1);
}

}  // namespace
}  // namespace cambium
