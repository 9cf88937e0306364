#include "backends/native/segment_recovery.h"

#include <kj/debug.h>

namespace cambium {

namespace {

constexpr kj::StringPtr kWhatToDo =
    "nothing was changed; restore the file, or see with `cambium inspect repair` what can be kept"_kj;

// A scan of more than this takes some time and is announced before it begins.
constexpr uint64_t kWorthAWord = uint64_t{64} << 20;

kj::Array<kj::byte> readFrom(File& file, uint64_t position) {
  auto bytes = kj::heapArray<kj::byte>(file.size() - position);
  size_t got = file.read(position, bytes);
  return got == bytes.size() ? kj::mv(bytes) : kj::heapArray<kj::byte>(bytes.slice(0, got));
}

}  // namespace

kj::Vector<kj::Own<Segment>> SegmentRecovery::run() {
  listSegments();
  if (trust_ == Trust::kKnown) {
    finishReset();
    finishDrop();
    checkListed();
  }
  checkMarked();
  if (found_.size() == 0) {
    startEmpty();
  } else if (trust_ == Trust::kKnown) {
    size_t listed = known_.segments.size();
    openSealed(listed == 0 ? 0 : listed - 1);
    scanFrom(segments_.size());
  } else {
    openSealed(trust_ == Trust::kDamaged ? found_.size() - 1 : 0);
    scanFrom(segments_.size());
    start_ = segments_.front()->base();
  }
  // What was lost lies below a start that outlived it: the log goes on, empty, at its start.
  if (segments_.back()->summary().end < start_) {
    for (auto& segment : segments_)
      segment->remove();
    segments_.clear();
    dirty_.clear();
    startEmpty();
  }
  makeDurable();
  return kj::mv(segments_);
}

kj::String SegmentRecovery::path(Offset base, kj::StringPtr suffix) const {
  return kj::str(folder_.path, "/", segmentFileName(base, suffix));
}

void SegmentRecovery::listSegments() {
  auto entries = folder_.fileSystem.list(folder_.path);
  for (auto& entry : entries) {
    KJ_IF_MAYBE(base, parseSegmentFileName(entry.name, kLogSuffix)) {
      found_.add(Found{*base, entry.sizeBytes});
    }
  }
  removeOrphans(entries);
}

void SegmentRecovery::removeOrphans(kj::ArrayPtr<const FileSystem::Entry> entries) {
  auto hasLog = [&](Offset base) {
    for (auto& found : found_) {
      if (found.base == base) return true;
    }
    return false;
  };
  for (auto& entry : entries) {
    auto base = parseSegmentFileName(entry.name, kIndexSuffix);
    if (base == nullptr) base = parseSegmentFileName(entry.name, kTimeIndexSuffix);
    KJ_IF_MAYBE(b, base) {
      // An index says nothing that its segment does not say.
      if (!hasLog(*b)) folder_.fileSystem.removeFile(kj::str(folder_.path, "/", entry.name));
    }
    if (entry.name.endsWith(".tmp")) folder_.fileSystem.removeFile(kj::str(folder_.path, "/", entry.name));
  }
}

void SegmentRecovery::remove(Offset base) {
  for (auto suffix : {kLogSuffix, kIndexSuffix, kTimeIndexSuffix})
    folder_.fileSystem.removeFile(path(base, suffix));
  changed_ = true;
}

void SegmentRecovery::finishReset() {
  if (!known_.resetting) return;
  folder_.report(kj::str(folder_.path, ": finishing an interrupted reset to offset ", known_.start));
  for (size_t i = found_.size(); i-- > 0;)
    remove(found_[i].base);
  found_.clear();
  changed_ = true;
}

void SegmentRecovery::finishDrop() {
  // Segments in front of the first one listed had been given up when the state was written.
  if (known_.resetting || known_.segments.size() == 0) return;
  kj::Vector<Found> kept;
  for (auto& found : found_) {
    if (found.base < known_.segments[0].base) {
      folder_.report(kj::str(folder_.path, ": finishing the removal of the segment at ", found.base,
                             ", below the log start offset ", known_.start));
      remove(found.base);
    } else {
      kept.add(found);
    }
  }
  found_ = kj::mv(kept);
}

void SegmentRecovery::checkListed() {
  if (known_.resetting) return;
  auto describe = [&](Offset base) { return folder_.fileSystem.describe(path(base, kLogSuffix)); };
  for (size_t i = 0; i < known_.segments.size(); ++i) {
    auto& listed = known_.segments[i];
    bool last = i + 1 == known_.segments.size();
    KJ_REQUIRE(i < found_.size() && found_[i].base == listed.base, "a segment is missing", describe(listed.base),
               listed.bytes, kWhatToDo);
    bool longEnough = last ? found_[i].bytes >= listed.bytes : found_[i].bytes == listed.bytes;
    KJ_REQUIRE(longEnough, "a segment has not the size that was durable", describe(listed.base), listed.bytes,
               found_[i].bytes, listed.end, kWhatToDo);
  }
}

// What was durable by other accounts than the state's must be there as well.
void SegmentRecovery::checkMarked() {
  if (trust_ == Trust::kKnown && known_.resetting) return;
  KJ_IF_MAYBE(mark, evidence_.mark) {
    if (mark->bytes > 0) requireThere(Offset(static_cast<int64_t>(mark->file)), mark->bytes, "was synced");
  }
  if (trust_ == Trust::kKnown) return;
  // A log that never had a state begins at 0, and one whose state is lost was not empty, as far as anybody knows.
  bool beginsAtZero = found_.size() > 0 && found_[0].base == Offset(0);
  bool mustBegin = trust_ == Trust::kAbsent && (evidence_.registered || evidence_.sameBoot);
  bool mustBeThere = trust_ == Trust::kDamaged && found_.size() == 0;
  if ((mustBegin && !beginsAtZero) || mustBeThere) requireThere(Offset(0), 1, "began the log");
  if (trust_ == Trust::kAbsent && evidence_.registered) requireThere(Offset(0), 1, "held the first batches");
}

void SegmentRecovery::requireThere(Offset base, uint64_t bytes, kj::StringPtr why) {
  uint64_t there = 0;
  for (auto& found : found_) {
    if (found.base == base) there = found.bytes;
  }
  KJ_REQUIRE(there >= bytes, "a segment is missing or too short", folder_.fileSystem.describe(path(base, kLogSuffix)),
             there, bytes, why, kWhatToDo);
}

bool SegmentRecovery::wasDurable(Offset segment, uint64_t position) const {
  KJ_IF_MAYBE(mark, evidence_.mark) {
    Offset base(static_cast<int64_t>(mark->file));
    return segment < base || (segment == base && position < mark->bytes);
  }
  return false;
}

void SegmentRecovery::openSealed(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    bool listed = trust_ == Trust::kKnown;
    auto segment = kj::heap<Segment>(folder_, listed ? known_.segments[i] : describeUnlisted(found_[i]));
    segment->checkIndexFiles();
    if (i + 1 < found_.size()) {
      KJ_REQUIRE(segment->summary().end == found_[i + 1].base, "a segment is missing in the middle",
                 folder_.fileSystem.describe(path(segment->summary().end, kLogSuffix)), found_[i + 1].base, kWhatToDo);
    }
    segments_.add(kj::mv(segment));
  }
}

