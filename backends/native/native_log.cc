#include "backends/native/native_log.h"

#include <algorithm>

#include <kj/debug.h>

#include "backends/native/native_sync_job.h"

namespace cambium {

namespace {
// A sync writes the state file once this much became durable since the last time: what a recovery scans at most, about.
constexpr uint64_t kStateIntervalBytes = uint64_t{16} << 20;
}  // namespace

NativeLog::NativeLog(LogHost& host, kj::Own<LogFolder> folder, LogId id, Offset start,
                     kj::Vector<kj::Own<Segment>> segments, ClosedLog closed)
    : host_(host),
      folder_(kj::mv(folder)),
      id_(kj::mv(id)),
      stateFile_(kj::atomicRefcounted<LogStateFile>(folder_->fileSystem, folder_->path, id_.name)),
      start_(start),
      segments_(kj::mv(segments)),
      durable_(closed.durable),
      dirtyFrom_(closed.dirtyFrom),
      dirtyFiles_(kj::mv(closed.dirtyFiles)),
      dirtyFolder_(closed.dirtyFolder),
      newFolder_(closed.newFolder) {
  measure();
}

NativeLog::~NativeLog() noexcept(false) {
  rewrites_.giveUp();
  host_.addBytes(-static_cast<int64_t>(sizeBytes_));
  host_.released(id_.name, describeClosed());
}

// ---------------------------------------------------------------------------------------------------------------------
// Failures.

void NativeLog::requireUsable() const {
  KJ_IF_MAYBE(reason, broken_) {
    kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                          kj::str("log ", id_.name, " is broken until it is opened again: ", *reason)));
  }
}

void NativeLog::breakWith(kj::StringPtr reason) {
  if (broken_ == nullptr) broken_ = kj::str(reason);
}

// What is not durable is lost. Remembered over a restart as far as the device still allows it: the system's cache may
// go on showing what it could not write.
void NativeLog::syncFailed(kj::StringPtr reason) {
  breakWith(reason);
  lost_ = true;
  kj::runCatchingExceptions([&] {
    auto state = describe(durable_);
    state.lost = true;
    putState(state);
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Appending.

Offset NativeLog::append(ByteView batches) {
  requireUsable();
  kj::Vector<BatchView> views(8);
  Offset next = end();
  BatchIterator iterator(batches);
  while (auto* batch = iterator.next()) {
    KJ_REQUIRE(batch->baseOffset() == next, "a batch does not continue its log", id_.name, next, batch->baseOffset());
    KJ_REQUIRE(batch->lastOffsetDelta() >= 0, "a batch ends before it begins", id_.name, next,
               batch->lastOffsetDelta());
    next = batch->nextOffset();
    views.add(*batch);
  }
  KJ_REQUIRE(iterator.rest().size() == 0, "not a whole batch", id_.name, next, iterator.rest().size());
  KJ_REQUIRE(views.size() > 0, "nothing to append", id_.name);

  return guarded([&] {
    host_.beforeChange();
    markOpening();
    auto mark = active().mark();
    size_t count = segments_.size();
    Offset firstWritten = active().base();
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { appendRuns(batches, views); })) {
      undoAppend(count, mark);
      kj::throwFatalException(kj::mv(*exception));
    }
    changed_ = true;
    noteDirty(firstWritten);
    dirtyBytes_ += batches.size();
    sizeBytes_ += batches.size();
    host_.addBytes(static_cast<int64_t>(batches.size()));
    if (segments_.size() > count) sealRolled(count - 1);
    return end();
  });
}

// One write for all batches that go into the same segment.
void NativeLog::appendRuns(ByteView batches, kj::ArrayPtr<const BatchView> views) {
  size_t first = 0;
  const kj::byte* runBegin = batches.begin();
  const kj::byte* runEnd = runBegin;
  auto flush = [&](size_t end) {
    if (end > first) active().append(kj::arrayPtr(runBegin, runEnd), views.slice(first, end));
    first = end;
    runBegin = runEnd;
  };
  uint64_t segmentBytes = kj::min(folder_->options.segmentBytes.value(), uint64_t{INT32_MAX});
  for (size_t i = 0; i < views.size(); ++i) {
    auto& batch = views[i];
    uint64_t pending = static_cast<uint64_t>(runEnd - runBegin);
    // The segment has not seen what is pending: unless it is clear that none of its rules can ask for a roll, that goes
    // first.
    bool simple = pending > 0 && active().summary().bytes + pending + batch.size() <= segmentBytes &&
                  active().staysRoomyFor(i - first + 1, batch);
    if (!simple) {
      flush(i);
      if (active().mustRollBefore(batch)) segments_.add(Segment::create(*folder_, batch.baseOffset()));
    }
    runEnd += batch.size();
  }
  flush(views.size());
}

void NativeLog::undoAppend(size_t segments, const Segment::Mark& mark) {
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                while (segments_.size() > segments) {
                  segments_.back()->remove();
                  segments_.removeLast();
                }
                active().rollBack(mark);
              })) {
    // What lies at the end of the file now is unknown.
    breakWith(exception->getDescription());
  }
}

