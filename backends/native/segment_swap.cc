#include "backends/native/segment_swap.h"

#include <kj/debug.h>

#include "backends/native/segment_scan.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kSuffixes[] = {kIndexSuffix, kTimeIndexSuffix, kLogSuffix};

kj::String pathOf(LogFolder& folder, Offset base, kj::StringPtr suffix, kj::StringPtr extension = nullptr) {
  return kj::str(folder.path, "/", segmentFileName(base, suffix), extension);
}

// The base offset in "<base>.log.swap"; null for any other name.
kj::Maybe<Offset> parseSwapName(kj::StringPtr name) {
  return parseSegmentFileName(name, kj::str(kLogSuffix, kSwapSuffix));
}

// What a segment of that name holds; all of the file must be sound.
SegmentSummary summariseSwap(LogFolder& folder, Offset base) {
  auto path = pathOf(folder, base, kLogSuffix, kSwapSuffix);
  auto file = folder.fileSystem.open(path, FileSystem::Mode::kRead);
  auto summary = SegmentSummary::empty(base);
  BatchScan scan(*file, 0, base);
  for (;;) {
    KJ_IF_MAYBE(batch, scan.next()) {
      if (summary.bytes == 0) summary.firstTimestamp = batch->maxTimestamp();
      if (summary.bytes == 0 || batch->maxTimestamp() > summary.maxTimestamp) {
        summary.maxTimestamp = batch->maxTimestamp();
        summary.maxTimestampOffset = batch->lastOffset();
      }
      summary.bytes += batch->size();
      summary.end = batch->nextOffset();
    } else {
      break;
    }
  }
  if (scan.stopped().size() > 0 || summary.bytes == 0) {
    throwDamaged(folder.fileSystem, path, scan.position(), summary.end, "a segment that replaces others is not sound");
  }
  return summary;
}

// Puts the new segment into a state that lists old ones. False when it lists none of them.
bool listSwap(LogState& known, const SegmentSummary& swap) {
  kj::Vector<SegmentSummary> segments;
  bool listed = false;
  for (auto& segment : known.segments) {
    bool replaced = segment.base >= swap.base && segment.base < swap.end;
    if (!replaced) {
      segments.add(segment);
    } else if (!listed) {
      segments.add(swap);
      listed = true;
    }
  }
  known.segments = kj::mv(segments);
  return listed;
}

void removeSwap(LogFolder& folder, Offset base) {
  for (auto suffix : kSuffixes)
    folder.fileSystem.removeFile(pathOf(folder, base, suffix, kSwapSuffix));
}

void finishSwap(LogFolder& folder, Offset base, kj::ArrayPtr<const Offset> segments, LogState& known, bool isKnown,
                uint64_t session) {
  auto swap = summariseSwap(folder, base);
  kj::Vector<Offset> replaced;
  for (auto segment : segments) {
    if (segment >= base && segment < swap.end) replaced.add(segment);
    bool isNext = segment >= swap.end;
    KJ_REQUIRE(
        !isNext || segment == swap.end,
        "a segment is missing behind one that replaces others; nothing was changed; restore the file, or see with "
        "`cambium inspect repair` what can be kept",
        folder.fileSystem.describe(pathOf(folder, base, kLogSuffix, kSwapSuffix)), swap.end, segment);
    if (isNext) break;
  }
  folder.report(kj::str(folder.path, ": finishing the replacement of the segments from ", base, " to ", swap.end - 1,
                        " by a rewritten one"));
  if (isKnown && listSwap(known, swap)) {
    known.session = session;
    known.clean = false;
    replaceFile(folder.fileSystem, kj::str(folder.path, "/", kLogStateName), encodeLogState(known));
  }
  // Which of the index files are the new ones cannot be told: they are made anew.
  replaced.add(base);
  for (auto suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    folder.fileSystem.removeFile(pathOf(folder, base, suffix, kSwapSuffix));
    folder.fileSystem.removeFile(pathOf(folder, base, suffix));
  }
  completeSwap(folder, base, replaced);
}

}  // namespace

void announceSwap(LogFolder& folder, Offset base, kj::StringPtr cleaned) {
  for (auto suffix : kSuffixes)
    folder.fileSystem.rename(pathOf(folder, base, suffix, cleaned), pathOf(folder, base, suffix, kSwapSuffix));
  folder.fileSystem.syncDirectory(folder.path);
}

void completeSwap(LogFolder& folder, Offset base, kj::ArrayPtr<const Offset> replaced) {
  auto& fileSystem = folder.fileSystem;
  for (auto old : replaced) {
    if (old == base) continue;
    for (auto suffix : kSuffixes)
      fileSystem.removeFile(pathOf(folder, old, suffix));
  }
  for (auto suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    auto from = pathOf(folder, base, suffix, kSwapSuffix);
    if (fileSystem.exists(from)) fileSystem.rename(from, pathOf(folder, base, suffix));
  }
  fileSystem.syncDirectory(folder.path);
  fileSystem.rename(pathOf(folder, base, kLogSuffix, kSwapSuffix), pathOf(folder, base, kLogSuffix));
  fileSystem.syncDirectory(folder.path);
}

bool holdsSwap(kj::ArrayPtr<const FileSystem::Entry> entries) {
  for (auto& entry : entries) {
    if (entry.name.endsWith(kSwapSuffix)) return true;
  }
  return false;
}

void removeCleaned(LogFolder& folder, kj::ArrayPtr<const FileSystem::Entry> entries) {
  for (auto& entry : entries) {
    if (entry.name.endsWith(kCleanedSuffix)) folder.fileSystem.removeFile(kj::str(folder.path, "/", entry.name));
  }
}

bool recoverSwaps(LogFolder& folder, LogState& known, bool isKnown, uint64_t session) {
  auto entries = folder.fileSystem.list(folder.path);
  removeCleaned(folder, entries);
  if (!holdsSwap(entries)) return false;
  kj::Vector<Offset> segments, swaps;
  for (auto& entry : entries) {
    KJ_IF_MAYBE(base, parseSegmentFileName(entry.name, kLogSuffix)) segments.add(*base);
    KJ_IF_MAYBE(base, parseSwapName(entry.name)) swaps.add(*base);
  }
  for (auto base : swaps) {
    if (isKnown && known.resetting) {
      removeSwap(folder, base);
    } else {
      finishSwap(folder, base, segments, known, isKnown, session);
    }
  }
  // Indexes whose segment did not become one.
  for (auto& entry : entries) {
    if (entry.name.endsWith(kSwapSuffix) && parseSwapName(entry.name) == nullptr) {
      folder.fileSystem.removeFile(kj::str(folder.path, "/", entry.name));
    }
  }
  return true;
}

}  // namespace cambium
