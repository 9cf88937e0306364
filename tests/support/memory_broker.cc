#include "tests/support/memory_broker.h"

#include <kj/debug.h>

#include "backends/native/native_engine.h"
#include "backends/rocksdb/rocks_engine_internal.h"
#include "tests/support/rocks_files.h"

namespace cambium {

class MemoryBroker::Numbers final : public Entropy {
 public:
  explicit Numbers(uint64_t& state) : state_(state) {}
  void generate(kj::ArrayPtr<kj::byte> buffer) const override {
    for (auto& byte : buffer)
      byte = static_cast<kj::byte>((state_ = state_ * 6364136223846793005u + 1442695040888963407u) >> 56);
  }

 private:
  uint64_t& state_;
};

class MemoryBroker::NoMoreLoops final : public LoopStarter {
 public:
  kj::Own<Loop> start(unsigned, kj::Function<kj::Promise<void>(LoopContext&)>) override {
    KJ_FAIL_REQUIRE("there is one loop");
  }
};

class MemoryBroker::Engines final : public EngineFactory {
 public:
  Engines(FileSystem& files, kj::StringPtr storeFolder) : files_(files), storeFolder_(kj::str(storeFolder)) {}
  kj::Own<StorageEngine> open(kj::StringPtr kind, EngineOptions options) override {
    if (kind == "native") return openNativeEngine(files_, "native", kj::mv(options));
    files_.createDirectory("rocksdb");
    files_.syncDirectory("");
    return rocks::openRocksEngineOn(rocksFilesOver(files_, storeFolder_), kj::str(storeFolder_, "/rocksdb"),
                                    {.memtableBytes = kibibytes(256)}, kj::mv(options));
  }

 private:
  FileSystem& files_;
  kj::String storeFolder_;
};

MemoryBroker::MemoryBroker(Surroundings& surroundings, FileSystem& files, kj::StringPtr storeFolder,
                           kj::StringPtr logEngine, kj::StringPtr stateEngine)
    : surroundings_(surroundings),
      entropy_(kj::heap<Numbers>(surroundings.entropy)),
      loops_(kj::heap<NoMoreLoops>()),
      engines_(kj::heap<Engines>(files, storeFolder)),
      loop_{surroundings.timer, *surroundings.io.lowLevelProvider},
      world_{files, surroundings.clock, *entropy_, pool_, *loops_, *engines_, logLevel_, pool_} {
  BrokerConfig config{.cores = 1,
                      .logEngine = kj::str(logEngine),
                      .stateEngine = kj::str(stateEngine),
                      .groupInitialRebalanceDelayMs = 0,
                      .offsetsPartitions = 1,
                      .segmentBytesMin = 1};
  broker_ = kj::heap<Broker>(world_, kj::mv(config), loop_);
  struct NoDoor final : public Door {
    kj::Promise<void> drain() override { return kj::READY_NOW; }
    kj::Promise<void> cut() override { return kj::READY_NOW; }
  };
  auto failure = kj::runCatchingExceptions(
      [&] { wait(broker_->start([](LocalBroker&, LoopContext&) -> kj::Own<Door> { return kj::heap<NoDoor>(); })); });
  KJ_IF_MAYBE(exception, failure) {
    kj::runCatchingExceptions([&] { stop(); });
    kj::throwFatalException(kj::mv(*exception));
  }
}

MemoryBroker::~MemoryBroker() noexcept(false) {
  if (broker_.get() != nullptr) kj::runCatchingExceptions([this] { stop(); });
}

void MemoryBroker::stop() {
  KJ_DEFER(broker_ = nullptr);
  wait(broker_->stop());
}

void MemoryBroker::advanceTo(kj::TimePoint time) {
  surroundings_.clock.nowMs += (time - surroundings_.timer.now()) / kj::MILLISECONDS;
  surroundings_.timer.advanceTo(time);
}

void MemoryBroker::pass(int64_t milliseconds) {
  auto until = surroundings_.timer.now() + milliseconds * kj::MILLISECONDS;
  for (bool done = false; !done;) {
    auto next = surroundings_.timer.nextEvent().orDefault(until);
    done = next >= until;
    advanceTo(kj::min(next, until));
    surroundings_.io.waitScope.poll();
  }
}

void MemoryBroker::settle(kj::FunctionParam<bool()> isDone) {
  constexpr int kStepsMax = 10'000;
  for (int step = 0; !isDone(); ++step) {
    KJ_REQUIRE(step < kStepsMax, "it does not come to an end");
    auto next = surroundings_.timer.nextEvent();
    advanceTo(kj::max(surroundings_.timer.now(), KJ_REQUIRE_NONNULL(next, "nothing will ever happen")));
  }
}

}  // namespace cambium
