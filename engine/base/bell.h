#pragma once

#include <kj/async.h>

namespace cambium {

// An event of a thread that happens again and again, and those who wait for the next time. Unlike in a WaitList, who
// drops its promise leaves nothing behind: for waits that mostly end by a deadline. Who waits runs in a later turn of
// the event loop. Promises that still wait when the bell dies fail.
class Bell {
 public:
  Bell() { reset(); }
  KJ_DISALLOW_COPY(Bell);

  kj::Promise<void> wait() { return next_.addBranch(); }

  void ring() {
    fulfiller_->fulfill();
    reset();
  }

 private:
  void reset() {
    auto paf = kj::newPromiseAndFulfiller<void>();
    fulfiller_ = kj::mv(paf.fulfiller);
    next_ = paf.promise.fork();
  }

  kj::Own<kj::PromiseFulfiller<void>> fulfiller_;
  kj::ForkedPromise<void> next_ = nullptr;
};

}  // namespace cambium
