#pragma once

#include <kj/async.h>
#include <kj/function.h>

namespace cambium {

// Runs blocking work off the event loops: syncs, recovery, deletions. May be used from every loop.
class WorkPool {
 public:
  virtual ~WorkPool() noexcept(false) = default;

  // Runs `job` once, on some other thread or (in tests) later on this one. The promise belongs to the caller's loop and
  // is done when the job is; what the job throws arrives there. Dropping the promise does not stop the job: it must own
  // what it touches.
  virtual kj::Promise<void> run(kj::Function<void()> job) = 0;
};

}  // namespace cambium
