#pragma once

#include <kj/time.h>

namespace cambium::tools {

// Measures from its making to stop(), on the monotonic clock.
class Stopwatch {
 public:
  Stopwatch() : start_(kj::systemPreciseMonotonicClock().now()) {}

  void stop() { stopped_ = kj::systemPreciseMonotonicClock().now(); }
  // So far, or until stop(). Never 0, so that it can be divided by.
  double seconds() const {
    auto now = kj::systemPreciseMonotonicClock().now();
    KJ_IF_MAYBE(stopped, stopped_) now = *stopped;
    return static_cast<double>((now - start_) / kj::NANOSECONDS + 1) * 1e-9;
  }

 private:
  kj::TimePoint start_;
  kj::Maybe<kj::TimePoint> stopped_;
};

}  // namespace cambium::tools
