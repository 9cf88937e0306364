#include "engine/base/byte_budget.h"

namespace cambium {

// The adapter of a promise of take(): leaves the queue when it is dropped.
class ByteBudget::Waiter {
 public:
  Waiter(kj::PromiseFulfiller<Lease>& fulfiller, ByteBudget& owner, uint64_t bytes, uint64_t kept)
      : bytes(bytes), kept(kept), fulfiller_(fulfiller), owner_(owner) {
    position_ = owner.waiting_.insert(owner.waiting_.end(), this);
    owner.kept_ += kept;
    // It may be what made everybody wait for somebody.
    owner.admit();
  }
  ~Waiter() noexcept(false) {
    if (!queued_) return;
    owner_.waiting_.erase(position_);
    owner_.kept_ -= kept;
    // Those that wait behind it may fit where it did not.
    owner_.admit();
  }
  KJ_DISALLOW_COPY(Waiter);

  void admit() {
    queued_ = false;
    fulfiller_.fulfill(Lease(owner_, bytes));
  }

  const uint64_t bytes;
  const uint64_t kept;

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

void ByteBudget::Lease::add(Lease&& other) {
  if (owner_ == nullptr) {
    *this = kj::mv(other);
    return;
  }
  bytes_ += other.bytes_;
  other.owner_ = nullptr;
  other.bytes_ = 0;
}

kj::Promise<ByteBudget::Lease> ByteBudget::take(Bytes size, Bytes kept) {
  KJ_IF_MAYBE(lease, tryTake(size)) return kj::mv(*lease);
  return kj::newAdaptedPromise<Lease, Waiter>(*this, size.value(), kept.value());
}

void ByteBudget::admit() {
  while (!waiting_.empty() && fits(waiting_.front()->bytes)) {
    auto* waiter = waiting_.front();
    waiting_.pop_front();
    kept_ -= waiter->kept;
    held_ += waiter->bytes;
    waiter->admit();
  }
}

}  // namespace cambium
