#include "engine/group/group_tables.h"

#include <gtest/gtest.h>

#include "engine/storage/memory_engine.h"

namespace cambium {
namespace {

// From Java: Math.abs("…".hashCode()) % partitions.
TEST(GroupPartitionTest, FollowsJavasHash) {
  EXPECT_EQ(partitionOfGroup("", 8), 0);
  EXPECT_EQ(partitionOfGroup("readers", 50), 28);
  EXPECT_EQ(partitionOfGroup("alpha", 8), 6);
  EXPECT_EQ(partitionOfGroup("my-group", 50), 12) << "a negative hash";
  EXPECT_EQ(partitionOfGroup("größe", 8), 1);
  EXPECT_EQ(partitionOfGroup("a😀b", 50), 44) << "two code units";
  EXPECT_EQ(partitionOfGroup("polygenelubricants", 50), 0) << "the smallest integer has no absolute value";
}

class GroupTablesTest : public ::testing::Test {
 public:
  ~GroupTablesTest() noexcept override = default;

 protected:
  void fill() {
    GroupRowChanges changes;
    CommittedOffset offset{Offset(7), LeaderEpoch(1), kj::str("note"), TimestampMs(1000)};
    changes.put(OffsetKey{"readers", "words", 3}, offset);
    changes.put(OffsetKey{"alpha", "words", 0}, offset);
    changes.put("alpha", "value"_kj.asBytes());
    for (int32_t partition : {0, 6})
      changes.put(partition, GroupRows::Position{Uuid(), Offset(100 + partition)});
    changes.commitTo(*engine);
  }

  MemoryStore store;
  kj::Own<StorageEngine> engine = openMemoryEngine(store, {});
};

TEST_F(GroupTablesTest, RowsComeBackByPartition) {
  EXPECT_FALSE(haveOffsetRows(*engine));
  fill();
  EXPECT_TRUE(haveOffsetRows(*engine));
  auto rows = readGroupRows(*engine, 8);
  ASSERT_EQ(rows.size(), 8u);
  ASSERT_EQ(rows[0].offsets.size(), 1u);
  auto& [key, offset] = *rows[0].offsets.begin();
  EXPECT_EQ(key, (OffsetKey{"readers", "words", 3}));
  EXPECT_EQ(offset.offset.value(), 7);
  EXPECT_EQ(offset.leaderEpoch.value(), 1);
  EXPECT_EQ(offset.metadata, "note");
  EXPECT_EQ(offset.committedAt.value(), 1000);
  EXPECT_EQ(KJ_ASSERT_NONNULL(rows[0].position).upTo.value(), 100);
  EXPECT_EQ(rows[6].offsets.size(), 1u);
  EXPECT_EQ(rows[6].groups.size(), 1u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(rows[6].position).upTo.value(), 106);
  EXPECT_TRUE(rows[1].position == nullptr);

  GroupRowChanges removal;
  removal.put(OffsetKey{"alpha", "words", 0}, nullptr);
  removal.put("alpha", nullptr);
  removal.commitTo(*engine);
  rows = readGroupRows(*engine, 8);
  EXPECT_EQ(rows[6].offsets.size() + rows[6].groups.size(), 0u);
}

TEST_F(GroupTablesTest, ADamagedRowTakesThePositionsWithIt) {
  fill();
  engine->commit({TableChange{"offsets", "k"_kj.asBytes(), ByteView("v"_kj.asBytes())}});
  auto rows = readGroupRows(*engine, 8);
  EXPECT_TRUE(rows[0].position == nullptr);
  EXPECT_TRUE(rows[6].position == nullptr);
  EXPECT_EQ(rows[0].offsets.size(), 1u) << "the other rows stay";
  rows = readGroupRows(*engine, 8);
  EXPECT_TRUE(rows[0].position != nullptr) << "the bad row is gone";
}

}  // namespace
}  // namespace cambium
