#include "bench/sample.h"

#include <algorithm>
#include <time.h>

namespace cambium::bench {

namespace {

double secondsOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

Stopwatch::Stopwatch(Cpu cpu) : cpu_(cpu), cpuBegun_(cpuNow()), begun_(secondsOf(CLOCK_MONOTONIC)) {}

double Stopwatch::cpuNow() const {
  double all = secondsOf(CLOCK_PROCESS_CPUTIME_ID);
  return cpu_ == Cpu::kServer ? all - secondsOf(CLOCK_THREAD_CPUTIME_ID) : all;
}

Sample Stopwatch::stop(uint64_t operations, uint64_t bytes, uint64_t records) const {
  Sample sample{.operations = operations, .bytes = bytes, .records = records};
  sample.seconds = secondsOf(CLOCK_MONOTONIC) - begun_;
  sample.cpuSeconds = cpuNow() - cpuBegun_;
  return sample;
}

int64_t Latencies::nowNs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void Latencies::into(Sample& sample) {
  if (nanoseconds_.size() == 0) return;
  std::sort(nanoseconds_.begin(), nanoseconds_.end());
  auto at = [&](size_t perMille) {
    return static_cast<double>(nanoseconds_[(nanoseconds_.size() - 1) * perMille / 1000]) / 1e3;
  };
  sample.p50Us = at(500);
  sample.p99Us = at(990);
  sample.p999Us = at(999);
}

double median(kj::ArrayPtr<const double> values) {
  auto sorted = kj::heapArray<double>(values);
  std::sort(sorted.begin(), sorted.end());
  return sorted[(sorted.size() - 1) / 2];
}

}  // namespace cambium::bench