SegmentSummary SegmentRecovery::describeUnlisted(const Found& found) {
  // The headers alone: a sealed segment was synced before.
  auto filePath = path(found.base, kLogSuffix);
  auto file = folder_.fileSystem.open(filePath, FileSystem::Mode::kRead);
  HeaderScan scan(folder_.fileSystem, *file, kj::str(filePath), 0, found.bytes);
  SegmentSummary summary = SegmentSummary::empty(found.base);
  for (;;) {
    KJ_IF_MAYBE(place, scan.next()) {
      if (summary.bytes == 0) summary.firstTimestamp = place->maxTimestamp;
      if (summary.bytes == 0 || place->maxTimestamp > summary.maxTimestamp) {
        summary.maxTimestamp = place->maxTimestamp;
        summary.maxTimestampOffset = place->last;
      }
      summary.bytes += place->bytes;
      summary.end = place->last + 1;
    } else {
      break;
    }
  }
  auto entries = [&](kj::StringPtr suffix, size_t entryBytes) -> uint32_t {
    auto indexPath = path(found.base, suffix);
    if (!folder_.fileSystem.exists(indexPath)) return 0;
    auto index = folder_.fileSystem.open(indexPath, FileSystem::Mode::kRead);
    return static_cast<uint32_t>(index->size() / entryBytes);
  };
  summary.offsetEntries = entries(kIndexSuffix, OffsetIndex::kEntryBytes);
  summary.timeEntries = entries(kTimeIndexSuffix, TimeIndex::kEntryBytes);
  return summary;
}

