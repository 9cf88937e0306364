#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <kj/function.h>
#include <kj/string.h>

namespace cambium::rocks {

// A thread that gives space back: dropping a family unlinks files for some 100 ms, which must not happen on the event
// loop that calls dropBefore(). It calls nobody back and touches no log. Jobs run one after another; what throws is
// reported, and is tried again when the store is opened next, since a family that no log uses is found there.
class Reclaimer {
 public:
  explicit Reclaimer(kj::Function<void(kj::StringPtr)> report);
  // Waits for the running job; forgets the rest.
  ~Reclaimer() noexcept(false);

  // Any thread.
  void add(kj::Function<void()> job);
  // Waits until nothing is left. Any thread but the reclaimer's.
  void drain();

 private:
  void run();

  kj::Function<void(kj::StringPtr)> report_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<kj::Function<void()>> jobs_;
  bool busy_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace cambium::rocks
