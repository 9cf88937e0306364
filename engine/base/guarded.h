#pragma once

#include <condition_variable>
#include <mutex>

#include <kj/common.h>

namespace cambium {

// A value and the lock that guards it:
//
//     Guarded<State> state_;
//     auto state = state_.lock();   // until `state` dies
//     state->count++;
//
// Does what kj::MutexGuarded does, over std::mutex: thread sanitizers cannot see into kj's lock. Any thread.
template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(kj::fwd<Args>(args)...) {}
  KJ_DISALLOW_COPY(Guarded);

  template <class Value>
  class Access {
   public:
    Access(const Guarded& owner, Value& value) : owner_(owner), lock_(owner.mutex_), value_(value) {}
    // Whoever waits looks again when this access ends.
    ~Access() {
      if (lock_.owns_lock()) owner_.changed_.notify_all();
    }
    Access(Access&&) = default;
    KJ_DISALLOW_COPY(Access);

    Value* operator->() { return &value_; }
    Value& operator*() { return value_; }
    // Gives the lock away until `condition`, which is called with it held, is true.
    template <class Condition>
    void wait(Condition&& condition) {
      owner_.changed_.wait(lock_, [&] { return condition(value_); });
    }

   private:
    const Guarded& owner_;
    std::unique_lock<std::mutex> lock_;
    Value& value_;
  };

  Access<T> lock() { return Access<T>(*this, value_); }
  Access<const T> lock() const { return Access<const T>(*this, value_); }
  // For an owner that knows that nobody else changes the value now.
  const T& getWithoutLock() const { return value_; }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  T value_;
};

}  // namespace cambium
