#pragma once

#include <kj/refcount.h>

#include "engine/base/byte_budget.h"

namespace cambium {

// Room for the requests that one door is receiving or serving on one loop. Large ones have a half of their own: those
// who send them slowly hold it for long, and nobody else shall wait for that. Refcounted, because a request that is
// served outlives its connection.
class RequestBudgets final : public kj::Refcounted {
 public:
  // A request of more than `largeFrom` bytes is a large one.
  RequestBudgets(Bytes all, Bytes largeFrom)
      : largeFrom_(largeFrom), small_(Bytes(all.value() / 2)), large_(Bytes(all.value() / 2)) {}

  ByteBudget& large() { return large_; }
  ByteBudget& of(Bytes request) { return request > largeFrom_ ? large_ : small_; }

 private:
  Bytes largeFrom_;
  ByteBudget small_;
  ByteBudget large_;
};

}  // namespace cambium
