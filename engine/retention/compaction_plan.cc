#include "engine/retention/compaction_plan.h"

#include "engine/retention/retention_rules.h"

namespace cambium {

DirtyPart dirtyPart(const LogPicture& log, const CleanupConfig& config, const CleanerProgress& progress,
                    TimestampMs now) {
  DirtyPart part;
  auto limit = kj::min(log.highWatermark, log.bounds.durable);
  // What was kept of another life of the log says nothing of this one.
  bool known = progress.cleanedUpTo >= log.bounds.start && progress.cleanedUpTo <= log.bounds.end;
  part.firstDirty = known ? progress.cleanedUpTo : log.bounds.start;
  uint64_t clean = 0, dirty = 0;
  for (size_t i = 0; i < log.extents.size(); ++i) {
    auto& extent = log.extents[i];
    bool open = i + 1 == log.extents.size() && !log.lastIsClosed;
    if (open || extent.end > limit) break;
    bool isDirty = extent.end > part.firstDirty;
    bool young = config.minCompactionLagMs > 0 && ageMs(extent.maxTimestamp, now) < config.minCompactionLagMs;
    if (isDirty && young) break;
    (isDirty ? dirty : clean) += extent.bytes.value();
    if (!isDirty) ++part.firstDirtyExtent;
    part.extents.add(extent);
  }
  if (dirty > 0) part.ratio = static_cast<double>(dirty) / static_cast<double>(clean + dirty);
  return part;
}

kj::Maybe<CompactionPlan> planCompaction(const LogPicture& log, const CleanupConfig& config,
                                         const CleanerProgress& progress, TimestampMs firstDirtyTimestamp,
                                         TimestampMs now) {
  if (!config.compacts()) return nullptr;
  auto part = dirtyPart(log, config, progress, now);
  if (part.extents.empty()) return nullptr;
  bool isDirty = part.firstDirtyExtent < part.extents.size();
  bool enough = isDirty && part.ratio > config.minCleanableDirtyRatio;
  bool late =
      isDirty && firstDirtyTimestamp != kNoTimestamp && ageMs(firstDirtyTimestamp, now) > config.maxCompactionLagMs;
  bool tombstone = progress.nextHorizon != kNoTimestamp && now >= progress.nextHorizon && part.firstDirtyExtent > 0;
  if (!enough && !late && !tombstone) return nullptr;
  auto end = kj::max(part.firstDirty, part.extents.back().end);
  return CompactionPlan{.extents = kj::mv(part.extents),
                        .logStart = log.bounds.start,
                        .logEnd = log.bounds.end,
                        .firstDirty = part.firstDirty,
                        .end = end,
                        .dirtyRatio = part.ratio};
}

}  // namespace cambium
