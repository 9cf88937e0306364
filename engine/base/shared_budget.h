#pragma once

#include <atomic>
#include <list>
#include <map>
#include <string>

#include <kj/async.h>
#include <kj/vector.h>

#include "engine/base/guarded.h"
#include "engine/base/quantity.h"

namespace cambium {

// A bound on the bytes that all loops hold together, with a bound for each client address in it. Whoever needs some
// takes a lease first and waits, in order, until there is room. Addresses take turns; who waits for the bound of its
// own address holds up nobody else's. A lease larger than a bound is given when nobody else has one.
//
// An eighth of each bound is left to small leases, and they pass by large ones that wait: what a client needs to say
// that it is alive does not wait for somebody's records. Any thread; outlives its accounts and leases.
class SharedBudget {
 public:
  struct Limits {
    Bytes all = mebibytes(512);
    Bytes perAddress = mebibytes(256);
  };
  // A lease up to this is a small one.
  static constexpr uint64_t kSmallBytes = 16 << 10;

  explicit SharedBudget(Limits limits) : limits_(limits) {}
  ~SharedBudget() noexcept(false) = default;  // no account, lease or wait may be left
  KJ_DISALLOW_COPY(SharedBudget);

 private:
  class Waiting;
  // What one address holds.
  struct Share {
    uint64_t held = 0;
    size_t users = 0;  // accounts, leases and waits
    std::list<Waiting*> waiting;
    std::string address;
  };

 public:
  // An address as one of its connections knows it.
  class Account {
   public:
    Account(SharedBudget& owner, kj::StringPtr address);
    ~Account() noexcept(false);
    KJ_DISALLOW_COPY(Account);

    SharedBudget& budget() { return owner_; }
    // Others wait for bytes that this address holds.
    bool pressed();

   private:
    friend class SharedBudget;
    SharedBudget& owner_;
    Share& share_;
  };

  // Bytes that are held. Given back when it goes.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept : owner_(other.owner_), share_(other.share_), bytes_(other.bytes_) {
      other.owner_ = nullptr;
      other.bytes_ = 0;
    }
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() noexcept(false) { release(); }

    Bytes size() const { return Bytes(bytes_); }
    // Takes over what `other`, of the same address, holds.
    void add(Lease&& other);
    // Gives back what is beyond `size`.
    void shrink(Bytes size);
    // Gives back everything.
    void release();

   private:
    friend class SharedBudget;
    Lease(SharedBudget& owner, Share& share, uint64_t bytes) : owner_(&owner), share_(&share), bytes_(bytes) {}

    SharedBudget* owner_ = nullptr;
    Share* share_ = nullptr;
    uint64_t bytes_ = 0;
  };

  // Null when one would have to wait: take() then.
  kj::Maybe<Lease> tryTake(Account& account, Bytes size);
  // Dropping the promise gives up the place in the queue. The account is used during the call only.
  kj::Promise<Lease> take(Account& account, Bytes size);
  // Whether or not there is room: for what is there already.
  Lease force(Account& account, Bytes size);
  // How much of `wish` to take so that others find room as well: an eighth of what is free, and at least `least`.
  Bytes moderate(Account& account, Bytes wish, Bytes least);

  Bytes held() const { return Bytes(state_.lock()->held); }
  size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  struct State {
    uint64_t held = 0;
    bool full = false;        // somebody waits for the bound of all
    std::list<Share*> queue;  // addresses of whom somebody waits, who is next first
    std::map<std::string, Share> shares;
  };
  using Woken = kj::Vector<kj::Own<kj::CrossThreadPromiseFulfiller<void>>>;

  static uint64_t boundFor(uint64_t size, Bytes limit) {
    return size <= kSmallBytes ? limit.value() : limit.value() - limit.value() / 8;
  }
  static bool fits(uint64_t held, uint64_t size, Bytes limit) {
    return held == 0 || held + size <= boundFor(size, limit);
  }
  bool mayTake(const State& state, const Share& share, uint64_t size) const;
  Lease grant(State& state, Share& share, uint64_t size);
  Woken admit(State& state);
  static Share& join(State& state, kj::StringPtr address);
  void giveBack(Share& share, uint64_t bytes, bool lastUse);
  static void leave(State& state, Share& share);

  const Limits limits_;
  Guarded<State> state_;
  std::atomic<size_t> waiting_{0};
};

}  // namespace cambium
