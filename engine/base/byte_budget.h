#pragma once

#include <list>

#include <kj/async.h>

#include "engine/base/quantity.h"

namespace cambium {

// A bound on the bytes that several parties hold together. Whoever needs some takes a lease first, and waits, in order,
// until there is room; a lease larger than the whole budget is given when nobody else has one. One loop.
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
    Lease(Lease&& other) noexcept : owner_(other.owner_), bytes_(other.bytes_) { other.owner_ = nullptr; }
    Lease& operator=(Lease&& other) noexcept {
      release();
      owner_ = other.owner_;
      bytes_ = other.bytes_;
      other.owner_ = nullptr;
      return *this;
    }
    ~Lease() noexcept(false) { release(); }

   private:
    void release();

    ByteBudget* owner_ = nullptr;
    uint64_t bytes_ = 0;
  };

  // Nobody waits, and more than half of the budget would still be free.
  bool roomyFor(Bytes size) const { return waiting_.empty() && held_ + size.value() <= limit_ / 2; }
  // Null when one would have to wait: take() then.
  kj::Maybe<Lease> tryTake(Bytes size);
  // Dropping the promise gives up the place in the queue.
  kj::Promise<Lease> take(Bytes size);

  Bytes held() const { return Bytes(held_); }
  size_t waiting() const { return waiting_.size(); }

 private:
  class Waiter;

  bool fits(uint64_t size) const { return held_ == 0 || held_ + size <= limit_; }
  void admit();

  const uint64_t limit_;
  uint64_t held_ = 0;
  std::list<Waiter*> waiting_;
};

}  // namespace cambium
