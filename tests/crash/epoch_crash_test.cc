#include <gtest/gtest.h>

#include <kj/debug.h>

#include "engine/record/batch_builder.h"
#include "tests/support/memory_broker.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temporary_folder.h"

// A power loss takes the last batches of a topic that is not synced, and their offsets are given to others: the leader
// epoch tells the two apart.

namespace cambium {
namespace {

using Loss = MemoryFileSystem::Loss;

class EpochCrashTest : public ::testing::TestWithParam<const char*> {
 public:
  ~EpochCrashTest() noexcept override = default;

 protected:
  void SetUp() override { start(); }
  void TearDown() override {
    files.powerOff();
    broker = nullptr;
  }
  void start() { broker = kj::heap<MemoryBroker>(surroundings, files, storeFolder.path(), GetParam(), "native"_kj); }
  void crash(Loss loss) {
    files.powerOff();
    broker = nullptr;
    files.crash(loss);
    start();
  }
  void create(kj::StringPtr durability) {
    NewTopic wish{.name = kj::str("words"), .partitions = 1};
    wish.settings.add(ConfigSetting{kj::str("durability"), kj::str(durability)});
    auto made = broker->wait(broker->local().createTopic(kj::mv(wish)));
    KJ_REQUIRE(made.ok(), made.error());
  }
  void alter(kj::StringPtr durability) {
    kj::Vector<ConfigChange> changes;
    changes.add(ConfigChange{kj::str("durability"), kj::str(durability)});
    KJ_REQUIRE(broker->wait(broker->local().alterTopic(kj::str("words"), kj::mv(changes))).ok());
  }
  PartitionKey key() { return {broker->local().topic("words").value()->id(), 0}; }
  int32_t epochInMetadata() { return broker->local().topic("words").value()->partition(0).leaderEpoch.value(); }
  void append(int count) {
    for (int i = 0; i < count; ++i) {
      BatchBuilder builder;
      builder.add(TimestampMs(1000), nullptr, "some value"_kj.asBytes().asConst());
      auto batch = builder.finish();
      auto appended = broker->wait(broker->local().append(key(), batch, Acks::kAll));
      KJ_REQUIRE(appended.ok(), appended.error());
    }
  }
  int64_t end() { return broker->wait(broker->local().status(key())).value().end.value(); }
  std::string endOf(int32_t epoch) {
    auto found = broker->wait(broker->local().endOfEpoch(key(), LeaderEpoch(epoch)));
    return kj::str(found.value().epoch, ", ", found.value().offset).cStr();
  }
  int32_t epochOfBatchAt(int64_t offset) {
    auto read = broker->wait(broker->local().read(key(), {.from = Offset(offset), .bytesMax = Bytes(1)}));
    return KJ_ASSERT_NONNULL(BatchView::first(read.value().batches)).leaderEpoch().value();
  }

  MemoryBroker::Surroundings surroundings;
  MemoryFileSystem files;
  TemporaryFolder storeFolder{TemporaryFolder::inMemory()};
  kj::Own<MemoryBroker> broker;
};
INSTANTIATE_TEST_SUITE_P(Every, EpochCrashTest, ::testing::Values("native", "rocksdb"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(EpochCrashTest, OffsetsThatAreGivenAgainAreOfAHigherEpoch) {
  create("fsync");
  append(20);
  alter("os");
  append(5);
  ASSERT_EQ(end(), 25);
  auto before = epochInMetadata();
  crash({.kind = Loss::Kind::kUnsynced});
  ASSERT_EQ(end(), 20);
  EXPECT_EQ(epochInMetadata(), before + 1);
  append(10);
  EXPECT_EQ(endOf(before), kj::str(before, ", 20").cStr()) << "not 30: a consumer at 25 learns that it has to go back";
  EXPECT_EQ(endOf(before + 1), kj::str(before + 1, ", 30").cStr());
  EXPECT_EQ(epochOfBatchAt(19), before);
  EXPECT_EQ(epochOfBatchAt(20), before + 1);
}

// Whatever a loss leaves, no two batches of one offset ever have the same epoch.
TEST_P(EpochCrashTest, EveryStartIsAnEpochOfItsOwn) {
  create("os");
  int32_t last = epochInMetadata();
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    append(3);
    auto kind = seed % 3 == 0 ? Loss::Kind::kNothing : seed % 3 == 1 ? Loss::Kind::kTorn : Loss::Kind::kUnsynced;
    crash({.kind = kind, .sectorBytes = 512, .seed = seed});
    EXPECT_EQ(epochInMetadata(), last + 1);
    auto kept = end();
    EXPECT_EQ(endOf(last + 1), kj::str(last + 1, ", ", kept).cStr());
    append(1);
    EXPECT_EQ(epochOfBatchAt(kept), last + 1);
    last = epochInMetadata();
  }
  broker->stop();
  broker = nullptr;
  start();
  EXPECT_EQ(epochInMetadata(), last + 1) << "a clean stop is the end of a run too";
}

}  // namespace
}  // namespace cambium
