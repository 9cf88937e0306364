#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/base/work_pool.h"

namespace cambium {

// A fixed number of threads that take jobs in order. Destroying the pool runs what is queued, then joins. Outlives the
// promises of its jobs.
//
// Locks are the standard library's throughout the project, not kj's: the race detector cannot look into Debian's build
// of kj.
class ThreadWorkPool final : public WorkPool {
 public:
  explicit ThreadWorkPool(unsigned threads);
  ~ThreadWorkPool() noexcept(false) override;
  KJ_DISALLOW_COPY(ThreadWorkPool);

  kj::Promise<void> run(kj::Function<void()> job) override;

 private:
  struct Task {
    kj::Function<void()> job;
    kj::Own<kj::CrossThreadPromiseFulfiller<void>> done;
  };

  void work();
  // Passes the lock, on the thread of a job when that has ended and then on its caller's: the race detector sees by
  // this, and not in kj, that one comes after the other.
  void meet();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> queue_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

// Runs each job on the calling loop, in a later turn: no threads, the same order every time. For tests and simulation.
class InlineWorkPool final : public WorkPool {
 public:
  kj::Promise<void> run(kj::Function<void()> job) override;
};

}  // namespace cambium
