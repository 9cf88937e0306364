#pragma once

#include <list>

#include <kj/async.h>

#include "engine/base/quantity.h"

namespace cambium {

// A bound on the bytes that several parties hold together. Whoever needs some takes a lease first, and waits, in order,
// until there is room; a lease larger than the whole budget is given when nobody else has one. When everything is held
// by those who wait for more, the first of them gets it beyond the bound: nobody else's would ever come back. One loop.
class ByteBudget {
 public:
  explicit ByteBudget(Bytes limit) : limit_(limit.value()) {}
  ~ByteBudget() noexcept(false) = default;  // no lease and no wait may be left
  KJ_DISALLOW_COPY(ByteBudget);

  // Bytes that are held. Given back when it goes.
  class Lease {
   public:
    Lease() = default;
    Lease(ByteBudget& owner, uint64_t bytes) : owner_(&owner), bytes_(bytes) {}
    Lease(Lease&& other) noexcept : owner_(other.owner_), bytes_(other.bytes_) {
      other.owner_ = nullptr;
      other.bytes_ = 0;
    }
    Lease& operator=(Lease&& other) noexcept {
      release();
      owner_ = other.owner_;
      bytes_ = other.bytes_;
      other.owner_ = nullptr;
      other.bytes_ = 0;
      return *this;
    }
    ~Lease() noexcept(false) { release(); }

    Bytes size() const { return Bytes(bytes_); }
    // Takes over what `other`, of the same budget, holds.
    void add(Lease&& other);

   private:
    void release();

    ByteBudget* owner_ = nullptr;
    uint64_t bytes_ = 0;
  };

  // Nobody waits, and more than half of the budget would still be free.
  bool roomyFor(Bytes size) const { return waiting_.empty() && held_ + size.value() <= limit_ / 2; }
  // Null when one would have to wait: take() then.
  kj::Maybe<Lease> tryTake(Bytes size);
  // Dropping the promise gives up the place in the queue. `kept`: what the caller holds already, and goes on holding
  // while it waits.
  kj::Promise<Lease> take(Bytes size, Bytes kept = Bytes(0));

  Bytes held() const { return Bytes(held_); }
  size_t waiting() const { return waiting_.size(); }

 private:
  class Waiter;

  bool fits(uint64_t size) const { return held_ + size <= limit_ || (held_ == kept_ && held_ <= limit_); }
  void admit();

  const uint64_t limit_;
  uint64_t held_ = 0;
  uint64_t kept_ = 0;  // of that, by those who wait
  std::list<Waiter*> waiting_;
};

}  // namespace cambium
