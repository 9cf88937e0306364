#include "engine/base/fair_turns.h"

#include "engine/base/coroutine.h"

namespace cambium {

// The adapter of a promise of next(): leaves the queue when it is dropped.
class FairTurns::Waiter {
 public:
  Waiter(kj::PromiseFulfiller<void>& fulfiller, FairTurns& owner)
      : fulfiller_(fulfiller), owner_(&owner), place_(owner.waiting_.insert(owner.waiting_.end(), this)) {}
  ~Waiter() noexcept(false) {
    if (owner_ != nullptr) owner_->waiting_.erase(place_);
  }
  KJ_DISALLOW_COPY(Waiter);

  // Takes it off the queue.
  void go() {
    owner_->waiting_.erase(place_);
    owner_ = nullptr;
    fulfiller_.fulfill();
  }

 private:
  kj::PromiseFulfiller<void>& fulfiller_;
  FairTurns* owner_;
  std::list<Waiter*>::iterator place_;
};

kj::Promise<void> FairTurns::next() {
  auto turn = kj::newAdaptedPromise<void, Waiter>(*this);
  if (!serving_) {
    serving_ = true;
    service_ = serve().eagerlyEvaluate(nullptr);
  }
  return turn;
}

void FairTurns::beginRound() {
  inRound_ = true;
  roundEnds_ = kj::evalLast([this] {
                 inRound_ = false;
                 ++round_;
                 spent_ = 0;
               }).eagerlyEvaluate(nullptr);
}

// The timer alone would not do: a loop that is busy looks for I/O, too, and a turn that is given before the last one's
// work is done would let no round end. It fires when the loop looks for I/O, and what that finds comes first.
kj::Promise<void> FairTurns::serve() {
  KJ_DEFER(serving_ = false);
  while (!waiting_.empty()) {
    co_await kj::evalLast([] {});
    co_await timer_.afterDelay(0 * kj::NANOSECONDS);
    if (waiting_.empty()) break;
    ++given_;
    waiting_.front()->go();
  }
}

}  // namespace cambium