void NativeLog::sealRolled(size_t from) {
  dirtyFolder_ = true;
  rolledSinceState_ = true;
  for (size_t i = from; i + 1 < segments_.size(); ++i) {
    auto& segment = *segments_[i];
    try {
      segment.finishTimeIndex();
      segment.seal();
      dirtyFiles_.add(segment.path(kIndexSuffix));
      dirtyFiles_.add(segment.path(kTimeIndexSuffix));
    } catch (const kj::Exception& exception) {
      // The batches are written. Its indexes stay in memory; the next sync or roll tries again.
      if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
    }
  }
  measure();
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading.

struct NativeLog::ReadBuffer {
  kj::Array<kj::byte> bytes;
  size_t used = 0;
  Offset from;
  Offset upTo;
  Offset next;  // where the next batch must begin; kNoOffset before the first
  bool done = false;
};

size_t NativeLog::segmentOf(Offset offset) const {
  auto after = std::upper_bound(segments_.begin(), segments_.end(), offset,
                                [](Offset o, const kj::Own<Segment>& segment) { return o < segment->base(); });
  KJ_ASSERT(after != segments_.begin(), offset);
  return static_cast<size_t>(after - segments_.begin()) - 1;
}

uint64_t NativeLog::positionOf(Segment& segment, Offset from) {
  if (from == segment.base()) return 0;
  for (auto& cursor : cursors_) {
    if (cursor.offset == from && cursor.segment == segment.base()) return cursor.position;
  }
  return KJ_ASSERT_NONNULL(segment.locate(from)).position;
}

kj::Array<const kj::byte> NativeLog::read(Offset from, Offset upTo, Bytes bytesMax) {
  requireUsable();
  KJ_REQUIRE(start_ <= from && from <= upTo && upTo <= end(), "read outside of the log", id_.name, start_, from, upTo,
             end());
  if (from == upTo) return nullptr;
  return guarded([&]() -> kj::Array<const kj::byte> {
    size_t index = segmentOf(from);
    uint64_t position = positionOf(*segments_[index], from);
    uint64_t left = segments_[index]->summary().bytes - position;
    for (size_t i = index + 1; i < segments_.size() && left < bytesMax.value(); ++i)
      left += segments_[i]->summary().bytes;
    auto capacity = kj::max(kj::min(bytesMax.value(), left), uint64_t{batch_layout::kHeaderBytes});
    ReadBuffer buffer{kj::heapArray<kj::byte>(capacity), 0, from, upTo, kNoOffset, false};
    fill(buffer, index, position);
    if (buffer.used == 0 && !buffer.done) {
      throwDamaged(folder_->fileSystem, segments_[index]->path(kLogSuffix), position, from,
                   "the batches end before the log does");
    }
    if (buffer.used == buffer.bytes.size()) return kj::mv(buffer.bytes);
    ByteView result = buffer.bytes.slice(0, buffer.used);
    // A buffer much larger than its contents is not worth keeping alive.
    if (buffer.used < buffer.bytes.size() / 4) return kj::heapArray<kj::byte>(result);
    return result.attach(kj::mv(buffer.bytes));
  });
}

// Fills the buffer with whole batches from `position` of a segment on, and from the segments after it.
void NativeLog::fill(ReadBuffer& buffer, size_t index, uint64_t position) {
  while (!buffer.done && index < segments_.size()) {
    auto& segment = *segments_[index];
    uint64_t room = buffer.bytes.size() - buffer.used;
    uint64_t wanted = kj::min(room, segment.summary().bytes - position);
    if (wanted < batch_layout::kHeaderBytes) break;
    auto target = buffer.bytes.slice(buffer.used, buffer.used + wanted);
    size_t got = segment.file().get().read(position, target);
    if (got < wanted) {
      throwDamaged(folder_->fileSystem, segment.path(kLogSuffix), position + got, buffer.from,
                   "the file ends too early");
    }
    bool more = takeBatches(buffer, segment, position, wanted);
    if (buffer.next != kNoOffset) {
      cursors_[nextCursor_] = {buffer.next, segment.base(), position};
    }
    if (!more || position < segment.summary().bytes) break;
    ++index;
    position = 0;
  }
  if (buffer.next != kNoOffset) nextCursor_ = (nextCursor_ + 1) % kCursors;
}

// Takes the whole batches among the `available` bytes that were read behind buffer.used; moves `position` behind them.
// False when the answer is complete.
bool NativeLog::takeBatches(ReadBuffer& buffer, Segment& segment, uint64_t& position, size_t available) {
  size_t limit = buffer.used + available;
  while (limit - buffer.used >= batch_layout::kHeaderBytes) {
    ByteView rest = buffer.bytes.slice(buffer.used, limit);
    int64_t size = BatchView::claimedSize(rest);
    auto damaged = [&](kj::StringPtr what) {
      throwDamaged(folder_->fileSystem, segment.path(kLogSuffix), position,
                   buffer.next == kNoOffset ? buffer.from : buffer.next, what);
    };
    if (size < static_cast<int64_t>(batch_layout::kHeaderBytes) ||
        static_cast<uint64_t>(size) > segment.summary().bytes - position) {
      damaged("not a batch header");
    }
    if (static_cast<uint64_t>(size) > rest.size()) {
      if (buffer.used > 0) return false;
      growForFirst(buffer, segment, position);
      limit = buffer.bytes.size();
      continue;
    }
    auto first = BatchView::first(rest);
    if (first == nullptr) damaged("not a batch header");
    BatchView batch = KJ_ASSERT_NONNULL(first);
    bool fits = buffer.next == kNoOffset ? batch.baseOffset() <= buffer.from && buffer.from <= batch.lastOffset()
                                         : batch.baseOffset() == buffer.next;
    fits = fits && batch.lastOffset() >= batch.baseOffset() && batch.nextOffset() <= segment.summary().end;
    if (!fits) damaged("a batch of another offset");
    if (!batch.crcMatches()) damaged("the checksum does not match");
    if (batch.lastOffset() >= buffer.upTo) {
      buffer.done = true;
      return false;
    }
    buffer.used += batch.size();
    position += batch.size();
    buffer.next = batch.nextOffset();
  }
  return true;
}

// The first batch is larger than was asked for: it is answered all the same.
void NativeLog::growForFirst(ReadBuffer& buffer, Segment& segment, uint64_t position) {
  auto size = static_cast<size_t>(BatchView::claimedSize(buffer.bytes));
  buffer.bytes = kj::heapArray<kj::byte>(size);
  size_t got = segment.file().get().read(position, buffer.bytes);
  if (got < size) {
    throwDamaged(folder_->fileSystem, segment.path(kLogSuffix), position + got, buffer.from, "the file ends too early");
  }
}

void NativeLog::forgetCursors() {
  for (auto& cursor : cursors_)
    cursor = Cursor();
}

kj::Maybe<TimeHit> NativeLog::seekTime(TimestampMs atLeast) {
  return guarded([&]() -> kj::Maybe<TimeHit> {
    for (auto& segment : segments_) {
      KJ_IF_MAYBE(place, segment->locateTime(atLeast, start_)) {
        return TimeHit{place->base, place->maxTimestamp};
      }
    }
    return nullptr;
  });
}

kj::Maybe<TimeHit> NativeLog::maxTimestamp() {
  return guarded([&]() -> kj::Maybe<TimeHit> {
    kj::Maybe<TimeHit> best;
    auto isBetter = [&](TimestampMs timestamp) {
      KJ_IF_MAYBE(b, best) {
        return timestamp > b->maxTimestamp;
      }
      return timestamp != kNoTimestamp;
    };
    for (auto& segment : segments_) {
      auto& summary = segment->summary();
      if (summary.bytes == 0 || summary.end <= start_ || !isBetter(summary.maxTimestamp)) continue;
      // The batch with the largest timestamp may lie below the start: then that of what is left decides.
      bool whole = summary.maxTimestampOffset >= start_;
      auto place = whole ? segment->locate(summary.maxTimestampOffset) : segment->locateNewest(start_);
      KJ_IF_MAYBE(p, place) {
        if (isBetter(p->maxTimestamp)) best = TimeHit{p->base, p->maxTimestamp};
      }
    }
    return best;
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Durability.

void NativeLog::noteDirty(Offset segment) {
  KJ_IF_MAYBE(from, dirtyFrom_) {
    if (*from <= segment) return;
  }
  dirtyFrom_ = segment;
}

// From now on a process that dies leaves all that it has written: the mark says in which run of the machine that was.
void NativeLog::markOpening() {
  if (marked_) return;
  marked_ = true;
  stateFile_->mark(stateFile_->ticket(), durable_, false);
}

// What is known with the given last segment, whose summary may be older than the segment itself.
LogState NativeLog::describe(const SegmentSummary& last) const {
  LogState state;
  state.session = host_.session();
  state.incarnation = id_.incarnation;
  state.start = start_;
  state.resetting = resetting_;
  if (resetting_) return state;
  for (auto& segment : segments_) {
    if (segment->base() < last.base) state.segments.add(segment->summary());
  }
  state.segments.add(last);
  return state;
}

void NativeLog::putState(const LogState& state) {
  auto ticket = stateFile_->ticket();
  stateFile_->write(ticket, encodeLogState(state));
  // So that the mark goes with the state.
  if (state.segments.size() > 0 && !state.lost) stateFile_->mark(ticket, state.segments.back(), false);
  bytesSinceState_ = 0;
  rolledSinceState_ = false;
}

void NativeLog::writeState() {
  settleFolder();
  putState(describe(durable_));
}

kj::Own<NativeLog::Job> NativeLog::makeJob() {
  auto job = kj::heap<Job>(folder_->fileSystem, end(), Bytes(dirtyBytes_));
  KJ_IF_MAYBE(from, dirtyFrom_) {
    for (auto& segment : segments_) {
      if (segment->base() < *from) continue;
      job->addFile(kj::atomicAddRef(segment->file()), segment->path(kLogSuffix));
      if (segment.get() != &active()) segment->closeFile();
    }
  }
  bytesSinceState_ += dirtyBytes_;
  inFlight_ = active().summary();
  if (rolledSinceState_ || bytesSinceState_ > kStateIntervalBytes) {
    addStateTo(*job);
  } else {
    // The index files are not synced this time: a state must not count on more entries than before.
    bool same = durable_.base == active().base();
    auto& reached = KJ_ASSERT_NONNULL(inFlight_);
    reached.offsetEntries = same ? durable_.offsetEntries : 0;
    reached.timeEntries = same ? durable_.timeEntries : 0;
  }
  job->addMark(kj::atomicAddRef(*stateFile_), KJ_ASSERT_NONNULL(inFlight_), newFolder_);
  if (!registered_) job->addRegistration(host_, id_.clone());
  if (newFolder_) dirtyFiles_.add(kj::str(folder_->path, "/", kMetadataName));
  for (auto& path : dirtyFiles_)
    job->addPath(kj::str(path));
  if (dirtyFolder_ || newFolder_) job->addFolder(kj::str(folder_->path));
  if (newFolder_) job->addFolder(kj::str(host_.path()));
  given_ = Given{dirtyFrom_, kj::mv(dirtyFiles_), dirtyFolder_, newFolder_};
  dirtyFiles_.clear();
  dirtyFrom_ = nullptr;
  dirtyBytes_ = 0;
  dirtyFolder_ = newFolder_ = false;
  return job;
}

// What the job that is out was given is to be synced, whatever becomes of the job.
void NativeLog::takeBack() {
  KJ_IF_MAYBE(from, given_.dirtyFrom) noteDirty(*from);
  for (auto& path : given_.files)
    dirtyFiles_.add(kj::mv(path));
  dirtyFolder_ = dirtyFolder_ || given_.dirtyFolder;
  newFolder_ = newFolder_ || given_.newFolder;
  given_ = Given();
}

// Makes the job write the state that its syncs bring about, and sync the indexes that this state counts on.
void NativeLog::addStateTo(Job& job) {
  try {
    for (auto& segment : segments_) {
      bool isActive = segment.get() == &active();
      if (!isActive && !segment->hasUnsavedIndexes()) continue;
      segment->saveIndexes();
      dirtyFiles_.add(segment->path(kIndexSuffix));
      dirtyFiles_.add(segment->path(kTimeIndexSuffix));
    }
    inFlight_ = active().summary();
    job.addState(encodeLogState(describe(active().summary())));
    bytesSinceState_ = 0;
    rolledSinceState_ = false;
  } catch (const kj::Exception& exception) {
    // A full device: the state can wait, its purpose is a quick recovery.
    if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
  }
}

kj::Maybe<kj::Own<SyncJob>> NativeLog::startSync() {
  requireUsable();
  if (dirtyFrom_ == nullptr) return nullptr;
  return guarded([&]() -> kj::Maybe<kj::Own<SyncJob>> { return kj::Own<SyncJob>(makeJob()); });
}

void NativeLog::finishSync(kj::Own<SyncJob> job) {
  requireUsable();
  registered_ = registered_ || static_cast<Job&>(*job).registered();
  KJ_IF_MAYBE(reached, inFlight_) {
    if (reached->end > durable_.end) durable_ = *reached;
  }
  inFlight_ = nullptr;
  given_ = Given();
}

void NativeLog::breakLog(kj::Own<SyncJob> job, kj::StringPtr reason) {
  // Also of a log that something else has broken meanwhile.
  syncFailed(reason);
}

// Everything that was appended is durable on return, also what a job that is out has not synced yet.
void NativeLog::syncAll() {
  takeBack();
  if (dirtyFrom_ == nullptr && !dirtyFolder_ && !newFolder_) return;
  auto outer = kj::mv(inFlight_);
  auto job = makeJob();
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { job->run(); })) {
    syncFailed(exception->getDescription());
    kj::throwFatalException(kj::mv(*exception));
  }
  registered_ = registered_ || job->registered();
  durable_ = KJ_ASSERT_NONNULL(inFlight_);
  inFlight_ = kj::mv(outer);
  given_ = Given();
}

// The folder, its metadata and the names of its segments are durable on return.
void NativeLog::settleFolder() {
  takeBack();
  if (newFolder_) syncIfThere(folder_->fileSystem, kj::str(folder_->path, "/", kMetadataName));
  if (newFolder_ || dirtyFolder_) folder_->fileSystem.syncDirectory(folder_->path);
  if (newFolder_) folder_->fileSystem.syncDirectory(host_.path());
  newFolder_ = dirtyFolder_ = false;
}

// ---------------------------------------------------------------------------------------------------------------------
// Cutting.

void NativeLog::dropBefore(Offset start) {
  requireUsable();
  KJ_REQUIRE(start_ <= start && start <= end(), "the start must lie between the old one and the end", id_.name, start_,
             start, end());
  if (start == start_ && start != end()) return;
  guarded([&] {
    host_.beforeChange();
    changed_ = true;
    if (start == end()) {
      goOnEmpty(start);
      return;
    }
    if (start > durable_.end) syncAll();
    removeBelow(start);
  });
}

// Nothing above `start`, which is the end, is left: the log goes on in a new, empty segment there.
void NativeLog::goOnEmpty(Offset start) {
  bool grows = active().summary().bytes > 0;
  auto mark = active().mark();
  size_t count = segments_.size();
  if (grows) {
    segments_.add(Segment::create(*folder_, start));
    dirtyFolder_ = true;
  }
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { removeBelow(start); })) {
    // Refused by a full device before anything was given up.
    if (grows && broken_ == nullptr) undoAppend(count, mark);
    kj::throwFatalException(kj::mv(*exception));
  }
  inFlight_ = nullptr;
  dirtyFrom_ = nullptr;
  dirtyBytes_ = 0;
  dirtyFiles_.clear();
}

