#pragma once

#include <condition_variable>
#include <mutex>

#include <kj/exception.h>
#include <kj/function.h>
#include <kj/string.h>

namespace cambium::rocks {

// Syncs of the one write-ahead log, shared by everybody who waits. Whoever finds no sync running leads one; all who
// come meanwhile wait for the next, which one of them leads. Any thread.
class WalSync {
 public:
  // `syncNow` makes everything written before its call durable, or throws. Called by one thread at a time.
  explicit WalSync(kj::Function<void()> syncNow) : syncNow_(kj::mv(syncNow)) {}

  // A moment between syncs, for ensure().
  using Ticket = uint64_t;
  Ticket mark();
  // Returns once a sync that began after mark() gave the ticket has succeeded; at once when there was one already.
  // Throws what the first failed sync threw, for ever: what the device has lost since cannot be known. Only OVERLOADED
  // means that it was not tried, and may be later.
  void ensure(Ticket ticket);
  // Syncs done, for measuring.
  uint64_t count();

 private:
  kj::Function<void()> syncNow_;
  std::mutex mutex_;
  std::condition_variable finished_;
  uint64_t started_ = 0;
  uint64_t succeeded_ = 0;  // number of the last successful one
  bool running_ = false;
  kj::Maybe<kj::Exception> failure_;
};

}  // namespace cambium::rocks
