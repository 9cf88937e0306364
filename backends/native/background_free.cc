#include "backends/native/background_free.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/native/system_error.h"

namespace cambium {

namespace {

// Some 5 ms. What others remove in order to have room at once, the broker's reserve file, is smaller.
constexpr off_t kWorthBytes = off_t{16} << 20;
constexpr off_t kStepBytes = off_t{4} << 20;
// Each of them is an open descriptor.
constexpr size_t kWaitingMax = 16;

}  // namespace

BackgroundFree::Hold::Hold(BackgroundFree& owner, kj::StringPtr path) : owner_(owner) {
  if (!owner_.hasRoom()) return;
  struct stat stats;
  if (::stat(path.cStr(), &stats) < 0 || !S_ISREG(stats.st_mode) || stats.st_size < kWorthBytes) return;
  fd_ = retryInterrupted([&] { return ::open(path.cStr(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW); });
}

BackgroundFree::Hold::~Hold() noexcept(false) {
  if (fd_ >= 0) owner_.add(fd_);
}

BackgroundFree::~BackgroundFree() noexcept(false) {
  std::thread thread;
  {
    auto state = state_.lock();
    state->stopping = true;
    thread = std::move(state->thread);
  }
  if (thread.joinable()) thread.join();
  for (int fd : state_.lock()->waiting)
    ::close(fd);
}

bool BackgroundFree::hasRoom() {
  return state_.lock()->waiting.size() < kWaitingMax;
}

void BackgroundFree::add(int fd) {
  auto state = state_.lock();
  state->waiting.push_back(fd);
  if (!state->thread.joinable()) state->thread = std::thread([this] { run(); });
}

void BackgroundFree::wait() {
  auto state = state_.lock();
  state.wait([](const State& now) { return now.waiting.empty() && !now.busy; });
}

void BackgroundFree::run() {
  for (;;) {
    int fd = -1;
    {
      auto state = state_.lock();
      state->busy = false;
    }
    {
      auto state = state_.lock();
      state.wait([](const State& now) { return now.stopping || !now.waiting.empty(); });
      if (state->stopping) return;
      fd = state->waiting.front();
      state->waiting.pop_front();
      state->busy = true;
    }
    bool goOn = freeOne(fd);
    ::close(fd);
    if (!goOn) return;
  }
}

bool BackgroundFree::freeOne(int fd) {
  struct stat stats;
  // With a name left the file is somebody's: removing it failed, or it has another name.
  if (::fstat(fd, &stats) < 0 || stats.st_nlink > 0) return true;
  for (off_t size = stats.st_size; size > kStepBytes;) {
    if (state_.lock()->stopping) return false;
    size -= kStepBytes;
    // Closing frees what is left, whatever these say. Synced, so that the journal of the file system takes one step at
    // a time: everybody's syncs wait for its commits, which discard what was freed.
    if (retryInterrupted([&] { return ::ftruncate(fd, size); }) < 0 || ::fsync(fd) < 0) return true;
  }
  return true;
}

}  // namespace cambium
