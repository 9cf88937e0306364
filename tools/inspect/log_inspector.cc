#include "tools/inspect/log_inspector.h"

#include "backends/native/log_metadata.h"
#include "backends/native/segment_swap.h"
#include "tools/inspect/index_check.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kLogItem{"log"_kj, "logs"_kj};
constexpr ItemKind kSegmentFileItem{"segment"_kj, "segments"_kj};
constexpr int kNumberWidth = 10;

kj::StringPtr explainStray(kj::StringPtr name) {
  if (name.endsWith(".tmp")) return "left over from a write that was interrupted"_kj;
  if (name.endsWith(kCleanedSuffix)) return "of a rewrite that is going on or was interrupted"_kj;
  if (name.endsWith(kSwapSuffix)) return "of a rewritten segment on its way into place"_kj;
  return "not a part of the log; set aside by a recovery, or somebody else's"_kj;
}

kj::String lastPart(kj::StringPtr path) {
  KJ_IF_MAYBE(slash, path.findLast('/')) return kj::str(path.slice(*slash + 1));
  return kj::str(path);
}

}  // namespace

LogInspector::LogInspector(Inspection& inspection, FileSystem& files, kj::StringPtr folder,
                           kj::Maybe<const LogCheckpoint&> checkpoint)
    : inspection_(inspection), files_(files), folder_(folder), name_(lastPart(folder)) {
  incarnation_ = readLogMetadata(files, folder);
  for (auto& entry : files.list(folder)) {
    KJ_IF_MAYBE(base, parseSegmentFileName(entry.name, kLogSuffix)) found_.add(Found{*base, entry.sizeBytes});
  }
  known_ = learn(inspection, files, folder, name_, incarnation_, checkpoint);
}

kj::String LogInspector::path(kj::StringPtr name) const {
  return kj::str(folder_, "/", name);
}

kj::Maybe<const SegmentSummary&> LogInspector::knownOf(Offset base) const {
  KJ_IF_MAYBE(state, known_.state) {
    if (state->resetting) return nullptr;
    for (auto& segment : state->segments) {
      if (segment.base == base) return segment;
    }
  }
  return nullptr;
}

SegmentPlace LogInspector::placeOf(size_t index) const {
  SegmentPlace place{files_, folder_, found_[index].base};
  place.active = index + 1 == found_.size();
  place.unclean = !known_.clean;
  place.known = knownOf(place.base);
  if (!place.active) place.next = found_[index + 1].base;
  place.sameBoot = known_.sameBoot;
  KJ_IF_MAYBE(mark, known_.mark) {
    Offset base(static_cast<int64_t>(mark->file));
    if (place.base <= base) place.durableBytes = place.base == base ? mark->bytes : UINT64_MAX;
  }
  return place;
}

// Whether a segment holds offsets that were asked for.
bool LogInspector::wants(size_t index) const {
  auto& options = inspection_.options;
  if (options.verify) return true;
  if (index + 1 < found_.size() && found_[index + 1].base <= options.from) return false;
  KJ_IF_MAYBE(to, options.to) return found_[index].base < *to;
  return true;
}

void LogInspector::run() {
  inspection_.report.open(kLogItem);
  printLog();
  if (inspection_.options.verify) {
    checkMetadata();
    checkListed();
    checkMarked();
    checkStrays();
  }
  BatchLister lister(inspection_, inspection_.options.listsBatches());
  for (size_t i = 0; i < found_.size(); ++i) {
    if (wants(i)) {
      auto place = placeOf(i);
      SegmentInspector(inspection_, place, lister).run();
    }
  }
  inspection_.report.close();
}

void LogInspector::printLog() {
  auto& report = inspection_.report;
  uint64_t bytes = 0;
  for (auto& found : found_)
    bytes += found.bytes;
  report.text("name", name_, 20);
  report.text("engine", "native");
  KJ_IF_MAYBE(id, incarnation_) report.text("id", kj::str(*id));
  KJ_IF_MAYBE(state, known_.state) {
    report.number("startOffset", state->start.value(), kNumberWidth);
  } else if (found_.size() > 0) {
    report.number("startOffset", found_[0].base.value(), kNumberWidth);
  }
  if (found_.size() > 0) {
    KJ_IF_MAYBE(last, summarise(placeOf(found_.size() - 1)))
      report.number("endOffset", last->end.value(), kNumberWidth);
  }
  report.number("bytes", static_cast<int64_t>(bytes), kNumberWidth);
  report.number("segmentCount", static_cast<int64_t>(found_.size()), 4);
  report.flag("clean", known_.clean);
}

void LogInspector::runSegment(Offset base) {
  for (size_t i = 0; i < found_.size(); ++i) {
    if (found_[i].base != base) continue;
    auto place = placeOf(i);
    place.alone = true;
    BatchLister lister(inspection_, true);
    SegmentInspector(inspection_, place, lister).run();
  }
}

void LogInspector::runIndex(Offset base, kj::StringPtr suffix) {
  auto indexPath = path(segmentFileName(base, suffix));
  bool isOffsets = suffix == kIndexSuffix;
  for (size_t i = 0; i < found_.size() && inspection_.options.verify; ++i) {
    if (found_[i].base != base) continue;
    auto place = placeOf(i);
    BatchLister lister(inspection_, false);
    SegmentInspector(inspection_, place, lister).run();
    return;
  }
  inspection_.report.open(kSegmentFileItem);
  inspection_.report.text("file", segmentFileName(base, suffix));
  IndexPlace place{files_, indexPath, base, false};
  if (isOffsets) {
    OffsetIndexCheck(inspection_, place).list();
    OffsetIndexCheck(inspection_, place).checkOrder();
  } else {
    TimeIndexCheck(inspection_, place).list();
    TimeIndexCheck(inspection_, place).checkOrder();
  }
  inspection_.report.close();
}

