#include "server/main/memory_return.h"

#include <cstdio>
#include <ctime>
#include <malloc.h>
#include <memory>
#include <unistd.h>

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

constexpr int64_t kBetweenMs = 3000;
// Less is not worth the work.
constexpr uint64_t kUnusedBytesMin = 2 << 20;
// A process that spends more than this share of one core is busy.
constexpr int64_t kBusyPerCent = 25;
constexpr unsigned kPutOffMax = 20;

MemoryLook lookNow(const Clock& clock) {
  MemoryLook look;
  unsigned long size = 0, resident = 0, shared = 0;
  if (auto* file = fopen("/proc/self/statm", "re")) {
    if (fscanf(file, "%lu %lu %lu", &size, &resident, &shared) != 3) resident = shared = 0;
    fclose(file);
  }
  look.resident = (resident - shared) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  auto allocator = mallinfo2();
  look.used = allocator.uordblks + allocator.hblkhd;
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  look.cpuNs = int64_t{cpu.tv_sec} * 1'000'000'000 + cpu.tv_nsec;
  look.nowNs = clock.steadyNs();
  return look;
}

}  // namespace

bool TrimPolicy::shallTrim(const MemoryLook& look) {
  auto before = last_;
  last_ = look;
  if (unused(look) <= least_ + kUnusedBytesMin + look.resident / 32) {
    put_ = 0;
    return false;
  }
  bool busy = (look.cpuNs - before.cpuNs) * 100 > (look.nowNs - before.nowNs) * kBusyPerCent;
  if (busy && ++put_ <= kPutOffMax) return false;
  put_ = 0;
  return true;
}

// On the pool: the allocator goes through everything that is free.
kj::Promise<void> returnFreedMemory(kj::Timer& timer, const Clock& clock, WorkPool& pool) {
  // A job may outlive the promise.
  auto policy = std::make_shared<TrimPolicy>();
  for (;;) {
    co_await timer.afterDelay(kBetweenMs * kj::MILLISECONDS);
    auto looked = pool.run([policy, &clock] {
      if (!policy->shallTrim(lookNow(clock))) return;
      malloc_trim(0);
      policy->trimmed(lookNow(clock));
    });
    co_await looked;
  }
}

}  // namespace cambium
