#include "backends/rocksdb/rocks_engine_internal.h"
#include "tests/contract/log_contract.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/rocks_files.h"
#include "tests/support/temporary_folder.h"

namespace cambium {
namespace {

// Over files in memory; a crash keeps what was synced and of the rest any sectors, chosen by a seeded rule.
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
    files_.crashPartly(++seed_);
    start();
  }

 private:
  void start() {
    // The library expects its folder to be there, and to stay.
    files_.createDirectory("store");
    files_.syncDirectory("");
    engine_ = rocks::openRocksEngineOn(rocksFilesOver(files_, folder_.path()), folder_.path("store"), options_, {});
  }

  RocksOptions options_;
  TemporaryFolder folder_;  // stays empty
  MemoryFileSystem files_;
  uint64_t seed_ = 0;
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