void LogInspector::checkMetadata() {
  if (incarnation_ != nullptr) return;
  bool isEmpty = true;
  for (auto& found : found_)
    isEmpty = isEmpty && found.bytes == 0;
  auto file = files_.describe(path(kMetadataName));
  if (isEmpty) {
    inspection_.note(kj::mv(file), kj::str("missing or damaged; the log holds nothing, its making was interrupted"));
  } else {
    inspection_.error(kj::mv(file), kj::str("missing or damaged, but there are batches beside it; restore it"));
  }
}

// The segments that the log's state lists must be there, and as long as it says.
void LogInspector::checkListed() {
  if (holdsSwap(files_.list(folder_))) {
    inspection_.note(files_.describe(folder_),
                     kj::str("putting a rewritten segment in place was interrupted; the next start finishes it"));
    return;
  }
  KJ_IF_MAYBE(state, known_.state) {
    if (state->resetting) {
      inspection_.note(files_.describe(folder_),
                       kj::str("a reset to offset ", state->start, " was interrupted; the next start finishes it"));
      return;
    }
    for (size_t i = 0; i < state->segments.size(); ++i) {
      auto& listed = state->segments[i];
      auto file = files_.describe(path(segmentFileName(listed.base, kLogSuffix)));
      const Found* found = nullptr;
      for (auto& candidate : found_) {
        if (candidate.base == listed.base) found = &candidate;
      }
      if (found == nullptr) {
        inspection_.add(
            {.file = kj::mv(file),
             .what = kj::str("a segment is missing that the log's state lists"),
             .expected = kj::str(listed.bytes, " bytes with offsets ", listed.base, " to ", listed.end - 1)});
        continue;
      }
      bool mayGrow = i + 1 == state->segments.size() && !known_.clean;
      if (mayGrow ? found->bytes >= listed.bytes : found->bytes == listed.bytes) continue;
      inspection_.add({.file = kj::mv(file),
                       .position = kj::min(found->bytes, listed.bytes),
                       .what = kj::str("the segment has not the size that was durable"),
                       .expected = kj::str(mayGrow ? "at least " : "", listed.bytes, " bytes"),
                       .found = kj::str(found->bytes)});
    }
  }
}

// The segment that the sync mark speaks of must be there, and as long as that says.
void LogInspector::checkMarked() {
  if (found_.size() == 0 && incarnation_ != nullptr) {
    auto what = kj::str("the log has no segment");
    auto file = files_.describe(path(segmentFileName(Offset(0), kLogSuffix)));
    // The making of a log ends with its first segment; marks come later.
    if (files_.exists(path(kSyncMarkName))) {
      inspection_.error(kj::mv(file), kj::mv(what));
    } else {
      inspection_.note(kj::mv(file), kj::str(what, "; its making may have been interrupted"));
    }
  }
  KJ_IF_MAYBE(mark, known_.mark) {
    Offset base(static_cast<int64_t>(mark->file));
    uint64_t bytes = 0;
    bool exists = mark->bytes == 0;
    for (auto& found : found_) {
      if (found.base != base) continue;
      exists = true;
      bytes = found.bytes;
    }
    if (exists && bytes >= mark->bytes) return;
    inspection_.add({.file = files_.describe(path(segmentFileName(base, kLogSuffix))),
                     .position = bytes,
                     .what = kj::str(exists ? "the segment is shorter than what was synced"
                                            : "a segment is missing that was synced"),
                     .expected = kj::str("at least ", mark->bytes, " bytes, offsets up to ", mark->end - 1),
                     .found = kj::str(bytes)});
  }
}

// Files that the next start removes or that nobody knows.
void LogInspector::checkStrays() {
  Offset first = found_.size() > 0 ? found_[0].base : Offset(0);
  KJ_IF_MAYBE(state, known_.state) {
    if (state->segments.size() > 0 && first < state->segments[0].base && !state->resetting) {
      inspection_.note(files_.describe(path(segmentFileName(first, kLogSuffix))),
                       kj::str("lies below the first segment that the log's state lists; the next start removes it"));
    }
  }
  for (auto& entry : files_.list(folder_)) {
    auto base = parseSegmentFileName(entry.name, kIndexSuffix);
    if (base == nullptr) base = parseSegmentFileName(entry.name, kTimeIndexSuffix);
    KJ_IF_MAYBE(offset, base) {
      if (!files_.exists(path(segmentFileName(*offset, kLogSuffix)))) {
        inspection_.note(files_.describe(path(entry.name)),
                         kj::str("an index without its segment; the next recovery removes it"));
      }
      continue;
    }
    bool known = parseSegmentFileName(entry.name, kLogSuffix) != nullptr || entry.name == kMetadataName ||
                 entry.name == kLogStateName || entry.name == kSyncMarkName;
    if (!known) inspection_.note(files_.describe(path(entry.name)), kj::str(explainStray(entry.name)));
  }
}

}  // namespace cambium::tools
