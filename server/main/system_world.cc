#include "server/main/system_world.h"

#include <fstream>
#include <pthread.h>
#include <string>
#include <sys/random.h>
#include <time.h>

#include <kj/debug.h>
#include <kj/thread.h>

#include "backends/native/native_engine.h"
#include "backends/rocksdb/rocks_engine.h"
#include "server/main/logging.h"

namespace cambium {

namespace {

// One look at I/O costs about a microsecond, so many events some fifty.
constexpr kj::uint kEventsBetweenPolls = 256;

}  // namespace

kj::AsyncIoContext setupLoop() {
  auto io = kj::setupAsyncIo();
  io.waitScope.setBusyPollInterval(kEventsBetweenPolls);
  return io;
}

TimestampMs SystemClock::now() const {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return TimestampMs(int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000);
}

MemoryUse readMemoryUse() {
  MemoryUse use;
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    char name[32];
    unsigned long long kibibytes = 0;
    // "RssAnon:     1234 kB"
    if (sscanf(line.c_str(), "%31[A-Za-z]: %llu kB", name, &kibibytes) != 2) continue;
    Bytes bytes(uint64_t{kibibytes} << 10);
    kj::StringPtr field = name;
    if (field == "RssAnon") use.own += bytes.value();
    if (field == "RssFile" || field == "RssShmem") use.mappedFiles += bytes.value();
  }
  return use;
}

int64_t SystemClock::steadyNs() const {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void SystemEntropy::generate(kj::ArrayPtr<kj::byte> buffer) const {
  while (buffer.size() > 0) {
    ssize_t got;
    KJ_SYSCALL(got = getrandom(buffer.begin(), buffer.size(), 0));
    buffer = buffer.slice(static_cast<size_t>(got), buffer.size());
  }
}

namespace {

class ThreadLoop final : public LoopStarter::Loop {
 public:
  ThreadLoop(unsigned index, const LogLevelSwitch& level, kj::Function<kj::Promise<void>(LoopContext&)> main)
      : thread_([index, &level, main = kj::mv(main)]() mutable {
          pthread_setname_np(pthread_self(), kj::str("cambium-loop-", index).cStr());
          LogThread log(level);
          auto io = setupLoop();
          LoopContext context{io.provider->getTimer(), *io.lowLevelProvider};
          main(context).wait(io.waitScope);
        }) {}

 private:
  kj::Thread thread_;
};

}  // namespace

kj::Own<LoopStarter::Loop> ThreadLoops::start(unsigned index, kj::Function<kj::Promise<void>(LoopContext&)> main) {
  return kj::heap<ThreadLoop>(index, level_, kj::mv(main));
}

kj::Own<StorageEngine> DiskEngines::open(kj::StringPtr kind, EngineOptions options) {
  if (kind == "native") return openNativeEngine(files_, "native", kj::mv(options));
  KJ_REQUIRE(kind == "rocksdb", "there is no storage engine of this name", kind);
  files_.createDirectory("rocksdb");
  files_.syncDirectory("");
  return openRocksEngine(kj::str(dataDir_, "/rocksdb"), RocksOptions{.openFilesMax = openFilesMax_}, kj::mv(options));
}

}  // namespace cambium
