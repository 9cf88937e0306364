#include "server/rpc/answer_budget.h"

#include "engine/base/coroutine.h"

namespace cambium {

// The adapter behind one promise of a share: in the queue for as long as it has none.
class AnswerBudget::Waiter {
 public:
  Waiter(kj::PromiseFulfiller<Share>& fulfiller, AnswerBudget& owner, uint64_t size)
      : fulfiller_(fulfiller), owner_(&owner), size_(size), place_(owner.waiting_.insert(owner.waiting_.end(), this)) {}
  ~Waiter() noexcept(false) {
    if (owner_ == nullptr) return;
    auto& owner = *owner_;
    owner.waiting_.erase(place_);
    // A large wish at the head held up the smaller ones behind it.
    owner.admit();
  }
  KJ_DISALLOW_COPY(Waiter);

  uint64_t size() const { return size_; }
  // Takes it off the queue.
  void grant() {
    auto& owner = *owner_;
    owner_ = nullptr;
    owner.waiting_.erase(place_);
    fulfiller_.fulfill(Share(owner, size_));
  }

 private:
  kj::PromiseFulfiller<Share>& fulfiller_;
  AnswerBudget* owner_;
  uint64_t size_;
  std::list<Waiter*>::iterator place_;
};

void AnswerBudget::Share::answered(uint64_t size) {
  if (owner_ == nullptr) return;
  auto& owner = *owner_;
  owner.produced_ = kj::max(owner.produced_, owner.written_) + size;
  auto& held = owner.unsentLease_;
  held.add(kj::mv(lease_));
  auto unsent = Bytes(owner.unsent());
  if (held.size() < unsent) {
    held.add(owner.account_.budget().force(owner.account_, unsent - held.size().value()));
  } else {
    held.shrink(unsent);
  }
  release();
}

void AnswerBudget::Share::release() {
  if (owner_ == nullptr) return;
  auto& owner = *owner_;
  owner_ = nullptr;
  owner.reserved_ -= bytes_;
  lease_.release();
  owner.admit();
}

kj::Promise<AnswerBudget::Share> AnswerBudget::ownShare(Bytes size) {
  if (waiting_.empty() && fits(size.value())) return Share(*this, size.value());
  return kj::newAdaptedPromise<Share, Waiter>(*this, size.value());
}

// Its place among the connection's reads first, then one among everybody's.
kj::Promise<AnswerBudget::Share> AnswerBudget::share(Bytes size) {
  auto share = co_await ownShare(size);
  if (size > Bytes(0)) share.lease_ = co_await account_.budget().take(account_, size);
  co_return kj::mv(share);
}

kj::Maybe<AnswerBudget::Share> AnswerBudget::trySharing(Bytes size) {
  if (size == Bytes(0)) return Share(*this, 0);
  if (!fits(size.value())) return nullptr;
  KJ_IF_MAYBE(lease, account_.budget().tryTake(account_, size)) {
    Share share(*this, size.value());
    share.lease_ = kj::mv(*lease);
    return kj::mv(share);
  }
  return nullptr;
}

bool AnswerBudget::isOverdue() {
  bool standsStill = false;
  KJ_IF_MAYBE(before, writtenBefore_) standsStill = busy_ && written_ == *before;
  writtenBefore_ = nullptr;
  if (busy_) writtenBefore_ = written_;
  return standsStill && account_.pressed();
}

void AnswerBudget::wrote(size_t bytes) {
  busy_ = false;
  written_ += bytes;
  unsentLease_.shrink(Bytes(unsent()));
  admit();
  if (settles_ || produced_ <= written_) return;
  // An answer whose call was dropped at the last moment is never written. When there is nothing else to do and the
  // stream stands still, whatever was to be written is.
  settles_ = true;
  settling_ = kj::evalLast([this] {
                settles_ = false;
                if (busy_) return;
                produced_ = written_;
                unsentLease_.shrink(Bytes(0));
                admit();
              }).eagerlyEvaluate(nullptr);
}

void AnswerBudget::admit() {
  while (!waiting_.empty() && fits(waiting_.front()->size()))
    waiting_.front()->grant();
}

}  // namespace cambium