// Moves the start and gives up the segments that end at or below it, the active one never. A full device leaves the log
// as it was.
void NativeLog::removeBelow(Offset start) {
  settleFolder();
  size_t removed = 0;
  while (removed + 1 < segments_.size() && segments_[removed + 1]->base() <= start)
    ++removed;
  Offset first = segments_[removed]->base();
  auto durable = durable_.base < first ? SegmentSummary::empty(first) : durable_;
  LogState state;
  state.session = host_.session();
  state.incarnation = id_.incarnation;
  state.start = start;
  for (size_t i = removed; i < segments_.size() && segments_[i]->base() < durable.base; ++i)
    state.segments.add(segments_[i]->summary());
  state.segments.add(durable);
  // The new start is durable before anything below it goes.
  putState(state);
  committed([&] {
    rewrites_.dropBefore(start);
    start_ = start;
    durable_ = durable;
    kj::Vector<kj::Own<Segment>> dropped;
    kj::Vector<kj::Own<Segment>> kept;
    for (size_t i = 0; i < segments_.size(); ++i)
      (i < removed ? dropped : kept).add(kj::mv(segments_[i]));
    segments_ = kj::mv(kept);
    KJ_IF_MAYBE(from, dirtyFrom_) {
      if (*from < first) dirtyFrom_ = first;
    }
    forgetCursors();
    for (auto& segment : dropped)
      segment->remove();
    measure();
  });
}

