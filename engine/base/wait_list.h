#pragma once

#include <kj/async.h>
#include <kj/vector.h>

#include "engine/base/light_promise.h"

namespace cambium {

// Those who wait for the same event of a thread, to be woken together. A waiter is in the list until it is woken, also
// when its promise was dropped before. Waking resolves promises only: who waits runs in a later turn of the event loop,
// and may wait again. Promises that still wait when the list dies fail.
class WaitList {
 public:
  WaitList() = default;
  KJ_DISALLOW_COPY(WaitList);

  kj::Promise<void> wait() {
    auto wait = newLightPromise();
    waiters_.add(kj::mv(wait.fulfiller));
    return kj::mv(wait.promise);
  }

  void wakeAll() {
    auto woken = takeAll();
    for (auto& waiter : woken)
      waiter.fulfill();
  }

  void rejectAll(const kj::Exception& e) {
    auto rejected = takeAll();
    for (auto& waiter : rejected)
      waiter.reject(kj::cp(e));
  }

  // Waiters that have not been woken.
  size_t size() const { return waiters_.size(); }

 private:
  using Waiters = kj::Vector<LightFulfiller>;

  // Leaves an empty list.
  Waiters takeAll() {
    Waiters all = kj::mv(waiters_);
    waiters_ = Waiters();
    return all;
  }

  Waiters waiters_;
};

}  // namespace cambium
