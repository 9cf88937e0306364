#include "bench/storage_subjects.h"

#include <cstring>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kj/debug.h>

#include "backends/native/native_engine.h"
#include "backends/rocksdb/rocks_engine.h"
#include "engine/base/text.h"
#include "engine/record/record_rules.h"
#include "engine/record/validator.h"

namespace cambium::bench {

namespace {
constexpr kj::StringPtr kFillAndDie = "--fill-and-die"_kj;
constexpr uint64_t kBytesPerSync = 8 << 20;
}  // namespace

EngineSubject::EngineSubject(kj::StringPtr kind, kj::String folder)
    : kind_(kj::str(kind)), folder_(kj::mv(folder)), files_(folder_, 1024) {
  start();
}

EngineSubject::~EngineSubject() noexcept(false) {
  engine_ = nullptr;
  std::filesystem::remove_all(folder_.cStr());
}

void EngineSubject::start() {
  if (kind_ == "native") {
    engine_ = openNativeEngine(files_, "native", {});
  } else if (kind_ == "native-unmarked") {
    engine_ = openNativeEngine(unmarked_, "native", {});
  } else if (kind_ == "rocksdb") {
    engine_ = openRocksEngine(kj::str(folder_, "/rocksdb"));
  } else {
    KJ_REQUIRE(kind_ == "memory", "there is no engine of this name; known are native, rocksdb, memory", kind_);
    engine_ = openMemoryEngine(memory_, {});
  }
}

kj::Own<PartitionLog> EngineSubject::openLog() {
  return engine_->open(LogId{kj::str("bench-0"), Uuid()}, {});
}

void EngineSubject::closeCleanly() {
  engine_->close();
  engine_ = nullptr;
}

Offset appendAsPartition(PartitionLog& log, kj::ArrayPtr<kj::byte> batch) {
  auto checked = validateBatches(batch);
  KJ_REQUIRE(checked.ok(), checked.error().message);
  auto read = checkRecords(KJ_ASSERT_NONNULL(BatchView::first(batch)), {});
  KJ_REQUIRE(read.ok(), read.error().message);
  stampBatch(batch, log.bounds().end, LeaderEpoch(0));
  return log.append(batch);
}

void fill(PartitionLog& log, BatchSource& source, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i)
    log.append(source.nextAt(log.bounds().end));
}

void fillAndDie(kj::StringPtr kind, kj::StringPtr folder, Bytes batch, uint64_t count) {
  auto batchText = kj::str(batch);
  auto countText = kj::str(count);
  const char* arguments[] = {"cambium_bench",  kFillAndDie.cStr(), kind.cStr(), folder.cStr(),
                             batchText.cStr(), countText.cStr(),   nullptr};
  pid_t child;
  int failed = posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(arguments), environ);
  KJ_REQUIRE(failed == 0, "cannot start a process", strerror(failed));
  int status;
  KJ_SYSCALL(waitpid(child, &status, 0));
  KJ_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the process that fills a log failed", kind, folder);
}

void dieIfAsked(int argc, char** argv) {
  if (argc != 6 || argv[1] != kFillAndDie) return;
  auto batch = KJ_REQUIRE_NONNULL(parseInteger<uint64_t>(argv[4]));
  auto count = KJ_REQUIRE_NONNULL(parseInteger<uint64_t>(argv[5]));
  BatchSource source{Bytes(batch)};
  EngineSubject subject(argv[2], kj::str(argv[3]));
  auto log = subject.openLog();
  log->resetTo(Offset(0));
  uint64_t unsynced = 0;
  for (uint64_t i = 0; i < count; ++i) {
    // Never right before the end.
    if (unsynced >= kBytesPerSync) {
      syncNow(*log);
      unsynced = 0;
    }
    log->append(source.nextAt(log->bounds().end));
    unsynced += batch;
  }
  _exit(0);
}

}  // namespace cambium::bench
