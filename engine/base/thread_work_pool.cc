#include "engine/base/thread_work_pool.h"

#include <kj/debug.h>

namespace cambium {

ThreadWorkPool::ThreadWorkPool(unsigned threads) {
  KJ_REQUIRE(threads > 0, "a pool needs a thread");
  for (unsigned i = 0; i < threads; ++i)
    threads_.emplace_back([this] { work(); });
}

ThreadWorkPool::~ThreadWorkPool() noexcept(false) {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

kj::Promise<void> ThreadWorkPool::run(kj::Function<void()> job) {
  auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
  {
    std::lock_guard lock(mutex_);
    KJ_REQUIRE(!closing_, "job given to a pool that is closing");
    queue_.push_back({kj::mv(job), kj::mv(paf.fulfiller)});
  }
  changed_.notify_one();
  return paf.promise.then([this] { meet(); },
                          [this](kj::Exception&& exception) {
                            meet();
                            kj::throwFatalException(kj::mv(exception));
                          });
}

void ThreadWorkPool::meet() {
  std::lock_guard lock(mutex_);
}

void ThreadWorkPool::work() {
  for (;;) {
    kj::Maybe<Task> taken;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      taken = kj::mv(queue_.front());
      queue_.pop_front();
    }
    auto& task = KJ_ASSERT_NONNULL(taken);
    auto exception = kj::runCatchingExceptions([&] { task.job(); });
    // Whatever the job owns is gone before its caller goes on.
    {
      auto finished = kj::mv(task.job);
    }
    {
      std::lock_guard lock(mutex_);
    }
    KJ_IF_MAYBE(e, exception) {
      task.done->reject(kj::mv(*e));
    } else {
      task.done->fulfill();
    }
  }
}

kj::Promise<void> InlineWorkPool::run(kj::Function<void()> job) {
  return kj::evalLater([job = kj::mv(job)]() mutable { job(); });
}

}  // namespace cambium