void SegmentRecovery::scanFrom(size_t first) {
  for (size_t i = first; i < found_.size(); ++i) {
    auto& found = found_[i];
    if (segments_.size() > 0 && segments_.back()->summary().end != found.base) {
      // Nothing durable was listed there: the segment before lost its unsynced end.
      for (size_t j = found_.size(); j-- > i;)
        discard(found_[j], "it does not continue the segment before it"_kj);
      return;
    }
    bool listed = trust_ == Trust::kKnown && i < known_.segments.size();
    // Nobody says that its name is durable, also when there is nothing in it that would be.
    if (!listed) namesDirty_ = true;
    auto segment = kj::heap<Segment>(folder_, listed ? known_.segments[i] : SegmentSummary::empty(found.base));
    auto& scanned = *segment;
    if (segments_.size() > 0) segments_.back()->seal();
    segments_.add(kj::mv(segment));
    if (!scanSegment(scanned, found)) {
      for (size_t j = found_.size(); j-- > i + 1;)
        discard(found_[j], "it follows a torn one"_kj);
      return;
    }
  }
}

// False when the segment had to be cut.
bool SegmentRecovery::scanSegment(Segment& segment, const Found& found) {
  uint64_t from = segment.summary().bytes;
  syncedOffsetEntries_ = segment.summary().offsetEntries;
  syncedTimeEntries_ = segment.summary().timeEntries;
  if (!segment.completeIndexes()) {
    syncedOffsetEntries_ = segment.summary().offsetEntries;
    syncedTimeEntries_ = segment.summary().timeEntries;
  }
  if (known_.lost && trust_ == Trust::kKnown) {
    if (found.bytes == from) return false;
    cutTail(segment, found, "a sync had failed there"_kj);
    return false;
  }
  if (found.bytes - from >= kWorthAWord) {
    folder_.report(kj::str(folder_.path, ": scanning ", found.bytes - from, " bytes of batches at ", segment.base()));
  }
  BatchScan scan(segment.file().get(), from, segment.summary().end);
  for (;;) {
    KJ_IF_MAYBE(batch, scan.next()) {
      segment.adopt(*batch);
      checkPassing(segment, batch->size());
    } else {
      break;
    }
  }
  uint64_t scanned = segment.summary().bytes - from;
  scannedBytes_ += scanned;
  if (scanned > 0)
    folder_.report(kj::str(folder_.path, ": scanned ", scanned, " bytes of batches at ", segment.base()));
  if (scan.stopped().size() > 0) {
    checkTail(segment, scan);
    cutTail(segment, found, scan.stopped());
  }
  saveIndexes(segment);
  if (scanned > 0 || found.bytes != segment.summary().bytes) dirty_.add(&segment);
  return scan.stopped().size() == 0;
}

// A batch ended where the mark says that what was synced did, at the same offset; else it is another file.
void SegmentRecovery::checkPassing(Segment& segment, uint64_t lastBytes) {
  KJ_IF_MAYBE(mark, evidence_.mark) {
    auto& summary = segment.summary();
    bool passes = mark->file == static_cast<uint64_t>(segment.base().value()) && summary.bytes >= mark->bytes &&
                  summary.bytes - lastBytes < mark->bytes;
    bool agrees = summary.bytes == mark->bytes && static_cast<uint64_t>(summary.end.value()) == mark->end;
    KJ_REQUIRE(!passes || agrees, "this is not the segment that was synced here",
               folder_.fileSystem.describe(segment.path(kLogSuffix)), mark->bytes, mark->end, kWhatToDo);
  }
}