void NativeLog::truncateFrom(Offset end) {
  requireUsable();
  KJ_REQUIRE(start_ <= end && end <= this->end(), "cut outside of the log", id_.name, start_, end, this->end());
  if (end == this->end()) return;
  size_t index = segmentOf(end);
  auto place = guarded([&] { return KJ_ASSERT_NONNULL(segments_[index]->locate(end)); });
  KJ_REQUIRE(place.base == end, "a log can only be cut between batches; this is inside of one", id_.name, end,
             place.base, place.last);
  guarded([&] {
    host_.beforeChange();
    changed_ = true;
    settleFolder();
    committed([&] { cutAt(index, place); });
  });
}

// Gives up everything from the batch at `place`, of that segment, on.
void NativeLog::cutAt(size_t index, const BatchPlace& place) {
  Offset end = place.base;
  rewrites_.truncateFrom(end);
  bool overtakesJob = false;
  KJ_IF_MAYBE(job, inFlight_) {
    overtakesJob = job->end > end;
  }
  if (overtakesJob) inFlight_ = nullptr;
  auto& segment = *segments_[index];
  segment.truncate(place);
  kj::Vector<kj::Own<Segment>> dropped;
  for (size_t i = index + 1; i < segments_.size(); ++i)
    dropped.add(kj::mv(segments_[i]));
  segments_.truncate(index + 1);
  forgetCursors();
  bool cutsDurable = durable_.end > end || durable_.base > segment.base();
  if (cutsDurable) {
    bool same = durable_.base == segment.base();
    uint32_t offsetEntries = same ? kj::min(durable_.offsetEntries, segment.summary().offsetEntries) : 0;
    uint32_t timeEntries = same ? kj::min(durable_.timeEntries, segment.summary().timeEntries) : 0;
    durable_ = segment.summary();
    durable_.offsetEntries = offsetEntries;
    durable_.timeEntries = timeEntries;
  }
  // From now on recovery does not expect what is about to go; nor does a state count that the job was going to write.
  if (cutsDurable || overtakesJob) putState(describe(durable_));
  for (size_t i = dropped.size(); i-- > 0;)
    dropped[i]->remove();
  segment.cutFiles();
  dirtyFiles_.add(segment.path(kIndexSuffix));
  dirtyFiles_.add(segment.path(kTimeIndexSuffix));
  noteDirty(segment.base());
  dirtyFolder_ = true;
  dirtyBytes_ = 0;
  syncAll();
  durable_ = segment.summary();
  measure();
}

