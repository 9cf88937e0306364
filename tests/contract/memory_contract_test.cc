#include "engine/storage/memory_engine.h"
#include "tests/contract/log_contract.h"

namespace cambium {
namespace {

class MemoryFixture final : public BackendFixture {
 public:
  StorageEngine& engine() override { return *engine_; }
  void reopen() override {
    engine_->close();
    kill();
  }
  void kill() override {
    engine_ = nullptr;
    engine_ = openMemoryEngine(store_, {});
  }
  void crash() override {
    engine_ = nullptr;
    store_.crash();
    engine_ = openMemoryEngine(store_, {});
  }

 private:
  MemoryStore store_;
  kj::Own<StorageEngine> engine_ = openMemoryEngine(store_, {});
};

kj::Own<BackendFixture> makeMemoryFixture() {
  return kj::heap<MemoryFixture>();
}

INSTANTIATE_TEST_SUITE_P(Memory, LogContract, ::testing::Values(Backend{"memory", makeMemoryFixture}), backendName);

}  // namespace
}  // namespace cambium
