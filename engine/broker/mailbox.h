#pragma once

#include <mutex>

#include <kj/async.h>
#include <kj/function.h>
#include <kj/vector.h>

namespace cambium {

// The way into an event loop from other threads: messages are run on the loop, in order, a batch per wake-up. Posting
// to a loop that is awake costs a lock and no system call.
class Mailbox {
 public:
  Mailbox() = default;
  KJ_DISALLOW_COPY(Mailbox);

  // Any thread. `message` runs on the receiving loop and owns what it carries; it must not throw. Messages that were
  // not run when the mailbox is destroyed are destroyed with it.
  void post(kj::Function<void()> message);

  // Runs messages as they come, for ever; called once, on the receiving loop.
  kj::Promise<void> receive();

 private:
  std::mutex mutex_;
  kj::Vector<kj::Function<void()>> messages_;
  // Set while the receiver sleeps.
  kj::Maybe<kj::Own<kj::CrossThreadPromiseFulfiller<void>>> wake_;
};

}  // namespace cambium
