#pragma once

#include <deque>

#include <kj/async.h>
#include <kj/debug.h>
#include <kj/timer.h>

#include "engine/base/clock.h"
#include "engine/base/work_pool.h"

namespace cambium {

// A clock that stands still until it is set. One thread.
class VirtualClock final : public Clock {
 public:
  TimestampMs now() const override { return TimestampMs(nowMs); }
  int64_t steadyNs() const override { return nowMs * 1'000'000; }

  int64_t nowMs = 1'700'000'000'000;
};

// Keeps jobs until it is told to run them, on the calling loop, in order: a device that takes its time. One thread.
class HeldWorkPool final : public WorkPool {
 public:
  kj::Promise<void> run(kj::Function<void()> job) override {
    auto paf = kj::newPromiseAndFulfiller<void>();
    jobs_.push_back({kj::mv(job), kj::mv(paf.fulfiller)});
    if (!holding) runAll();
    return kj::mv(paf.promise);
  }
  void runOne() {
    KJ_REQUIRE(!jobs_.empty(), "nobody has anything to do");
    auto task = kj::mv(jobs_.front());
    jobs_.pop_front();
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { task.job(); })) {
      task.done->reject(kj::mv(*exception));
    } else {
      task.done->fulfill();
    }
  }
  void runAll() {
    while (!jobs_.empty())
      runOne();
  }
  size_t held() const { return jobs_.size(); }

  bool holding = false;

 private:
  struct Task {
    kj::Function<void()> job;
    kj::Own<kj::PromiseFulfiller<void>> done;
  };
  std::deque<Task> jobs_;
};

}  // namespace cambium
