#pragma once

#include <cstdint>

#include <kj/array.h>

#include "tools/json_writer.h"

namespace cambium::tools {

// Durations, counted in buckets no wider than 1/64 of what they hold: percentiles are right to 1.6 %, the largest one
// and the mean are exact. 30 KiB of memory, whatever the count.
class LatencyPercentiles {
 public:
  LatencyPercentiles();

  // Nanoseconds; what is negative counts as 0.
  void add(int64_t durationNs);
  uint64_t count() const { return count_; }

  // The duration that `percent` of all do not exceed, in nanoseconds; 0 when there are none. 0 < percent <= 100.
  uint64_t percentile(double percent) const;
  uint64_t max() const { return max_; }
  double mean() const;

  // "p50 1.23 ms, p95 …, p99 …, p99.9 …, max …"
  kj::String summary() const;
  // An object of milliseconds: mean, p50, p95, p99, p99.9, max.
  void write(JsonWriter& json) const;

 private:
  static size_t bucketOf(uint64_t ns);
  static uint64_t largestIn(size_t bucket);

  kj::Array<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace cambium::tools
