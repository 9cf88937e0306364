#include "tools/latency_percentiles.h"

#include <bit>
#include <cmath>

#include "tools/table.h"

namespace cambium::tools {
namespace {

// Values below 2 * kSteps have a bucket each; then every doubling is cut into kSteps.
constexpr int kStepBits = 6;
constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
constexpr size_t kBuckets = (64 - kStepBits + 1) * kSteps;

struct Mark {
  kj::StringPtr name;
  double percent;
};
constexpr Mark kMarks[] = {{"p50"_kj, 50}, {"p95"_kj, 95}, {"p99"_kj, 99}, {"p99.9"_kj, 99.9}};

kj::String inMs(uint64_t ns) {
  double ms = static_cast<double>(ns) * 1e-6;
  return kj::str(fixed(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0), " ms");
}

}  // namespace

LatencyPercentiles::LatencyPercentiles() : counts_(kj::heapArray<uint64_t>(kBuckets)) {
  for (auto& count : counts_)
    count = 0;
}

size_t LatencyPercentiles::bucketOf(uint64_t ns) {
  if (ns < 2 * kSteps) return ns;
  int shift = std::bit_width(ns) - 1 - kStepBits;
  return static_cast<size_t>(shift) * kSteps + (ns >> shift);
}

uint64_t LatencyPercentiles::largestIn(size_t bucket) {
  if (bucket < 2 * kSteps) return bucket;
  size_t shift = bucket / kSteps - 1;
  uint64_t step = bucket - shift * kSteps;
  return ((step + 1) << shift) - 1;
}

void LatencyPercentiles::add(int64_t durationNs) {
  auto ns = static_cast<uint64_t>(kj::max(durationNs, int64_t{0}));
  ++counts_[bucketOf(ns)];
  ++count_;
  max_ = kj::max(max_, ns);
  sum_ += static_cast<double>(ns);
}

uint64_t LatencyPercentiles::percentile(double percent) const {
  auto wanted = static_cast<uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted && seen > 0) return kj::min(largestIn(bucket), max_);
  }
  return 0;
}

double LatencyPercentiles::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

kj::String LatencyPercentiles::summary() const {
  auto parts = KJ_MAP(mark, kMarks) {
    return kj::str(mark.name, ' ', inMs(percentile(mark.percent)));
  };
  return kj::str(kj::strArray(parts, ", "), ", max ", inMs(max_));
}

void LatencyPercentiles::write(JsonWriter& json) const {
  json.beginObject().key("mean").value(mean() * 1e-6);
  for (auto& mark : kMarks)
    json.key(mark.name).value(static_cast<double>(percentile(mark.percent)) * 1e-6);
  json.key("max").value(static_cast<double>(max_) * 1e-6).endObject();
}

}  // namespace cambium::tools
