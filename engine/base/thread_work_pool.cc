#include "engine/base/thread_work_pool.h"

#include <kj/debug.h>

namespace cambium {

ThreadWorkPool::ThreadWorkPool(unsigned threads) {
  KJ_REQUIRE(threads > 0, "a pool needs a thread");
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ThreadWorkPool::~ThreadWorkPool() noexcept(false) {
  state_.lockExclusive()->closing = true;
  for (auto& thread : threads_) thread.join();
}

kj::Promise<void> ThreadWorkPool::run(kj::Function<void()> job) {
  auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
  auto lock = state_.lockExclusive();
  KJ_REQUIRE(!lock->closing, "job given to a pool that is closing");
  lock->queue.push_back({kj::mv(job), kj::mv(paf.fulfiller)});
  return kj::mv(paf.promise);
}

void ThreadWorkPool::work() {
  for (;;) {
    kj::Maybe<Task> taken;
    state_.when([](const State& state) { return state.closing || !state.queue.empty(); },
                [&](State& state) {
                  if (state.queue.empty()) return;
                  taken = kj::mv(state.queue.front());
                  state.queue.pop_front();
                });
    KJ_IF_MAYBE(task, taken) {
      auto exception = kj::runCatchingExceptions([&] { task->job(); });
      KJ_IF_MAYBE(e, exception) {
        task->done->reject(kj::mv(*e));
      } else {
        task->done->fulfill();
      }
    } else {
      return;
    }
  }
}

kj::Promise<void> InlineWorkPool::run(kj::Function<void()> job) {
  return kj::evalLater([job = kj::mv(job)]() mutable { job(); });
}

}  // namespace cambium