// Throws when what the scan stopped at cannot be what was written last, and not completely: see the head of the header.
void SegmentRecovery::checkTail(Segment& segment, const BatchScan& scan) {
  auto filePath = segment.path(kLogSuffix);
  auto refuse = [&](kj::StringPtr why) {
    throwDamaged(folder_.fileSystem, filePath, scan.position(), segment.summary().end,
                 kj::str(scan.stopped(), ", and ", why));
  };
  if (wasDurable(segment.base(), scan.position())) refuse("it was durable");
  if (!evidence_.sameBoot) return;
  for (auto& later : found_) {
    if (later.base > segment.base() && later.bytes > 0) refuse("a later segment has batches");
  }
  if (!scan.cutShort()) refuse("the machine was not started since it was written");
  if (holdsSoundBatch(readFrom(segment.file().get(), scan.position()), segment.summary().end))
    refuse("sound batches follow it");
}

// On a full device the indexes stay in memory until the next sync or roll tries again.
void SegmentRecovery::saveIndexes(Segment& segment) {
  try {
    segment.trimIndexes();
  } catch (const kj::Exception& exception) {
    if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
    folder_.report(kj::str(segment.path(kIndexSuffix), " could not be written: ", exception.getDescription()));
  }
}

void SegmentRecovery::cutTail(Segment& segment, const Found& found, kj::StringPtr reason) {
  uint64_t position = segment.summary().bytes;
  auto filePath = segment.path(kLogSuffix);
  auto tail = readFrom(segment.file().get(), position);
  bool keep = isWorthKeeping(tail, segment.summary().end);
  auto copy = kj::str(filePath, ".cut-", position);
  folder_.report(kj::str(folder_.fileSystem.describe(filePath), ": cut ", found.bytes - position,
                         " bytes from position ", position, " (offset ", segment.summary().end, ") on: ", reason,
                         keep ? kj::str("; set aside in ", folder_.fileSystem.describe(copy)) : nullptr));
  if (keep) replaceFile(folder_.fileSystem, copy, tail);
  segment.file().get().truncate(position);
  saveIndexes(segment);
  dirty_.add(&segment);
  changed_ = true;
}

void SegmentRecovery::discard(const Found& found, kj::StringPtr reason) {
  auto filePath = path(found.base, kLogSuffix);
  bool keep = found.bytes > 0;
  if (keep) {
    auto file = folder_.fileSystem.open(filePath, FileSystem::Mode::kRead);
    keep = isWorthKeeping(readFrom(*file, 0), found.base);
  }
  bool mayGo = !keep || (trust_ != Trust::kDamaged && !evidence_.sameBoot && !wasDurable(found.base, 0));
  KJ_REQUIRE(mayGo, "a segment is missing in the middle", folder_.fileSystem.describe(filePath), reason, kWhatToDo);
  folder_.report(kj::str(folder_.fileSystem.describe(filePath), ": ", keep ? "set aside " : "removed ", found.bytes,
                         " bytes that no state vouches for: ", reason));
  if (keep) folder_.fileSystem.rename(filePath, kj::str(filePath, ".cut"));
  remove(found.base);
}

// Whether bytes that are about to go may hold what somebody was told is durable. With a state that is only so when
// sound batches follow the damage: a power loss leaves none behind a torn one, but for whole sectors that came out of
// order. After a failed sync the state says itself that nothing behind it was durable.
bool SegmentRecovery::isWorthKeeping(ByteView tail, Offset from) const {
  if (tail.size() == 0) return false;
  if (trust_ != Trust::kKnown) return true;
  return !known_.lost && holdsSoundBatch(tail, from);
}

void SegmentRecovery::startEmpty() {
  segments_.add(Segment::create(folder_, start_));
  syncedOffsetEntries_ = syncedTimeEntries_ = 0;
  changed_ = true;
}

void SegmentRecovery::makeDurable() {
  for (auto* segment : dirty_) {
    if (segment == segments_.back().get()) {
      segment->file().get().sync();
    } else {
      segment->syncFiles();
      segment->closeFile();
    }
  }
  // With the names of segments that were made after the last sync.
  if (changed_ || namesDirty_ || dirty_.size() > 0) folder_.fileSystem.syncDirectory(folder_.path);
}

}  // namespace cambium
