#include "tools/inspect/segment_inspector.h"

#include "backends/native/log_folder.h"
#include "tools/inspect/index_check.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kSegmentItem{"segment"_kj, "segments"_kj};
constexpr int kNumberWidth = 10;
constexpr size_t kIndexBytesMax = size_t{256} << 20;

kj::String joinPath(kj::StringPtr folder, kj::StringPtr name) {
  return folder.size() == 0 ? kj::str(name) : kj::str(folder, "/", name);
}

kj::Maybe<OffsetIndex> readOffsetIndex(const SegmentPlace& place, uint64_t segmentBytes) {
  auto path = joinPath(place.folder, segmentFileName(place.base, kIndexSuffix));
  if (!place.files.exists(path)) return nullptr;
  auto contents = readWholeFile(place.files, path, kIndexBytesMax);
  return OffsetIndex::parse(contents.slice(0, contents.size() / OffsetIndex::kEntryBytes * OffsetIndex::kEntryBytes),
                            segmentBytes);
}

}  // namespace

kj::Maybe<SegmentSummary> summarise(const SegmentPlace& place) {
  auto path = joinPath(place.folder, segmentFileName(place.base, kLogSuffix));
  auto summary = SegmentSummary::empty(place.base);
  KJ_IF_MAYBE(known, place.known) summary = *known;
  auto failure = kj::runCatchingExceptions([&] {
    auto file = place.files.open(path, FileSystem::Mode::kRead);
    uint64_t bytes = file->size();
    uint64_t from = kj::min(summary.bytes, bytes);
    if (place.known == nullptr) {
      KJ_IF_MAYBE(index, readOffsetIndex(place, bytes)) from = index->lastPosition();
    }
    HeaderScan scan(place.files, *file, kj::str(path), from, bytes);
    for (;;) {
      KJ_IF_MAYBE(batch, scan.next()) {
        summary.bytes = batch->position + batch->bytes;
        summary.end = batch->last + 1;
        summary.maxTimestamp = kj::max(summary.maxTimestamp, batch->maxTimestamp);
      } else {
        break;
      }
    }
  });
  if (failure != nullptr) return nullptr;
  return summary;
}

SegmentInspector::SegmentInspector(Inspection& inspection, const SegmentPlace& place, BatchLister& lister)
    : inspection_(inspection), place_(place), lister_(lister), file_(place.files.describe(path(kLogSuffix))) {}

kj::String SegmentInspector::path(kj::StringPtr suffix) const {
  return joinPath(place_.folder, segmentFileName(place_.base, suffix));
}

void SegmentInspector::run() {
  auto logPath = path(kLogSuffix);
  if (!place_.files.exists(logPath)) {
    inspection_.note(kj::str(file_), kj::str("the file went away while it was looked at"));
    return;
  }
  auto& options = inspection_.options;
  inspection_.report.open(kSegmentItem);
  inspection_.guard(file_, [&] {
    uint64_t bytes = place_.files.open(logPath, FileSystem::Mode::kRead)->size();
    printSummary(bytes);
    if (options.entries) printIndexes();
    if (options.verify) {
      checkIndexSizes();
      walk(0);
    } else if (!lister_.done() && (place_.alone || options.listsBatches() || options.deep)) {
      walk(startPosition());
    }
  });
  inspection_.report.close();
}

void SegmentInspector::printSummary(uint64_t bytes) {
  auto& report = inspection_.report;
  report.text("file", segmentFileName(place_.base, kLogSuffix));
  report.number("baseOffset", place_.base.value(), kNumberWidth);
  KJ_IF_MAYBE(summary, summarise(place_)) {
    report.number("endOffset", summary->end.value(), kNumberWidth);
    report.number("bytes", static_cast<int64_t>(bytes), kNumberWidth);
    report.time("maxTimestamp", summary->maxTimestamp);
  } else {
    report.number("bytes", static_cast<int64_t>(bytes), kNumberWidth);
  }
  auto entries = [&](kj::StringPtr suffix, size_t entryBytes) -> int64_t {
    auto index = path(suffix);
    if (!place_.files.exists(index)) return 0;
    return static_cast<int64_t>(place_.files.open(index, FileSystem::Mode::kRead)->size() / entryBytes);
  };
  report.number("indexEntries", entries(kIndexSuffix, OffsetIndex::kEntryBytes), 6);
  report.number("timeIndexEntries", entries(kTimeIndexSuffix, TimeIndex::kEntryBytes), 6);
  report.flag("active", place_.active);
}

void SegmentInspector::printIndexes() {
  auto offsets = path(kIndexSuffix);
  auto times = path(kTimeIndexSuffix);
  if (place_.files.exists(offsets)) OffsetIndexCheck(inspection_, {place_.files, offsets, place_.base, true}).list();
  if (place_.files.exists(times)) TimeIndexCheck(inspection_, {place_.files, times, place_.base, true}).list();
}

// Where the first batch lies that was asked for, or one not far before it.
uint64_t SegmentInspector::startPosition() {
  auto from = inspection_.options.from;
  if (from <= place_.base) return 0;
  uint64_t bytes = place_.files.open(path(kLogSuffix), FileSystem::Mode::kRead)->size();
  KJ_IF_MAYBE(index, readOffsetIndex(place_, bytes)) return index->positionFor(from - place_.base);
  return 0;
}

bool SegmentInspector::vouched(uint64_t position) const {
  if (position < place_.durableBytes) return true;
  KJ_IF_MAYBE(known, place_.known) return position < known->bytes;
  return false;
}

