#include "backends/rocksdb/rocks_engine_internal.h"
#include "tests/contract/log_contract.h"
#include "tests/support/rocks_faults.h"
#include "tests/support/temporary_folder.h"

namespace cambium {
namespace {

// Over real files; a crash keeps what was synced and, at the end of each file, a part of what was not, chosen by a
// seeded rule.
class RocksFixture final : public BackendFixture {
 public:
  explicit RocksFixture(RocksOptions options) : options_(options) { start(); }

  StorageEngine& engine() override { return *engine_; }
  void reopen() override {
    engine_->close();
    kill();
  }
  void kill() override {
    engine_ = nullptr;
    start();
  }
  void crash() override {
    engine_ = nullptr;
    faults_.crash([this](uint64_t unsynced) {
      seed_ = seed_ * 6364136223846793005u + 1442695040888963407u;
      return seed_ >> 33 & 1 ? 0 : (seed_ >> 20) % (unsynced + 1);
    });
    start();
  }

 private:
  void start() { engine_ = rocks::openRocksEngineOn(faults_.fileSystem(), folder_.path("store"), options_, {}); }

  RocksOptions options_;
  TemporaryFolder folder_;
  RocksFaults faults_;
  uint64_t seed_ = 1;
  kj::Own<StorageEngine> engine_;
};

kj::Own<BackendFixture> makeRocksFixture() {
  return kj::heap<RocksFixture>(RocksOptions{});
}

// Everything small: buckets roll and go, memory is flushed, all the time.
kj::Own<BackendFixture> makeTightRocksFixture() {
  RocksOptions options;
  options.bucketBytes = kibibytes(4);
  options.bucketsMax = 8;
  options.memtableBytes = kibibytes(64);
  options.walBytesMax = kibibytes(64);
  options.openFilesMax = 64;
  return kj::heap<RocksFixture>(options);
}

INSTANTIATE_TEST_SUITE_P(RocksDB, LogContract,
                         ::testing::Values(Backend{"rocksdb", makeRocksFixture, 2},
                                           Backend{"rocksdb_tight", makeTightRocksFixture, 2}),
                         backendName);

}  // namespace
}  // namespace cambium
