#pragma once

#include <cstdint>

#include <kj/timer.h>

#include "engine/base/clock.h"
#include "engine/base/work_pool.h"

namespace cambium {

// What the process has of the system's memory, and what of it the allocator has given out.
struct MemoryLook {
  uint64_t resident = 0;  // bytes of its own, without mapped files
  uint64_t used = 0;
  int64_t cpuNs = 0;  // that the process has spent
  int64_t nowNs = 0;  // by the steady clock
};

// Decides when memory that was freed goes back to the system. While the process is busy it would be needed again at
// once, so that waits for a calmer time, but not for ever.
class TrimPolicy {
 public:
  // To be asked every few seconds.
  bool shallTrim(const MemoryLook& look);
  // It was done, and this is what is left.
  void trimmed(const MemoryLook& look) { least_ = unused(look); }

 private:
  static uint64_t unused(const MemoryLook& look) { return look.resident > look.used ? look.resident - look.used : 0; }

  uint64_t least_ = 0;  // that is resident, not used, and does not go
  MemoryLook last_;
  unsigned put_ = 0;  // off, in a row
};

// Looks every few seconds, and gives back on `pool` what the policy says; for ever.
kj::Promise<void> returnFreedMemory(kj::Timer& timer, const Clock& clock, WorkPool& pool);

}  // namespace cambium
