#include "backends/native/descriptor_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/native/system_error.h"
#include "engine/storage/durable_folder.h"

namespace cambium {

Descriptor::Descriptor(int fd, kj::Own<const DescriptorCount> count) : fd_(fd), count_(kj::mv(count)) {
  count_->add(1);
}

Descriptor::~Descriptor() noexcept(false) {
  ::close(fd_);
  count_->add(-1);
}

DescriptorCache::DescriptorCache(size_t openMax) : openMax_(openMax), count_(kj::atomicRefcounted<DescriptorCount>()) {
  KJ_REQUIRE(openMax >= 1, "at least one file must be allowed to be open");
}

DescriptorCache::~DescriptorCache() noexcept(false) = default;

kj::Own<const Descriptor> DescriptorCache::use(Slot& slot) {
  auto state = state_.lock();
  KJ_IF_MAYBE(open, slot.descriptor_) {
    state->recent.remove(slot);
    state->recent.add(slot);
    return kj::atomicAddRef(**open);
  }
  if (state->size >= openMax_) {
    Slot& idle = state->recent.front();
    state->recent.remove(idle);
    --state->size;
    // Closed here unless somebody uses it, before the next one is opened: so the limit holds.
    idle.descriptor_ = nullptr;
  }
  // Something else in a file's place must not hold us up: a named pipe waits for somebody who writes.
  int fd = retryInterrupted([&] { return ::open(slot.path_.cStr(), slot.flags_ | O_CLOEXEC | O_NONBLOCK, kFileMode); });
  if (fd < 0) throwSystemError("open", slot.path_, errno);
  struct stat stats;
  if (::fstat(fd, &stats) < 0 || !S_ISREG(stats.st_mode)) {
    ::close(fd);
    kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                          kj::str("cannot open ", slot.path_, ": it is no plain file")));
  }
  // Opening again must not bring back a file that was removed.
  slot.flags_ &= ~O_CREAT;
  kj::Own<const Descriptor> opened = kj::atomicRefcounted<Descriptor>(fd, kj::atomicAddRef(*count_));
  slot.descriptor_ = kj::atomicAddRef(*opened);
  state->recent.add(slot);
  ++state->size;
  return opened;
}

void DescriptorCache::forget(Slot& slot) {
  auto state = state_.lock();
  if (slot.descriptor_ == nullptr) return;
  state->recent.remove(slot);
  --state->size;
  slot.descriptor_ = nullptr;
}

}  // namespace cambium
