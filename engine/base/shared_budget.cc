#include "engine/base/shared_budget.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

// A wait of take(), in the queue of its address until it is granted or goes.
class SharedBudget::Waiting {
 public:
  Waiting(SharedBudget& owner, Share& share, uint64_t size) : size(size), owner_(owner), share_(share) {
    auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
    fulfiller = kj::mv(paf.fulfiller);
    promise = kj::mv(paf.promise);
  }
  // Gives up the place, or what was granted and not fetched.
  ~Waiting() noexcept(false) {
    Woken woken;
    {
      auto state = owner_.state_.lock();
      if (granted) {
        share_.held -= size;
        state->held -= size;
      } else if (queued) {
        share_.waiting.erase(place);
        --owner_.waiting_;
        if (share_.waiting.empty()) state->queue.remove(&share_);
      }
      leave(*state, share_);
      woken = owner_.admit(*state);
    }
    for (auto& one : woken)
      one->fulfill();
  }
  KJ_DISALLOW_COPY(Waiting);

  // What was granted; once, when the promise is done.
  Lease fetch() {
    auto state = owner_.state_.lock();
    KJ_ASSERT(granted);
    granted = false;
    ++share_.users;
    return Lease(owner_, share_, size);
  }

  const uint64_t size;
  kj::Own<kj::CrossThreadPromiseFulfiller<void>> fulfiller;
  kj::Promise<void> promise = nullptr;
  std::list<Waiting*>::iterator place;
  bool queued = true;
  bool granted = false;

 private:
  SharedBudget& owner_;
  Share& share_;
};

SharedBudget::Account::Account(SharedBudget& owner, kj::StringPtr address)
    : owner_(owner), share_(owner.join(*owner.state_.lock(), address)) {}

SharedBudget::Account::~Account() noexcept(false) {
  auto state = owner_.state_.lock();
  leave(*state, share_);
}

bool SharedBudget::Account::pressed() {
  if (owner_.waiting() == 0) return false;
  auto state = owner_.state_.lock();
  return state->full || !share_.waiting.empty();
}

SharedBudget::Lease& SharedBudget::Lease::operator=(Lease&& other) noexcept {
  release();
  owner_ = other.owner_;
  share_ = other.share_;
  bytes_ = other.bytes_;
  other.owner_ = nullptr;
  other.bytes_ = 0;
  return *this;
}

void SharedBudget::Lease::add(Lease&& other) {
  if (other.owner_ == nullptr) return;
  if (owner_ == nullptr) {
    *this = kj::mv(other);
    return;
  }
  KJ_REQUIRE(share_ == other.share_, "leases of two addresses do not add up");
  bytes_ += other.bytes_;
  other.bytes_ = 0;
  other.release();
}

void SharedBudget::Lease::shrink(Bytes size) {
  if (owner_ == nullptr || size.value() >= bytes_) return;
  auto freed = bytes_ - size.value();
  bytes_ = size.value();
  owner_->giveBack(*share_, freed, false);
}

void SharedBudget::Lease::release() {
  if (owner_ == nullptr) return;
  auto& owner = *owner_;
  owner_ = nullptr;
  auto freed = bytes_;
  bytes_ = 0;
  owner.giveBack(*share_, freed, true);
}

SharedBudget::Share& SharedBudget::join(State& state, kj::StringPtr address) {
  auto& share = state.shares[address.cStr()];
  share.address = address.cStr();
  ++share.users;
  return share;
}

void SharedBudget::leave(State& state, Share& share) {
  if (--share.users > 0) return;
  auto address = share.address;
  state.shares.erase(address);
}

void SharedBudget::giveBack(Share& share, uint64_t bytes, bool lastUse) {
  Woken woken;
  {
    auto state = state_.lock();
    share.held -= bytes;
    state->held -= bytes;
    if (lastUse) leave(*state, share);
    woken = admit(*state);
  }
  for (auto& one : woken)
    one->fulfill();
}

bool SharedBudget::mayTake(const State& state, const Share& share, uint64_t size) const {
  if (size > kSmallBytes && (state.full || !share.waiting.empty())) return false;
  return fits(share.held, size, limits_.perAddress) && fits(state.held, size, limits_.all);
}

SharedBudget::Lease SharedBudget::grant(State& state, Share& share, uint64_t size) {
  share.held += size;
  state.held += size;
  ++share.users;
  return Lease(*this, share, size);
}

// Grants what fits now. Who is to be told is returned, to be done without the lock.
SharedBudget::Woken SharedBudget::admit(State& state) {
  Woken woken;
  state.full = false;
  for (auto at = state.queue.begin(); at != state.queue.end();) {
    auto& share = **at;
    auto& first = *share.waiting.front();
    bool small = first.size <= kSmallBytes;
    bool mayPass = fits(share.held, first.size, limits_.perAddress) && (small || !state.full);
    if (mayPass && !fits(state.held, first.size, limits_.all)) {
      mayPass = false;
      // Large ones behind it wait until it has got what it needs.
      if (!small) state.full = true;
    }
    if (!mayPass) {
      ++at;
      continue;
    }
    share.waiting.pop_front();
    --waiting_;
    first.queued = false;
    first.granted = true;
    share.held += first.size;
    state.held += first.size;
    woken.add(kj::mv(first.fulfiller));
    state.queue.erase(at);
    if (!share.waiting.empty()) state.queue.push_back(&share);
    at = state.queue.begin();
  }
  return woken;
}

kj::Maybe<SharedBudget::Lease> SharedBudget::tryTake(Account& account, Bytes size) {
  auto state = state_.lock();
  if (!mayTake(*state, account.share_, size.value())) return nullptr;
  return grant(*state, account.share_, size.value());
}

kj::Promise<SharedBudget::Lease> SharedBudget::take(Account& account, Bytes size) {
  kj::Own<Waiting> waiting;
  {
    auto& share = account.share_;
    auto state = state_.lock();
    if (mayTake(*state, share, size.value())) co_return grant(*state, share, size.value());
    waiting = kj::heap<Waiting>(*this, share, size.value());
    if (share.waiting.empty()) state->queue.push_back(&share);
    auto place = size.value() <= kSmallBytes ? share.waiting.begin() : share.waiting.end();
    waiting->place = share.waiting.insert(place, waiting.get());
    ++share.users;
    ++waiting_;
    if (fits(share.held, size.value(), limits_.perAddress) && !fits(state->held, size.value(), limits_.all)) {
      state->full = true;
    }
  }
  co_await waiting->promise;
  co_return waiting->fetch();
}

SharedBudget::Lease SharedBudget::force(Account& account, Bytes size) {
  auto state = state_.lock();
  return grant(*state, account.share_, size.value());
}

Bytes SharedBudget::moderate(Account& account, Bytes wish, Bytes least) {
  auto state = state_.lock();
  auto room = [&](uint64_t held, Bytes limit) {
    auto bound = boundFor(UINT64_MAX, limit);
    return bound - kj::min(bound, held);
  };
  auto free = kj::min(room(state->held, limits_.all), room(account.share_.held, limits_.perAddress));
  return kj::min(wish, kj::max(least, Bytes(free / 8)));
}

}  // namespace cambium
