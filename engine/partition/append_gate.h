#pragma once

#include <deque>

#include <kj/async.h>

#include "engine/base/error.h"
#include "engine/base/wait_list.h"
#include "engine/partition/append_outcome.h"
#include "engine/partition/intake.h"

namespace cambium {

// Where appends to a partition wait, in the order in which they came: behind one whose batches are checked on a thread,
// and while the log is exchanged. They are refused only when they would hold too much memory. One loop.
class AppendGate {
 public:
  // An append that waits.
  struct Waiting {
    kj::Array<kj::byte> batches;
    bool large;       // there is too much in it to be checked on the loop
    int64_t begunNs;  // when it came
    kj::Maybe<Result<Intake>> checked{};
    kj::Own<kj::PromiseFulfiller<Result<AppendOutcome>>> done{};
  };

  explicit AppendGate(Bytes bytesMax) : bytesMax_(bytesMax) {}
  KJ_DISALLOW_COPY(AppendGate);

  // Whoever comes now waits.
  bool closed() const { return held_ || !waiting_.empty(); }
  bool held() const { return held_; }
  // Keeps everybody in until release().
  void hold() { held_ = true; }
  // Wakes those who wait for it; the owner lets in who waits here.
  void release();
  // Done when nobody is kept in.
  kj::Promise<void> whenReleased();

  // What is made of the append; kRequestTimedOut, upon which a client sends again, when too much waits already. A
  // dropped promise changes nothing, the batches are appended all the same.
  kj::Promise<Result<AppendOutcome>> wait(Waiting append);
  // Whose turn it is; null when nobody waits, or when everybody is kept in.
  kj::Maybe<Waiting&> first();
  // Of the one whose turn it is, held or not. There must be one.
  Waiting& front();
  // Answers the one whose turn it is, and takes it out.
  void finishFirst(Result<AppendOutcome> outcome);

  size_t waiting() const { return waiting_.size(); }

 private:
  const Bytes bytesMax_;
  bool held_ = false;
  uint64_t bytes_ = 0;
  std::deque<Waiting> waiting_;
  WaitList released_;
};

}  // namespace cambium
