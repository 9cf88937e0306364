#pragma once

#include <deque>

#include <kj/async.h>
#include <kj/function.h>
#include <kj/vector.h>

#include "engine/base/error.h"
#include "engine/base/wait_list.h"
#include "engine/partition/append_outcome.h"

namespace cambium {

// Where appends to a partition wait while its log is exchanged: they are refused only when they would hold too much
// memory, and go in the order in which they came. One loop.
class AppendGate {
 public:
  explicit AppendGate(Bytes bytesMax) : bytesMax_(bytesMax) {}
  KJ_DISALLOW_COPY(AppendGate);

  bool closed() const { return closed_; }
  void close() { closed_ = true; }

  // Only while closed: what open() makes of the batches; kRequestTimedOut, upon which a client sends again, when too
  // much waits already. A dropped promise changes nothing, the batches are appended all the same.
  kj::Promise<Result<AppendOutcome>> wait(kj::Array<kj::byte> batches);
  // Done when the gate is open.
  kj::Promise<void> whenOpen();

  // Lets everybody in, in order, before it returns: `append` is called for each. Does nothing when it is open.
  void open(kj::FunctionParam<Result<AppendOutcome>(kj::ArrayPtr<kj::byte>)> append);

  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    kj::Array<kj::byte> batches;
    kj::Own<kj::PromiseFulfiller<Result<AppendOutcome>>> done;
  };

  const Bytes bytesMax_;
  bool closed_ = false;
  Bytes bytes_{0};
  std::deque<Waiting> waiting_;
  WaitList opened_;
};

}  // namespace cambium
