#include "engine/retention/retention_rules.h"

namespace cambium {

RetentionCut retain(const LogPicture& log, const CleanupConfig& config, TimestampMs now) {
  RetentionCut cut{.start = log.bounds.start, .bytes = {}};
  if (!config.deletes()) return cut;
  uint64_t left = 0;
  for (auto& extent : log.extents)
    left += extent.bytes.value();
  auto limit = static_cast<uint64_t>(config.retentionBytes);
  auto go = [&](auto breaches) {
    while (cut.extents < log.extents.size()) {
      auto& extent = log.extents[cut.extents];
      if (extent.end > log.highWatermark || !breaches(extent)) return;
      left -= extent.bytes.value();
      cut.bytes += extent.bytes.value();
      cut.start = kj::max(cut.start, extent.end);
      ++cut.extents;
    }
  };
  if (config.retentionBytes >= 0) {
    go([&](const Extent& extent) { return left >= extent.bytes.value() && left - extent.bytes.value() >= limit; });
  }
  if (config.retentionMs >= 0) {
    go([&](const Extent& extent) { return ageMs(extent.maxTimestamp, now) > config.retentionMs; });
  }
  cut.closeLast = cut.extents > 0 && cut.extents == log.extents.size() && !log.lastIsClosed;
  return cut;
}

bool shouldCloseLast(const LogPicture& log, int64_t segmentMs, TimestampMs now) {
  if (log.extents.empty() || log.lastIsClosed) return false;
  return ageMs(log.extents.back().maxTimestamp, now) > segmentMs;
}

int64_t segmentMsOf(int64_t segmentMs, const CleanupConfig& config, uint64_t logHash) {
  auto span = segmentMs;
  if (config.compacts()) span = kj::min(span, config.maxCompactionLagMs);
  auto jitter = static_cast<uint64_t>(kj::min(config.segmentJitterMs, span));
  if (jitter > 0) span -= static_cast<int64_t>(logHash % jitter);
  return kj::max(int64_t{1}, span);
}

}  // namespace cambium
