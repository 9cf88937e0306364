#pragma once

#include <gtest/gtest.h>
#include <string>

#include "backends/native/native_engine.h"
#include "backends/rocksdb/rocks_engine.h"
#include "engine/retention/compaction.h"
#include "engine/storage/memory_engine.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/retention/keyed_batches.h"
#include "tests/unit/retention/keyed_model.h"

namespace cambium {

// An engine over a disk of its own.
class EngineUnderTest {
 public:
  virtual ~EngineUnderTest() noexcept(false) = default;
  virtual StorageEngine& engine() = 0;
  virtual void reopen() = 0;
  // The power fails, or the process dies: what was not synced may be gone.
  virtual void crash() = 0;
};

inline void crashDisk(MemoryStore& store) {
  store.crash();
}
inline void crashDisk(MemoryFileSystem& files) {
  files.crash();
}
inline void crashDisk(TemporaryFolder&) {}

template <class Disk, kj::Own<StorageEngine> (*open)(Disk&)>
class EngineOn final : public EngineUnderTest {
 public:
  StorageEngine& engine() override { return *engine_; }
  void reopen() override {
    engine_->close();
    engine_ = nullptr;
    engine_ = open(disk_);
  }
  void crash() override {
    engine_ = nullptr;
    crashDisk(disk_);
    engine_ = open(disk_);
  }

 private:
  Disk disk_;
  kj::Own<StorageEngine> engine_ = open(disk_);
};

inline kj::Own<StorageEngine> openMemory(MemoryStore& store) {
  return openMemoryEngine(store, {});
}
inline kj::Own<StorageEngine> openNative(MemoryFileSystem& files) {
  return openNativeEngine(files, "data", {});
}
inline kj::Own<StorageEngine> openRocks(TemporaryFolder& folder) {
  return openRocksEngine(folder.path("store"), {}, {});
}

struct EngineChoice {
  const char* name;
  kj::Own<EngineUnderTest> (*make)();
  uint32_t seeds;  // of the model test
};

// One compacted log over one of the engines, and passes of compaction over it.
class CompactionFixture : public ::testing::TestWithParam<EngineChoice> {
 public:
  ~CompactionFixture() noexcept override = default;

 protected:
  static constexpr int64_t kDay = INT64_C(24) * 3600 * 1000;

  // Begins with an empty log.
  void clear() {
    log = nullptr;
    if (subject.get() != nullptr) subject->engine().drop(id());
    open();
  }
  void SetUp() override { open(); }
  void open() {
    if (subject.get() == nullptr) subject = GetParam().make();
    log = subject->engine().open(id(), {.segmentBytes = kibibytes(4)});
  }
  void reopen() {
    log = nullptr;
    subject->reopen();
    open();
  }
  void crash() {
    log = nullptr;
    subject->crash();
    open();
  }
  static LogId id() { return {kj::str("keyed-0"), Uuid()}; }

  void append(kj::ArrayPtr<const kj::byte> batch) { log->append(batch); }
  void add(const std::vector<KeyedRecord>& records) { append(keyedBatch(log->bounds().end.value(), records)); }
  // So that all of it can be compacted.
  void close() {
    syncNow(*log);
    log->closeExtent();
    closedAt = log->bounds().end;
  }

  kj::Maybe<CompactionPlan> plan(CleanerProgress progress = {}) {
    LogPicture picture{.bounds = log->bounds(), .highWatermark = log->bounds().durable, .extents = log->extents()};
    picture.lastIsClosed = picture.bounds.end == closedAt;
    CleanupConfig config;
    config.policy = CleanupPolicy::kCompact;
    config.minCleanableDirtyRatio = 0;
    return planCompaction(picture, config, progress, kNoTimestamp, TimestampMs(now));
  }
  kj::Own<Compaction> beginWith(CompactionPlan plan) {
    return kj::atomicRefcounted<Compaction>(kj::mv(plan), CompactionSettings{.now = TimestampMs(now),
                                                                             .deleteRetentionMs = deleteRetentionMs,
                                                                             .segmentBytes = segmentBytes,
                                                                             .keysMax = keysMax,
                                                                             .seed = {7, 7, 7},
                                                                             .producers = producers});
  }
  kj::Own<Compaction> begin(CleanerProgress progress) { return beginWith(KJ_REQUIRE_NONNULL(plan(progress))); }
  // At most so many steps; true at the end.
  bool run(Compaction& pass, int steps = INT32_MAX) {
    for (; steps > 0 && pass.next() != Compaction::Step::kDone; --steps) {
      if (pass.next() == Compaction::Step::kLog) {
        pass.onLog(*log);
      } else {
        pass.work();
      }
    }
    return pass.next() == Compaction::Step::kDone;
  }
  CompactionOutcome compact(CleanerProgress progress = {}) {
    auto pass = begin(progress);
    run(*pass);
    return pass->outcome();
  }

  kj::Array<const kj::byte> everything() {
    auto bounds = log->bounds();
    return log->read(bounds.start, bounds.end, Bytes(UINT64_MAX));
  }
  std::string contents() { return describeKeyed(everything()); }
  // "a=1 b=2 ": the newest value of each key.
  std::string newest() { return newestOf(everything(), log->bounds().start); }
  void checkDense() { requireDense(everything(), log->bounds()); }

  kj::Own<EngineUnderTest> subject;
  kj::Own<PartitionLog> log;
  Offset closedAt = kNoOffset;
  int64_t now = 1'700'000'000'000;
  int64_t deleteRetentionMs = kDay;
  Bytes segmentBytes = mebibytes(1);
  size_t keysMax = 1000;
  LastOffsets producers;
};

#define CAMBIUM_EVERY_ENGINE(Suite)                                                                                   \
  INSTANTIATE_TEST_SUITE_P(                                                                                           \
      Every, Suite,                                                                                                   \
      ::testing::Values(                                                                                              \
          EngineChoice{"memory",                                                                                      \
                       []() -> kj::Own<EngineUnderTest> { return kj::heap<EngineOn<MemoryStore, openMemory>>(); },    \
                       20},                                                                                           \
          EngineChoice{                                                                                               \
              "native",                                                                                               \
              []() -> kj::Own<EngineUnderTest> { return kj::heap<EngineOn<MemoryFileSystem, openNative>>(); }, 10},   \
          EngineChoice{"rocksdb",                                                                                     \
                       []() -> kj::Own<EngineUnderTest> { return kj::heap<EngineOn<TemporaryFolder, openRocks>>(); }, \
                       3}),                                                                                           \
      [](const auto& info) { return std::string(info.param.name); })

}  // namespace cambium