void NativeLog::resetTo(Offset start) {
  requireUsable();
  KJ_REQUIRE(start >= Offset(0), "offsets are not negative", id_.name, start);
  guarded([&] {
    host_.beforeChange();
    changed_ = true;
    settleFolder();
    LogState intent;
    intent.session = host_.session();
    intent.incarnation = id_.incarnation;
    intent.start = start;
    intent.resetting = true;
    // A full device may refuse this: then nothing has changed.
    putState(intent);
    committed([&] { finishReset(start); });
  });
}

// The state says that the log is being reset to `start`.
void NativeLog::finishReset(Offset start) {
  rewrites_.giveUp();
  resetting_ = true;
  start_ = start;
  durable_ = SegmentSummary::empty(start);
  for (size_t i = segments_.size(); i-- > 0;)
    segments_[i]->remove();
  kj::Vector<kj::Own<Segment>> fresh;
  fresh.add(Segment::create(*folder_, start));
  segments_ = kj::mv(fresh);
  folder_->fileSystem.syncDirectory(folder_->path);
  inFlight_ = nullptr;
  dirtyFrom_ = nullptr;
  dirtyFiles_.clear();
  dirtyBytes_ = 0;
  forgetCursors();
  resetting_ = false;
  durable_ = active().summary();
  KJ_ON_SCOPE_FAILURE(resetting_ = true);
  putState(describe(durable_));
  measure();
}

