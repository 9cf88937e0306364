#pragma once

#include <atomic>

namespace cambium {

// A setting that one thread changes while others read it. T is small and copied as bytes. Nothing else is ordered by
// it.
template <class T>
class Live {
 public:
  Live(T value) : value_(value) {}
  Live(const Live& other) : value_(other.get()) {}
  Live& operator=(const Live& other) {
    value_.store(other.get(), std::memory_order_relaxed);
    return *this;
  }

  T get() const { return value_.load(std::memory_order_relaxed); }
  operator T() const { return get(); }

 private:
  std::atomic<T> value_;
};

}  // namespace cambium
