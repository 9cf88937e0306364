#pragma once

#include <list>

#include <kj/timer.h>

namespace cambium {

// Long work on an event loop takes turns, so that no client has the loop to itself. What the loop does until it has
// nothing left but to look for I/O is a round. Work that counts (WorkShare) does only so much in a round, which lets
// the round end: until then answers are not sent, as kj::evalLast() waits for that. Whoever has more to do asks for its
// next turn. There is one turn a round, and it comes after a look at I/O: however much long work there is, everybody
// else waits for one turn of it at most. One loop; outlives those who wait.
class FairTurns {
 public:
  // What is done in a round before it is crowded, in units of WorkShare.
  static constexpr size_t kUnitsPerRound = 1000;

  explicit FairTurns(kj::Timer& timer) : timer_(timer) {}
  ~FairTurns() noexcept(false) = default;
  KJ_DISALLOW_COPY(FairTurns);

  // Done when it is the caller's turn, in the order of the calls. Dropping the promise gives up the place.
  kj::Promise<void> next();

  // Counts what is done now, and returns the number of this round.
  uint64_t spend(size_t units) {
    if (!inRound_) beginRound();
    spent_ += units;
    return round_;
  }
  // All together have done so much in this round that what can wait for a later one should.
  bool isCrowded() const { return spent_ > kUnitsPerRound; }

  // For tests: turns that were given, and the most that anybody did in one.
  uint64_t given() const { return given_; }
  size_t unitsMost() const { return unitsMost_; }
  void note(size_t units) {
    if (units > unitsMost_) unitsMost_ = units;
  }

 private:
  class Waiter;

  void beginRound();
  kj::Promise<void> serve();

  kj::Timer& timer_;
  std::list<Waiter*> waiting_;
  bool serving_ = false;
  bool inRound_ = false;
  uint64_t round_ = 1;
  size_t spent_ = 0;  // in this round
  uint64_t given_ = 0;
  size_t unitsMost_ = 0;
  kj::Promise<void> roundEnds_ = nullptr;
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
// What was done in earlier rounds does not count. One loop.
class WorkShare {
 public:
  explicit WorkShare(FairTurns& turns, size_t unitsMax = 250) : turns_(turns), unitsMax_(unitsMax) {}
  ~WorkShare() noexcept(false) { turns_.note(used_); }
  KJ_DISALLOW_COPY(WorkShare);

  // Counts what comes next. True when the share is used up: turn() comes first.
  bool use(size_t units = 1) {
    auto round = turns_.spend(units);
    if (round != round_) {
      turns_.note(used_);
      round_ = round;
      used_ = 0;
    }
    used_ += units;
    return used_ > unitsMax_;
  }
  // As use(), for one of many requests of a client. A round that is crowded takes only one of each: what a request
  // makes others do is not counted in the client's share, and there may be many clients.
  bool useForRequest(size_t units) {
    bool isUsedUp = use(units);
    return isUsedUp || (used_ > units && turns_.isCrowded());
  }
  kj::Promise<void> turn() { return turns_.next(); }

 private:
  FairTurns& turns_;
  const size_t unitsMax_;
  size_t used_ = 0;
  uint64_t round_ = 0;
};

}  // namespace cambium
