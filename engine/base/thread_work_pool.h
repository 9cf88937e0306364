#pragma once

#include <deque>
#include <thread>
#include <vector>

#include <kj/mutex.h>

#include "engine/base/work_pool.h"

namespace cambium {

// A fixed number of threads that take jobs in order. Destroying the pool runs what is queued, then joins.
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
  struct State {
    std::deque<Task> queue;
    bool closing = false;
  };

  void work();

  kj::MutexGuarded<State> state_;
  std::vector<std::thread> threads_;
};

// Runs each job on the calling loop, in a later turn: no threads, the same order every time. For tests and simulation.
class InlineWorkPool final : public WorkPool {
 public:
  kj::Promise<void> run(kj::Function<void()> job) override;
};

}  // namespace cambium
