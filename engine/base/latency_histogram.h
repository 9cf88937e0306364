#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace cambium {

// Counts durations in buckets that double: bucket i holds those below 2^i microseconds, the last one everything above.
// Owned by one loop; copied as a whole when somebody wants to see it.
class LatencyHistogram {
 public:
  static constexpr int kBuckets = 26;  // the last bound is 2^24 us, about 17 s

  void add(int64_t durationNs) {
    auto us = static_cast<uint64_t>(durationNs < 0 ? 0 : durationNs) / 1000;
    int bucket = std::bit_width(us);
    if (bucket >= kBuckets) bucket = kBuckets - 1;
    ++counts_[static_cast<size_t>(bucket)];
    sumNs_ += static_cast<uint64_t>(durationNs < 0 ? 0 : durationNs);
  }
  void add(const LatencyHistogram& other) {
    for (size_t i = 0; i < kBuckets; ++i)
      counts_[i] += other.counts_[i];
    sumNs_ += other.sumNs_;
  }

  uint64_t count(int bucket) const { return counts_[static_cast<size_t>(bucket)]; }
  // Upper bound of a bucket but the last, in seconds.
  static double boundSeconds(int bucket) { return static_cast<double>(uint64_t{1} << bucket) * 1e-6; }
  double sumSeconds() const { return static_cast<double>(sumNs_) * 1e-9; }

 private:
  std::array<uint64_t, kBuckets> counts_{};
  uint64_t sumNs_ = 0;
};

}  // namespace cambium
