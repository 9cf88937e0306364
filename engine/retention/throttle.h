#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include "engine/base/quantity.h"

namespace cambium {

// Spreads work over time: so many bytes per second on average, whatever the size of a piece. One loop.
class Throttle {
 public:
  // 0: as fast as it goes.
  Throttle(kj::Timer& timer, Bytes perSecond) : timer_(timer), perSecond_(perSecond), free_(timer.now()) {}

  // From the next payment on.
  void setRate(Bytes perSecond) { perSecond_ = perSecond; }

  // Counts bytes that were moved; done when more may be. Time that nobody used is not saved up.
  kj::Promise<void> pay(Bytes bytes) {
    if (perSecond_ == Bytes(0)) return kj::READY_NOW;
    auto micros =
        static_cast<int64_t>(static_cast<double>(bytes.value()) / static_cast<double>(perSecond_.value()) * 1e6);
    free_ = kj::max(free_, timer_.now()) + micros * kj::MICROSECONDS;
    return timer_.atTime(free_);
  }

 private:
  kj::Timer& timer_;
  Bytes perSecond_;
  kj::TimePoint free_;
};

}  // namespace cambium
