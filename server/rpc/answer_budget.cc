#include "server/rpc/answer_budget.h"

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
  owner_->produced_ = kj::max(owner_->produced_, owner_->written_) + size;
  release();
}

void AnswerBudget::Share::release() {
  if (owner_ == nullptr) return;
  auto& owner = *owner_;
  owner_ = nullptr;
  owner.reserved_ -= bytes_;
  owner.admit();
}

kj::Promise<AnswerBudget::Share> AnswerBudget::share(Bytes size) {
  if (waiting_.empty() && fits(size.value())) return Share(*this, size.value());
  return kj::newAdaptedPromise<Share, Waiter>(*this, size.value());
}

kj::Maybe<AnswerBudget::Share> AnswerBudget::trySharing(Bytes size) {
  if (size.value() > 0 && !fits(size.value())) return nullptr;
  return Share(*this, size.value());
}

void AnswerBudget::wrote(size_t bytes) {
  busy_ = false;
  written_ += bytes;
  admit();
  if (settles_ || produced_ <= written_) return;
  // An answer whose call was dropped at the last moment is never written. When there is nothing else to do and the
  // stream stands still, whatever was to be written is.
  settles_ = true;
  settling_ = kj::evalLast([this] {
                settles_ = false;
                if (busy_) return;
                produced_ = written_;
                admit();
              }).eagerlyEvaluate(nullptr);
}

void AnswerBudget::admit() {
  while (!waiting_.empty() && fits(waiting_.front()->size()))
    waiting_.front()->grant();
}

}  // namespace cambium