// ---------------------------------------------------------------------------------------------------------------------
// Describing.

Bounds NativeLog::bounds() const {
  requireUsable();
  return {start_, durableEnd(), end()};
}

kj::Vector<Extent> NativeLog::extents() {
  requireUsable();
  kj::Vector<Extent> extents;
  for (auto& segment : segments_) {
    auto& summary = segment->summary();
    if (summary.bytes == 0 || summary.end <= start_) continue;
    extents.add(Extent{summary.base, summary.end, Bytes(summary.bytes), summary.maxTimestamp});
  }
  return extents;
}

Bytes NativeLog::sizeBytes() const {
  requireUsable();
  return Bytes(sizeBytes_);
}

void NativeLog::configure(LogOptions options) {
  requireUsable();
  folder_->options = options;
}

void NativeLog::measure() {
  uint64_t bytes = 0;
  for (auto& segment : segments_)
    bytes += segment->fileBytes();
  host_.addBytes(static_cast<int64_t>(bytes - sizeBytes_));
  sizeBytes_ = bytes;
}

// What to know for opening the log again. Never throws: a log that cannot save its indexes is recovered then.
ClosedLog NativeLog::describeClosed() {
  // What a job that was given up, or failed, has reached is unknown.
  takeBack();
  ClosedLog closed;
  closed.newFolder = newFolder_;
  closed.dirtyFolder = dirtyFolder_;
  closed.durable = durable_;
  closed.state = describe(durable_);
  closed.state.lost = lost_;
  if (broken_ != nullptr || inFlight_ != nullptr) closed.newFolder = closed.dirtyFolder = true;
  if (broken_ != nullptr) return closed;
  kj::runCatchingExceptions([&] {
    if (changed_) {
      for (auto& segment : segments_) {
        if (segment.get() == &active()) segment->finishTimeIndex();
        if (segment.get() == &active() || segment->hasUnsavedIndexes()) segment->saveIndexes();
      }
      dirtyFiles_.add(active().path(kIndexSuffix));
      dirtyFiles_.add(active().path(kTimeIndexSuffix));
    }
    closed.state = describe(active().summary());
    closed.state.clean = true;
    closed.dirtyFrom = dirtyFrom_;
    KJ_IF_MAYBE(job, inFlight_) {
      if (durable_.end < job->end) closed.dirtyFrom = durable_.base;
    }
    closed.dirtyFiles = kj::mv(dirtyFiles_);
  });
  return closed;
}

}  // namespace cambium