// Whether it may be what a killed broker or a power loss leaves of the last write; see segment_recovery.h.
bool SegmentInspector::mayBeTorn(const SegmentWalk::Step& step) const {
  if (!step.atEnd || !place_.active || !place_.unclean || vouched(step.position)) return false;
  if (!place_.sameBoot) return true;
  auto file = place_.files.open(path(kLogSuffix), FileSystem::Mode::kRead);
  BatchScan scan(*file, step.position, step.offset);
  return scan.next() == nullptr && scan.cutShort();
}

void SegmentInspector::walk(uint64_t position) {
  auto file = place_.files.open(path(kLogSuffix), FileSystem::Mode::kRead);
  auto offsetsPath = path(kIndexSuffix);
  auto timesPath = path(kTimeIndexSuffix);
  kj::Maybe<kj::Own<OffsetIndexCheck>> offsets;
  kj::Maybe<kj::Own<TimeIndexCheck>> times;
  bool mayBeBehind = place_.active && place_.unclean;
  if (inspection_.options.verify) {
    if (place_.files.exists(offsetsPath)) {
      offsets =
          kj::heap<OffsetIndexCheck>(inspection_, IndexPlace{place_.files, offsetsPath, place_.base, mayBeBehind});
    }
    if (place_.files.exists(timesPath)) {
      times = kj::heap<TimeIndexCheck>(inspection_, IndexPlace{place_.files, timesPath, place_.base, mayBeBehind});
    }
  }
  SegmentWalk walk(*file, position, position == 0 ? place_.base : kNoOffset);
  uint64_t end = position;
  for (;;) {
    KJ_IF_MAYBE(step, walk.next()) {
      end = step->position + step->bytes;
      kj::Maybe<Offset> last;
      endsInDamage_ = step->batch == nullptr;
      KJ_IF_MAYBE(batch, step->batch) {
        last = batch->lastOffset();
        checkKnown(step->position, step->offset);
        lister_.see(*batch, {.file = file_, .position = step->position});
      } else {
        complain(*step);
      }
      KJ_IF_MAYBE(check, offsets) (*check)->see(step->position, step->bytes, last);
      KJ_IF_MAYBE(check, times) (*check)->see(step->offset, step->batch);
      if (lister_.done() && !inspection_.options.verify) return;
    } else {
      break;
    }
  }
  if (!inspection_.options.verify) return;
  if (!endsInDamage_) {
    checkKnown(end, walk.end());
    checkNext(walk.end());
  }
  KJ_IF_MAYBE(check, offsets) (*check)->finish(end);
  KJ_IF_MAYBE(check, times) (*check)->finish(walk.end());
}

void SegmentInspector::complain(const SegmentWalk::Step& step) {
  bool torn = mayBeTorn(step);
  Finding finding{.severity = torn ? Severity::kNote : Severity::kError,
                  .file = kj::str(file_),
                  .position = step.position,
                  .offset = step.offset,
                  .what = kj::str(step.what),
                  .expected = kj::str(step.expected),
                  .found = kj::str(step.found)};
  if (torn)
    finding.what = kj::str(finding.what, "; what a killed broker leaves behind, it will be cut on the next start");
  inspection_.add(kj::mv(finding));
}

// The log's state says which offset begins where what it describes ends.
void SegmentInspector::checkKnown(uint64_t position, Offset offset) {
  KJ_IF_MAYBE(known, place_.known) {
    if (!inspection_.options.verify || position != known->bytes || offset == known->end) return;
    inspection_.add({.file = kj::str(file_),
                     .position = position,
                     .what = kj::str("the log's state names another offset for this position"),
                     .expected = kj::str(known->end),
                     .found = kj::str(offset)});
  }
}

void SegmentInspector::checkNext(Offset end) {
  KJ_IF_MAYBE(next, place_.next) {
    if (*next == end) return;
    inspection_.add({.file = kj::str(file_),
                     .what = kj::str("the segment behind it does not continue this one; one may be missing"),
                     .expected = kj::str("a segment ", segmentFileName(end, kLogSuffix)),
                     .found = segmentFileName(*next, kLogSuffix)});
  }
}

// What the log's state says was saved must be there. Behind an unclean stop the next opening brings indexes into order.
void SegmentInspector::checkIndexSizes() {
  auto check = [&](kj::StringPtr suffix, uint64_t saved, size_t entryBytes) {
    auto index = path(suffix);
    uint64_t entries = 0;
    bool exists = place_.files.exists(index);
    if (exists) entries = place_.files.open(index, FileSystem::Mode::kRead)->size() / entryBytes;
    if (entries >= saved && (exists || place_.active)) return;
    inspection_.add(
        {.severity = saved > entries && !(place_.unclean && place_.active) ? Severity::kError : Severity::kNote,
         .file = place_.files.describe(index),
         .what = kj::str(exists ? "the index is short" : "the index is missing",
                         "; it is made anew when its segment is opened after an unclean stop"),
         .expected = kj::str(saved, " entries"),
         .found = kj::str(entries)});
  };
  uint64_t offsets = 0;
  uint64_t times = 0;
  KJ_IF_MAYBE(known, place_.known) {
    offsets = known->offsetEntries;
    times = known->timeEntries;
  }
  check(kIndexSuffix, offsets, OffsetIndex::kEntryBytes);
  check(kTimeIndexSuffix, times, TimeIndex::kEntryBytes);
}

}  // namespace cambium::tools
