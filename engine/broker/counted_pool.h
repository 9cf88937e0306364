#pragma once

#include <memory>
#include <mutex>

#include "engine/base/work_pool.h"

namespace cambium {

// Hands jobs on to another pool and knows when none is left: jobs outlive the promises that wait for them, and what
// they touch must outlive them. Any thread.
class CountedPool final : public WorkPool {
 public:
  explicit CountedPool(WorkPool& inner) : inner_(inner), count_(std::make_shared<Count>()) {}
  KJ_DISALLOW_COPY(CountedPool);

  kj::Promise<void> run(kj::Function<void()> job) override;
  // Done when every job given so far has ended and is gone. One caller at a time.
  kj::Promise<void> whenIdle();

 private:
  class Token;
  struct Count {
    std::mutex mutex;
    size_t jobs = 0;
    kj::Maybe<kj::Own<kj::CrossThreadPromiseFulfiller<void>>> idle;
  };

  WorkPool& inner_;
  // Shared with the jobs, the last of which may end a moment after whoever waited has gone on.
  std::shared_ptr<Count> count_;
};

}  // namespace cambium
