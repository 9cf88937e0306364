#include "engine/base/byte_budget.h"

namespace cambium {

// The adapter of a promise of take(): leaves the queue when it is dropped.
class ByteBudget::Waiter {
 public:
  Waiter(kj::PromiseFulfiller<Lease>& fulfiller, ByteBudget& owner, uint64_t bytes)
      : bytes(bytes), fulfiller_(fulfiller), owner_(owner) {
    position_ = owner.waiting_.insert(owner.waiting_.end(), this);
  }
  ~Waiter() noexcept(false) {
    if (!queued_) return;
    owner_.waiting_.erase(position_);
    // Who stood behind may fit where this one did not.
    owner_.admit();
  }
  KJ_DISALLOW_COPY(Waiter);

  void admit() {
    queued_ = false;
    fulfiller_.fulfill(Lease(owner_, bytes));
  }

  const uint64_t bytes;

 private:
  kj::PromiseFulfiller<Lease>& fulfiller_;
  ByteBudget& owner_;
  std::list<Waiter*>::iterator position_;
  bool queued_ = true;
};

void ByteBudget::Lease::release() {
  if (owner_ == nullptr) return;
  owner_->held_ -= bytes_;
  owner_->admit();
  owner_ = nullptr;
}

kj::Maybe<ByteBudget::Lease> ByteBudget::tryTake(Bytes size) {
  if (!waiting_.empty() || !fits(size.value())) return nullptr;
  held_ += size.value();
  return Lease(*this, size.value());
}

kj::Promise<ByteBudget::Lease> ByteBudget::take(Bytes size) {
  KJ_IF_MAYBE(lease, tryTake(size)) return kj::mv(*lease);
  return kj::newAdaptedPromise<Lease, Waiter>(*this, size.value());
}

void ByteBudget::admit() {
  while (!waiting_.empty() && fits(waiting_.front()->bytes)) {
    auto* waiter = waiting_.front();
    waiting_.pop_front();
    held_ += waiter->bytes;
    waiter->admit();
  }
}

}  // namespace cambium
