#pragma once

#include <cstdint>
#include <limits>

namespace cambium {

// What happens to old records: deleted by age and size, compacted to the newest per key, both, neither.
enum class CleanupPolicy : uint8_t { kDelete, kCompact, kCompactDelete, kNone };

// What retention and compaction need to know of a topic's configs.
struct CleanupConfig {
  CleanupPolicy policy = CleanupPolicy::kDelete;
  int64_t retentionMs = 7LL * 24 * 3600 * 1000;    // -1: for ever
  int64_t retentionBytes = -1;                     // per partition; -1: any size
  int64_t deleteRetentionMs = 24LL * 3600 * 1000;  // of tombstones
  double minCleanableDirtyRatio = 0.5;             // 0 to 1
  int64_t minCompactionLagMs = 0;
  int64_t maxCompactionLagMs = std::numeric_limits<int64_t>::max();
  int64_t segmentJitterMs = 0;  // that segment.ms may be shortened by

  bool deletes() const { return policy == CleanupPolicy::kDelete || policy == CleanupPolicy::kCompactDelete; }
  bool compacts() const { return policy == CleanupPolicy::kCompact || policy == CleanupPolicy::kCompactDelete; }
};

}  // namespace cambium
