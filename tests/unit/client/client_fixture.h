#pragma once

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "client/connection.h"
#include "tests/unit/client/fake_broker.h"

namespace cambium::client {

class FixedClock final : public kj::Clock {
 public:
  kj::Date now() const override { return kj::UNIX_EPOCH + 1'700'000'000'000 * kj::MILLISECONDS; }
};

// A client and a fake broker on one event loop, in virtual time.
class ClientTest : public ::testing::Test {
 public:
  ~ClientTest() noexcept override = default;

 protected:
  // Runs until the promise is done, letting virtual time pass whenever nothing else happens.
  template <class T>
  T run(kj::Promise<T> promise) {
    auto giveUp = timer.now() + 1 * kj::HOURS;
    while (!promise.poll(waitScope)) {
      auto next = KJ_ASSERT_NONNULL(timer.nextEvent(), "deadlock: nothing will ever happen");
      KJ_ASSERT(next < giveUp, "still not done after an hour of virtual time");
      timer.advanceTo(next);
    }
    return promise.wait(waitScope);
  }
  // Lets everything run that needs no time.
  void settle() { kj::Promise<void>(kj::NEVER_DONE).poll(waitScope); }
  void pass(uint64_t milliseconds) { run(timer.afterDelay(milliseconds * kj::MILLISECONDS)); }
  int64_t nowMs() { return (timer.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS; }
  static int64_t ms(kj::TimePoint at) { return (at - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS; }

  // Before the loop: calls that the broker has not answered live until the loop ends, and may hold timers.
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  FixedClock clock;
  FakeBroker broker{timer};
  FakeNetwork network{broker};
  Connection connection{network, timer, ConnectionOptions()};
};

}  // namespace cambium::client
