#pragma once

#include <deque>
#include <thread>

#include <kj/common.h>
#include <kj/string.h>

#include "engine/base/guarded.h"

namespace cambium {

// Frees the space of removed files, a piece at a time, on a thread of its own. The system frees a file of 64 MiB in
// some 20 ms where its last name or descriptor goes, and holds up syncs of other files for as long: a loop must not pay
// for that. Safe on every thread. A process that ends leaves the rest to the system, which frees it at once.
class BackgroundFree {
 public:
  BackgroundFree() = default;
  ~BackgroundFree() noexcept(false);
  KJ_DISALLOW_COPY(BackgroundFree);

  // Keeps the space of a file from being freed together with its name. To be made before the name is removed or taken
  // by another file; when it dies, the space is freed here if the file has no name any more, and in any case the
  // descriptor is closed. Does nothing for small files, for files that cannot be opened, and while much waits already.
  class Hold {
   public:
    Hold(BackgroundFree& owner, kj::StringPtr path);
    ~Hold() noexcept(false);
    KJ_DISALLOW_COPY(Hold);

   private:
    BackgroundFree& owner_;
    int fd_ = -1;
  };

  // Until everything that was handed over is freed.
  void wait();

 private:
  struct State {
    std::deque<int> waiting;  // descriptors
    bool busy = false;
    bool stopping = false;
    std::thread thread;
  };

  bool hasRoom();
  void add(int fd);
  void run();
  // False when it was told to stop in between.
  bool freeOne(int fd);

  Guarded<State> state_;
};

}  // namespace cambium
