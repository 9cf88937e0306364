#pragma once

#include <cstdint>

#include <kj/common.h>
#include <kj/vector.h>

namespace cambium::bench {

// What one timed run of one subject came to.
struct Sample {
  uint64_t operations = 0;
  uint64_t bytes = 0;
  uint64_t records = 0;
  double seconds = 0;
  double cpuSeconds = 0;  // of the subject: the process's, less the client's where there is one
  // Of single operations, in microseconds; 0 where they were not timed.
  double p50Us = 0;
  double p99Us = 0;
  double p999Us = 0;

  double operationsPerSecond() const { return static_cast<double>(operations) / seconds; }
  double megabytesPerSecond() const { return static_cast<double>(bytes) / seconds / 1e6; }
  double cpuPerMillionRecords() const { return records == 0 ? 0 : cpuSeconds / static_cast<double>(records) * 1e6; }
};

// Wall-clock and processor time from its construction on.
class Stopwatch {
 public:
  // kProcess counts every thread's processor time; kServer leaves out that of the calling thread, which is the
  // client's.
  enum class Cpu { kProcess, kServer };

  explicit Stopwatch(Cpu cpu = Cpu::kProcess);
  // The time so far over what was done.
  Sample stop(uint64_t operations, uint64_t bytes, uint64_t records) const;

 private:
  double cpuNow() const;

  Cpu cpu_;
  double cpuBegun_;
  double begun_;
};

// How long single operations took.
class Latencies {
 public:
  explicit Latencies(size_t expected) : nanoseconds_(expected) {}
  // Runs and times one operation.
  template <class Do>
  void time(Do&& operation) {
    int64_t begun = nowNs();
    operation();
    add(nowNs() - begun);
  }
  void add(int64_t nanoseconds) { nanoseconds_.add(nanoseconds); }
  // Writes p50, p99 and p99.9 into `sample`. Sorts.
  void into(Sample& sample);

  static int64_t nowNs();

 private:
  kj::Vector<int64_t> nanoseconds_;
};

// The value in the middle; of an even number of values the lower one. At least one value.
double median(kj::ArrayPtr<const double> values);

}  // namespace cambium::bench
