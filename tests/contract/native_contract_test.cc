#include <cstdlib>
#include <filesystem>

#include "backends/native/disk_file_system.h"
#include "backends/native/native_engine.h"
#include "tests/contract/log_contract.h"
#include "tests/support/memory_file_system.h"

namespace cambium {
namespace {

// A disk that forgets all that was not synced, or, when it is torn, whatever part of that it likes.
template <bool kTorn>
class MemoryDiskFixture final : public BackendFixture {
 public:
  StorageEngine& engine() override { return *engine_; }
  void reopen() override {
    engine_->close();
    kill();
  }
  void kill() override {
    engine_ = nullptr;
    engine_ = openNativeEngine(files_, "data", {});
  }
  void crash() override {
    engine_ = nullptr;
    if (kTorn) {
      files_.crashPartly(++crashes_);
    } else {
      files_.crash();
    }
    engine_ = openNativeEngine(files_, "data", {});
  }

 private:
  MemoryFileSystem files_;
  uint64_t crashes_ = 0;
  kj::Own<StorageEngine> engine_ = openNativeEngine(files_, "data", {});
};

// A real disk, whose power cannot be cut: a crash is a kill.
class RealDiskFixture final : public BackendFixture {
 public:
  RealDiskFixture() : path_(makePath()), files_(path_, 16), engine_(openNativeEngine(files_, "data", {})) {}
  ~RealDiskFixture() noexcept(false) override {
    engine_ = nullptr;
    std::filesystem::remove_all(path_.cStr());
  }
  StorageEngine& engine() override { return *engine_; }
  void reopen() override {
    engine_->close();
    kill();
  }
  void kill() override {
    engine_ = nullptr;
    engine_ = openNativeEngine(files_, "data", {});
  }
  void crash() override { kill(); }

 private:
  static kj::String makePath() {
    auto path = kj::heapString("/tmp/cambium-contract-XXXXXX");
    KJ_ASSERT(mkdtemp(path.begin()) != nullptr);
    return path;
  }
  kj::String path_;
  DiskFileSystem files_;
  kj::Own<StorageEngine> engine_;
};

kj::Own<BackendFixture> makeMemoryDisk() {
  return kj::heap<MemoryDiskFixture<false>>();
}
kj::Own<BackendFixture> makeTornMemoryDisk() {
  return kj::heap<MemoryDiskFixture<true>>();
}
kj::Own<BackendFixture> makeRealDisk() {
  return kj::heap<RealDiskFixture>();
}

INSTANTIATE_TEST_SUITE_P(Native, LogContract,
                         ::testing::Values(Backend{"memoryDisk", makeMemoryDisk},
                                           Backend{"tornMemoryDisk", makeTornMemoryDisk},
                                           Backend{"realDisk", makeRealDisk}),
                         backendName);

}  // namespace
}  // namespace cambium
