#pragma once

#include <kj/memory.h>
#include <kj/vector.h>

namespace cambium {

// A T, borrowed from the free list of this thread or made new, and given back at the end. For contexts of compression
// libraries, which cost more to set up than a small batch costs to compress. T has a default constructor, and
// `bool prepareForReuse()`, which brings it into its initial state, or returns false when it is better freed than kept.
// Use it on one thread only, and not from objects that outlive the thread's variables.
template <class T>
class Pooled {
 public:
  Pooled() {
    auto& idle = idleOnes();
    if (idle.empty()) {
      object_ = kj::heap<T>();
    } else {
      object_ = kj::mv(idle.back());
      idle.removeLast();
    }
  }
  ~Pooled() noexcept(false) {
    auto& idle = idleOnes();
    if (idle.size() < kIdleMax && object_->prepareForReuse()) idle.add(kj::mv(object_));
  }
  KJ_DISALLOW_COPY(Pooled);

  T& operator*() { return *object_; }
  T* operator->() { return object_.get(); }

 private:
  static constexpr size_t kIdleMax = 2;
  static kj::Vector<kj::Own<T>>& idleOnes() {
    static thread_local kj::Vector<kj::Own<T>> idle;
    return idle;
  }

  kj::Own<T> object_;
};

}  // namespace cambium
