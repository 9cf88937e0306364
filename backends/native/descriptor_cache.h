#pragma once

#include <atomic>

#include <kj/list.h>
#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "engine/base/guarded.h"

namespace cambium {

// How many descriptors are open. Shared between threads.
class DescriptorCount final : public kj::AtomicRefcounted {
 public:
  void add(int64_t n) const { open_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t get() const { return static_cast<uint64_t>(open_.load(std::memory_order_relaxed)); }

 private:
  mutable std::atomic<int64_t> open_{0};
};

// One open descriptor, closed when nobody uses it any more. Shared between threads.
class Descriptor final : public kj::AtomicRefcounted {
 public:
  Descriptor(int fd, kj::Own<const DescriptorCount> count);
  ~Descriptor() noexcept(false) override;
  KJ_DISALLOW_COPY(Descriptor);

  int fd() const { return fd_; }

 private:
  int fd_;
  kj::Own<const DescriptorCount> count_;
};

// Keeps at most `openMax` files open, closing the one that has been idle longest. A descriptor that is in use when its
// turn comes stays open until that use ends: then a few more than `openMax` may be open for a moment, one per thread at
// work. All methods on any thread.
//
// A descriptor may be closed between a write and its fdatasync. Linux reports a failed write-back to the first fsync of
// a descriptor that was opened afterwards, unless it was reported before (errseq_t, since 4.13): a failure is not lost
// by that.
class DescriptorCache {
 public:
  // A file that has a place in the cache; part of whoever reads and writes it. Destroyed before the cache.
  class Slot {
   public:
    Slot(DescriptorCache& cache, kj::String path, int flags) : cache_(cache), path_(kj::mv(path)), flags_(flags) {}
    ~Slot() noexcept(false) { cache_.forget(*this); }
    KJ_DISALLOW_COPY(Slot);

    // The open file. It stays open for as long as the result lives.
    kj::Own<const Descriptor> use() { return cache_.use(*this); }
    // The path in the system's terms.
    kj::StringPtr path() const { return path_; }

   private:
    friend class DescriptorCache;
    DescriptorCache& cache_;
    const kj::String path_;
    int flags_;
    kj::Maybe<kj::Own<const Descriptor>> descriptor_;  // under the cache's lock, as is the link
    kj::ListLink<Slot> link_;
  };

  explicit DescriptorCache(size_t openMax);
  ~DescriptorCache() noexcept(false);
  KJ_DISALLOW_COPY(DescriptorCache);

  // Descriptors that are open right now.
  uint64_t openFiles() const { return count_->get(); }

 private:
  struct State {
    kj::List<Slot, &Slot::link_> recent;  // longest idle first
    size_t size = 0;
  };

  kj::Own<const Descriptor> use(Slot& slot);
  void forget(Slot& slot);

  const size_t openMax_;
  kj::Own<DescriptorCount> count_;
  Guarded<State> state_;
};

}  // namespace cambium
