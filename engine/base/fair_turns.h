#pragma once

#include <list>

#include <kj/timer.h>

namespace cambium {

// Long work on an event loop takes turns, so that no client has the loop to itself: whoever has worked for a while asks
// for its next turn, and between any two turns the loop looks for I/O and serves what it finds. However much long work
// there is, everybody else waits for one turn of it at most. One loop; outlives those who wait.
class FairTurns {
 public:
  explicit FairTurns(kj::Timer& timer) : timer_(timer) {}
  ~FairTurns() noexcept(false) = default;
  KJ_DISALLOW_COPY(FairTurns);

  // Done when it is the caller's turn, in the order of the calls. Dropping the promise gives up the place.
  kj::Promise<void> next();

  // Changes whenever the loop has looked for I/O.
  kj::TimePoint lastLook() const { return timer_.now(); }

  // For tests: turns that were given, and the most that anybody did in one.
  uint64_t given() const { return given_; }
  size_t unitsMost() const { return unitsMost_; }
  void note(size_t units) {
    if (units > unitsMost_) unitsMost_ = units;
  }

 private:
  class Waiter;

  kj::Promise<void> serve();

  kj::Timer& timer_;
  std::list<Waiter*> waiting_;
  bool serving_ = false;
  uint64_t given_ = 0;
  size_t unitsMost_ = 0;
  kj::Promise<void> service_ = nullptr;  // last: uses the rest
};

// What one piece of work does before it gives the loop back, in units of about a microsecond:
//
//     WorkShare share(turns);
//     for (auto& element : many) {
//       if (share.use()) co_await share.turn();
//       …
//     }
//
// What was done before the loop last looked for I/O does not count. One loop.
class WorkShare {
 public:
  explicit WorkShare(FairTurns& turns, size_t unitsMax = 250) : turns_(turns), unitsMax_(unitsMax) {}
  ~WorkShare() noexcept(false) { turns_.note(used_); }
  KJ_DISALLOW_COPY(WorkShare);

  // Counts what comes next. True when the share is used up: turn() comes first.
  bool use(size_t units = 1) {
    auto look = turns_.lastLook();
    if (look != look_) {
      turns_.note(used_);
      look_ = look;
      used_ = 0;
    }
    used_ += units;
    return used_ > unitsMax_;
  }
  kj::Promise<void> turn() { return turns_.next(); }

 private:
  FairTurns& turns_;
  const size_t unitsMax_;
  size_t used_ = 0;
  kj::TimePoint look_ = kj::origin<kj::TimePoint>();
};

}  // namespace cambium
