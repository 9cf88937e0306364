#include "engine/broker/counted_pool.h"

namespace cambium {

// Lives in a job; counts it for as long.
class CountedPool::Token {
 public:
  explicit Token(std::shared_ptr<Count> count) : count_(std::move(count)) {
    std::lock_guard lock(count_->mutex);
    ++count_->jobs;
  }
  Token(Token&&) = default;
  ~Token() noexcept(false) {
    if (count_ == nullptr) return;
    kj::Maybe<kj::Own<kj::CrossThreadPromiseFulfiller<void>>> idle;
    {
      std::lock_guard lock(count_->mutex);
      if (--count_->jobs > 0) return;
      idle = kj::mv(count_->idle);
      count_->idle = nullptr;
    }
    KJ_IF_MAYBE(fulfiller, idle) (*fulfiller)->fulfill();
  }

 private:
  std::shared_ptr<Count> count_;
};

kj::Promise<void> CountedPool::run(kj::Function<void()> job) {
  return inner_.run([token = Token(count_), job = kj::mv(job)]() mutable {
    // The job with all it owns goes first, the token last.
    auto mine = kj::mv(job);
    mine();
  });
}

kj::Promise<void> CountedPool::whenIdle() {
  std::lock_guard lock(count_->mutex);
  if (count_->jobs == 0) return kj::READY_NOW;
  auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
  count_->idle = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

}  // namespace cambium
