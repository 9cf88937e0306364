#include "backends/native/segment.h"

#include <kj/debug.h>

namespace cambium {

Segment::Segment(LogFolder& folder, const SegmentSummary& summary, kj::StringPtr extension)
    : folder_(folder), summary_(summary), extension_(kj::str(extension)), id_(folder.indexCache.newId()) {}

Segment::~Segment() noexcept(false) {
  folder_.indexCache.erase(id_);
}

kj::Own<Segment> Segment::create(LogFolder& folder, Offset base, kj::StringPtr extension) {
  auto segment = kj::heap<Segment>(folder, SegmentSummary::empty(base), extension);
  auto path = segment->path(kLogSuffix);
  auto file = folder.fileSystem.open(path, FileSystem::Mode::kCreate);
  if (file->size() > 0) file->truncate(0);
  folder.fileSystem.removeFile(segment->path(kIndexSuffix));
  folder.fileSystem.removeFile(segment->path(kTimeIndexSuffix));
  segment->file_ = kj::Own<const SharedFile>(kj::atomicRefcounted<SharedFile>(kj::mv(file)));
  segment->own_ = kj::heap<SegmentIndexes>();
  return segment;
}

kj::String Segment::path(kj::StringPtr suffix) const {
  return kj::str(folder_.path, "/", segmentFileName(summary_.base, suffix), extension_);
}

const SharedFile& Segment::file() {
  KJ_IF_MAYBE(open, file_) {
    return **open;
  }
  auto opened = folder_.fileSystem.open(path(kLogSuffix), FileSystem::Mode::kWrite);
  kj::Own<const SharedFile> shared = kj::atomicRefcounted<SharedFile>(kj::mv(opened));
  auto& result = *shared;
  file_ = kj::mv(shared);
  return result;
}

uint64_t Segment::fileBytes() const {
  return summary_.bytes + summary_.offsetEntries * OffsetIndex::kEntryBytes +
         summary_.timeEntries * TimeIndex::kEntryBytes;
}

bool Segment::mustRollBefore(const BatchView& batch) {
  if (summary_.bytes == 0) return false;
  auto& options = folder_.options;
  // Positions in an index are signed 32-bit numbers.
  uint64_t bytesMax = kj::min(options.segmentBytes.value(), uint64_t{INT32_MAX});
  if (summary_.bytes + batch.size() > bytesMax) return true;
  if (batch.lastOffset() - summary_.base > INT32_MAX) return true;
  TimestampMs newest = batch.maxTimestamp();
  bool timesKnown = summary_.firstTimestamp > kNoTimestamp && newest > kNoTimestamp;
  if (timesKnown && newest - summary_.firstTimestamp > options.segmentMs) return true;
  auto& indexes = ownIndexes();
  uint64_t room = options.indexBytesMax.value();
  // The time index keeps a place for the entry that sealing adds.
  return (indexes.offsets.size() + 1) * OffsetIndex::kEntryBytes > room ||
         (indexes.times.size() + 2) * TimeIndex::kEntryBytes > room;
}

bool Segment::staysRoomyFor(size_t more, const BatchView& last) {
  auto& options = folder_.options;
  auto& indexes = ownIndexes();
  // Before its first batch a segment does not know when it began.
  if (summary_.bytes == 0 || last.lastOffset() - summary_.base > INT32_MAX) return false;
  bool timesKnown = summary_.firstTimestamp > kNoTimestamp && last.maxTimestamp() > kNoTimestamp;
  if (timesKnown && last.maxTimestamp() - summary_.firstTimestamp > options.segmentMs) return false;
  uint64_t room = options.indexBytesMax.value();
  return (indexes.offsets.size() + 1 + more) * OffsetIndex::kEntryBytes <= room &&
         (indexes.times.size() + 2 + more) * TimeIndex::kEntryBytes <= room;
}

void Segment::append(ByteView run, kj::ArrayPtr<const BatchView> batches) {
  auto& indexes = ownIndexes();
  file().get().write(summary_.bytes, run);
  for (auto& batch : batches)
    note(indexes, batch.lastOffset(), batch.maxTimestamp(), batch.size());
}

void Segment::adopt(const BatchView& batch) {
  note(ownIndexes(), batch.lastOffset(), batch.maxTimestamp(), batch.size());
}

void Segment::note(SegmentIndexes& indexes, Offset last, TimestampMs maxTimestamp, uint64_t bytes) {
  uint64_t position = summary_.bytes;
  if (position == 0) summary_.firstTimestamp = maxTimestamp;
  if (position == 0 || maxTimestamp > summary_.maxTimestamp) {
    summary_.maxTimestamp = maxTimestamp;
    summary_.maxTimestampOffset = last;
  }
  if (position - indexes.offsets.lastPosition() > folder_.options.indexIntervalBytes.value()) {
    indexes.offsets.append(relative(last), static_cast<int32_t>(position));
    indexes.times.append(summary_.maxTimestamp, relative(summary_.maxTimestampOffset));
  }
  summary_.bytes += bytes;
  summary_.end = last + 1;
}

Segment::Mark Segment::mark() {
  auto& indexes = ownIndexes();
  return {summary_, indexes.offsets.size(), indexes.times.size()};
}

void Segment::rollBack(const Mark& mark) {
  auto& indexes = ownIndexes();
  indexes.offsets.resize(mark.offsetEntries);
  indexes.times.resize(mark.timeEntries);
  summary_ = mark.summary;
  file().get().truncate(mark.summary.bytes);
}

void Segment::finishTimeIndex() {
  if (summary_.bytes == 0) return;
  ownIndexes().times.append(summary_.maxTimestamp, relative(summary_.maxTimestampOffset));
}

bool Segment::hasUnsavedIndexes() const {
  KJ_IF_MAYBE(own, own_) {
    return trimIndexFiles_ || (*own)->offsets.size() > summary_.offsetEntries ||
           (*own)->times.size() > summary_.timeEntries;
  }
  return false;
}

void Segment::saveIndexes() {
  // Both files exist as soon as a segment was saved, also while they are empty.
  if (!hasUnsavedIndexes() && summary_.offsetEntries > 0 && summary_.timeEntries > 0) return;
  auto& indexes = ownIndexes();
  auto save = [&](kj::StringPtr suffix, uint64_t position, kj::Array<kj::byte> entries) {
    auto file = folder_.fileSystem.open(path(suffix), FileSystem::Mode::kCreate);
    if (entries.size() > 0) file->write(position, entries);
    if (trimIndexFiles_) file->truncate(position + entries.size());
  };
  save(kIndexSuffix, summary_.offsetEntries * OffsetIndex::kEntryBytes,
       indexes.offsets.serialize(summary_.offsetEntries));
  save(kTimeIndexSuffix, summary_.timeEntries * TimeIndex::kEntryBytes, indexes.times.serialize(summary_.timeEntries));
  summary_.offsetEntries = static_cast<uint32_t>(indexes.offsets.size());
  summary_.timeEntries = static_cast<uint32_t>(indexes.times.size());
  trimIndexFiles_ = false;
}

void Segment::seal() {
  saveIndexes();
  KJ_IF_MAYBE(own, own_) {
    folder_.indexCache.put(id_, kj::atomicRefcounted<SealedIndexes>(kj::mv(**own)));
    own_ = nullptr;
  }
  closeFile();
}

const SegmentIndexes& Segment::indexes(kj::Own<const SealedIndexes>& hold) {
  KJ_IF_MAYBE(own, own_) {
    return **own;
  }
  KJ_IF_MAYBE(cached, folder_.indexCache.get(id_)) {
    hold = kj::mv(*cached);
    return hold->get();
  }
  hold = kj::atomicRefcounted<SealedIndexes>(loadIndexes());
  folder_.indexCache.put(id_, kj::atomicAddRef(*hold));
  return hold->get();
}

SegmentIndexes& Segment::ownIndexes() {
  KJ_IF_MAYBE(own, own_) {
    return **own;
  }
  auto loaded = kj::heap<SegmentIndexes>(loadIndexes());
  auto& result = *loaded;
  own_ = kj::mv(loaded);
  folder_.indexCache.erase(id_);
  return result;
}

SegmentIndexes Segment::loadIndexes() {
  if (summary_.bytes == 0) return {};
  KJ_IF_MAYBE(indexes, readIndexFiles()) {
    return kj::mv(*indexes);
  }
  return rebuildIndexes();
}

SegmentIndexes Segment::rebuildIndexes() {
  folder_.report(kj::str(folder_.fileSystem.describe(path(kIndexSuffix)),
                         " or its time index is missing or damaged: rebuilding both from ", summary_.bytes,
                         " bytes of batches"));
  SegmentIndexes indexes;
  extendIndexes(indexes);
  indexes.times.append(summary_.maxTimestamp, relative(summary_.maxTimestampOffset));
  summary_.offsetEntries = static_cast<uint32_t>(indexes.offsets.size());
  summary_.timeEntries = static_cast<uint32_t>(indexes.times.size());
  auto replace = [&](kj::StringPtr suffix, kj::Array<kj::byte> entries) {
    auto file = folder_.fileSystem.open(path(suffix), FileSystem::Mode::kCreate);
    file->truncate(0);
    if (entries.size() > 0) file->write(0, entries);
    file->sync();
  };
  replace(kIndexSuffix, indexes.offsets.serialize());
  replace(kTimeIndexSuffix, indexes.times.serialize());
  return indexes;
}

void Segment::checkIndexFiles() {
  auto& fileSystem = folder_.fileSystem;
  bool whole = true;
  auto check = [&](kj::StringPtr suffix, uint64_t expected) {
    auto filePath = path(suffix);
    if (!fileSystem.exists(filePath)) {
      whole = false;
      return;
    }
    auto file = fileSystem.open(filePath, FileSystem::Mode::kWrite);
    uint64_t size = file->size();
    if (size < expected) whole = false;
    if (size > expected) file->truncate(expected);
  };
  check(kIndexSuffix, summary_.offsetEntries * OffsetIndex::kEntryBytes);
  check(kTimeIndexSuffix, summary_.timeEntries * TimeIndex::kEntryBytes);
  if (!whole) rebuildIndexes();
}

void Segment::trimIndexes() {
  trimIndexFiles_ = true;
  saveIndexes();
}

void Segment::syncFiles() {
  file().get().sync();
  for (auto suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    folder_.fileSystem.open(path(suffix), FileSystem::Mode::kWrite)->sync();
  }
}

kj::Maybe<SegmentIndexes> Segment::readIndexFiles() {
  auto& fileSystem = folder_.fileSystem;
  auto offsetsPath = path(kIndexSuffix);
  auto timesPath = path(kTimeIndexSuffix);
  // Nothing was saved yet: the files need not be there.
  if (summary_.offsetEntries == 0 && summary_.timeEntries == 0) return SegmentIndexes();
  if (!fileSystem.exists(offsetsPath) || !fileSystem.exists(timesPath)) return nullptr;
  auto offsets = OffsetIndex::parse(readWholeFile(fileSystem, offsetsPath), summary_.bytes, summary_.offsetEntries);
  auto times = TimeIndex::parse(readWholeFile(fileSystem, timesPath), summary_.timeEntries);
  KJ_IF_MAYBE(o, offsets) {
    KJ_IF_MAYBE(t, times) {
      if (o->size() == summary_.offsetEntries && t->size() == summary_.timeEntries) {
        return SegmentIndexes{kj::mv(*o), kj::mv(*t)};
      }
    }
  }
  return nullptr;
}

void Segment::extendIndexes(SegmentIndexes& indexes) {
  Segment walked(folder_, SegmentSummary::empty(summary_.base));
  walked.summary_.bytes = indexes.offsets.lastPosition();
  if (indexes.times.size() > 0) {
    auto& last = indexes.times.entries().back();
    walked.summary_.maxTimestamp = last.timestamp;
    walked.summary_.maxTimestampOffset = summary_.base + int64_t{last.relativeOffset};
  }
  auto scan = headers(walked.summary_.bytes, summary_.bytes);
  for (;;) {
    KJ_IF_MAYBE(place, scan.next()) {
      walked.note(indexes, place->last, place->maxTimestamp, place->bytes);
    } else {
      break;
    }
  }
}

bool Segment::completeIndexes() {
  auto& indexes = ownIndexes();
  // As they are, before anything is taken away for good reasons.
  if (!endAgrees(indexes)) {
    replaceIndexes();
    return false;
  }
  // A clean close left a time entry behind the last offset entry. With offset entries about to come in between, time
  // entries belong there too: it goes.
  auto offsets = indexes.offsets.entries();
  size_t before = indexes.times.size();
  indexes.times.truncate(offsets.size() == 0 ? 0 : int64_t{offsets.back().relativeOffset} + 1);
  bool kept = indexes.times.size() == before;
  if (!kept) {
    summary_.timeEntries = kj::min(summary_.timeEntries, static_cast<uint32_t>(indexes.times.size()));
    trimIndexFiles_ = true;
  }
  if (!endAgrees(indexes)) {
    replaceIndexes();
    return false;
  }
  extendIndexes(indexes);
  return kept;
}

HeaderScan Segment::headers(uint64_t position, uint64_t end) {
  return HeaderScan(folder_.fileSystem, file().get(), path(kLogSuffix), position, end);
}

bool Segment::agrees(const OffsetIndexEntry* entry) {
  if (entry == nullptr) return true;
  KJ_IF_MAYBE(place, batchAt(file().get(), static_cast<uint64_t>(entry->position), summary_.bytes)) {
    return place->last - summary_.base == entry->relativeOffset;
  }
  return false;
}

bool Segment::agrees(const SegmentIndexes& indexes, const TimeEntry& entry) {
  auto offset = summary_.base + int64_t{entry.relativeOffset};
  auto* from = indexes.offsets.entryFor(entry.relativeOffset);
  if (offset >= summary_.end || !agrees(from)) return false;
  auto scan = headers(from == nullptr ? 0 : static_cast<uint64_t>(from->position), summary_.bytes);
  for (;;) {
    KJ_IF_MAYBE(place, scan.next()) {
      if (place->last >= offset) return place->last == offset && place->maxTimestamp == entry.timestamp;
    } else {
      return false;
    }
  }
}

bool Segment::endAgrees(const SegmentIndexes& indexes) {
  auto offsets = indexes.offsets.entries();
  auto times = indexes.times.entries();
  return (offsets.size() == 0 || agrees(&offsets.back())) && (times.size() == 0 || agrees(indexes, times.back()));
}

void Segment::replaceIndexes() {
  KJ_IF_MAYBE(own, own_) {
    SegmentIndexes anew;
    extendIndexes(anew);
    **own = kj::mv(anew);
    // The files follow when the indexes are saved.
    summary_.offsetEntries = summary_.timeEntries = 0;
    trimIndexFiles_ = true;
    folder_.report(kj::str(folder_.fileSystem.describe(path(kIndexSuffix)),
                           " or its time index is damaged: rebuilt both from ", summary_.bytes, " bytes of batches"));
    return;
  }
  folder_.indexCache.put(id_, kj::atomicRefcounted<SealedIndexes>(rebuildIndexes()));
}

uint64_t Segment::soundPositionFor(int64_t relativeOffset) {
  for (bool again = false;; again = true) {
    kj::Own<const SealedIndexes> hold;
    auto* entry = indexes(hold).offsets.entryFor(relativeOffset);
    if (entry == nullptr) return 0;
    if (again || agrees(entry)) return static_cast<uint64_t>(entry->position);
    replaceIndexes();
  }
}

uint64_t Segment::soundPositionFor(TimestampMs atLeast) {
  for (bool again = false;; again = true) {
    kj::Own<const SealedIndexes> hold;
    auto& found = indexes(hold);
    auto times = found.times.entries();
    // The first batch that late lies behind the last offset entry before the first time entry that late: with every
    // offset entry the largest timestamp up to there is recorded.
    auto* entry = found.times.firstAtLeast(atLeast);
    auto* before = entry == nullptr ? times.end() : entry;
    auto* offsets = entry == nullptr ? (found.offsets.size() == 0 ? nullptr : &found.offsets.entries().back())
                                     : found.offsets.entryFor(int64_t{entry->relativeOffset} - 1);
    bool sound = again || (agrees(offsets) && (entry == nullptr || agrees(found, *entry)) &&
                           (before == times.begin() || agrees(found, *(before - 1))));
    if (sound) return offsets == nullptr ? 0 : static_cast<uint64_t>(offsets->position);
    replaceIndexes();
  }
}

kj::Maybe<BatchPlace> Segment::locate(Offset offset) {
  if (offset >= summary_.end) return nullptr;
  auto scan = headers(soundPositionFor(offset - summary_.base), summary_.bytes);
  for (;;) {
    KJ_IF_MAYBE(place, scan.next()) {
      if (place->last >= offset) return *place;
    } else {
      return nullptr;
    }
  }
}

kj::Maybe<BatchPlace> Segment::locateTime(TimestampMs atLeast, Offset from) {
  // Below is only what has no timestamp, which is never looked for.
  atLeast = kj::max(atLeast, kNoTimestamp + 1);
  if (summary_.bytes == 0 || summary_.maxTimestamp < atLeast || from >= summary_.end) return nullptr;
  auto position = kj::max(soundPositionFor(atLeast), soundPositionFor(from - summary_.base));
  auto scan = headers(position, summary_.bytes);
  for (;;) {
    KJ_IF_MAYBE(place, scan.next()) {
      if (place->last >= from && place->maxTimestamp >= atLeast) return *place;
    } else {
      return nullptr;
    }
  }
}

kj::Maybe<BatchPlace> Segment::locateNewest(Offset from) {
  kj::Maybe<BatchPlace> newest;
  KJ_IF_MAYBE(first, locate(from)) {
    auto scan = headers(first->position, summary_.bytes);
    for (;;) {
      KJ_IF_MAYBE(place, scan.next()) {
        KJ_IF_MAYBE(n, newest) {
          if (place->maxTimestamp <= n->maxTimestamp) continue;
        }
        newest = *place;
      } else {
        break;
      }
    }
  }
  return newest;
}

void Segment::truncate(const BatchPlace& place) {
  auto& indexes = ownIndexes();
  SegmentSummary cut = SegmentSummary::empty(summary_.base);
  for (bool again = false;; again = true) {
    indexes.offsets.truncate(place.base - summary_.base);
    indexes.times.truncate(place.base - summary_.base);
    if (again || endAgrees(indexes)) break;
    replaceIndexes();
  }
  cut.offsetEntries = kj::min(summary_.offsetEntries, static_cast<uint32_t>(indexes.offsets.size()));
  cut.timeEntries = kj::min(summary_.timeEntries, static_cast<uint32_t>(indexes.times.size()));
  if (place.position > 0) {
    cut.firstTimestamp = summary_.firstTimestamp;
    cut.bytes = place.position;
    cut.end = place.base;
    bool first = true;
    auto consider = [&](TimestampMs timestamp, Offset last) {
      if (first || timestamp > cut.maxTimestamp) {
        cut.maxTimestamp = timestamp;
        cut.maxTimestampOffset = last;
        first = false;
      }
    };
    if (indexes.times.size() > 0) {
      auto& entry = indexes.times.entries().back();
      consider(entry.timestamp, summary_.base + int64_t{entry.relativeOffset});
    }
    uint64_t from = indexes.times.size() > 0 ? indexes.offsets.lastPosition() : 0;
    auto scan = headers(from, place.position);
    for (;;) {
      KJ_IF_MAYBE(kept, scan.next()) {
        consider(kept->maxTimestamp, kept->last);
      } else {
        break;
      }
    }
  }
  summary_ = cut;
  trimIndexFiles_ = true;
}

void Segment::cutFiles() {
  file().get().truncate(summary_.bytes);
  saveIndexes();
}

void Segment::remove() {
  file_ = nullptr;
  for (auto suffix : {kLogSuffix, kIndexSuffix, kTimeIndexSuffix})
    folder_.fileSystem.removeFile(path(suffix));
}

}  // namespace cambium
