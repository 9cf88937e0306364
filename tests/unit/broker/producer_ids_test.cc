#include "engine/broker/producer_ids.h"

#include <gtest/gtest.h>
#include <set>

#include "engine/metadata/local_metadata.h"
#include "engine/storage/memory_engine.h"
#include "tests/support/virtual_world.h"

namespace cambium {
namespace {

class ProducerIdsTest : public ::testing::Test {
 public:
  ~ProducerIdsTest() noexcept override = default;

 protected:
  void start() {
    ids = nullptr;
    metadata = nullptr;
    engine = nullptr;
    store.crash();
    engine = openMemoryEngine(store, {});
    metadata = kj::heap<LocalMetadata>(*engine, pool);
    ids = kj::heap<ProducerIds>(*metadata);
  }
  void SetUp() override { start(); }
  int64_t next(ProducerIds& from) { return from.next().wait(scope).value(); }
  int64_t next() { return next(*ids); }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  HeldWorkPool pool;
  MemoryStore store;
  kj::Own<StorageEngine> engine;
  kj::Own<LocalMetadata> metadata;
  kj::Own<ProducerIds> ids;
};

TEST_F(ProducerIdsTest, EachIdOnceAcrossBlocks) {
  for (int64_t i = 0; i < 2 * ProducerIds::kBlockSize + 5; ++i)
    ASSERT_EQ(next(), i);
}

TEST_F(ProducerIdsTest, ARestartReusesNone) {
  EXPECT_EQ(next(), 0);
  EXPECT_EQ(next(), 1);
  start();
  EXPECT_EQ(next(), ProducerIds::kBlockSize);
  start();
  EXPECT_EQ(next(), 2 * ProducerIds::kBlockSize);
}

TEST_F(ProducerIdsTest, WhoComesTogetherSharesABlock) {
  pool.holding = true;
  kj::Vector<kj::Promise<Result<int64_t>>> asked;
  for (int i = 0; i < 1500; ++i)
    asked.add(ids->next());
  pool.holding = false;
  kj::evalLater([] {}).wait(scope);
  pool.runAll();
  std::set<int64_t> given;
  for (auto& promise : asked)
    given.insert(promise.wait(scope).value());
  EXPECT_EQ(given.size(), 1500u);
  EXPECT_EQ(*given.rbegin(), 1499);
}

TEST_F(ProducerIdsTest, TwoBrokersOverOneStoreNeverMeet) {
  ProducerIds other(*metadata);
  pool.holding = true;
  auto mine = ids->next();
  auto theirs = other.next();
  for (int turn = 0; turn < 30; ++turn)
    kj::evalLater([] {}).wait(scope);
  pool.holding = false;
  pool.runAll();
  EXPECT_EQ(mine.wait(scope).value(), 0);
  EXPECT_EQ(theirs.wait(scope).value(), ProducerIds::kBlockSize) << "the second one finds the condition broken";
  EXPECT_EQ(next(), 1);
  EXPECT_EQ(next(other), ProducerIds::kBlockSize + 1);
}

TEST_F(ProducerIdsTest, AFullDeviceIsAnErrorThatPasses) {
  store.setCapacity(Bytes(0));
  EXPECT_EQ(ids->next().wait(scope).error().code, ErrorCode::kStorageError);
  store.setCapacity(mebibytes(1));
  EXPECT_EQ(next(), 0);
}

TEST_F(ProducerIdsTest, ACallerWhoGoesTakesNothingAlong) {
  pool.holding = true;
  {
    auto dropped = ids->next();
    for (int turn = 0; turn < 5; ++turn)
      kj::evalLater([] {}).wait(scope);
  }
  pool.holding = false;
  pool.runAll();
  for (int turn = 0; turn < 30; ++turn)
    kj::evalLater([] {}).wait(scope);
  EXPECT_EQ(next(), 0);
}

TEST_F(ProducerIdsTest, ADamagedRecordHandsOutNothing) {
  MetadataTransaction transaction;
  transaction.writes.add(MetadataTransaction::Write{kj::str("producer-ids/next"), kj::heapArray<kj::byte>(3)});
  metadata->commit(kj::mv(transaction)).wait(scope);
  EXPECT_EQ(ids->next().wait(scope).error().code, ErrorCode::kCoordinatorNotAvailable);
}

}  // namespace
}  // namespace cambium
