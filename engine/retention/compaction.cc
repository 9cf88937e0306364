#include "engine/retention/compaction.h"

#include <kj/debug.h>

#include "engine/record/record_reader.h"

namespace cambium {

namespace {

// Read at a time: a millisecond of work or so. With few cores, whoever syncs meanwhile waits for so much.
constexpr Bytes kStepBytes = kibibytes(256);

bool hasKeys(const BatchView& batch) {
  return !batch.isControl() && !batch.isTransactional() && batch.recordCount() > 0;
}

// Whether the log still holds extents with exactly these borders.
bool isThere(PartitionLog& log, Offset first, Offset end) {
  bool begins = false, ends = false;
  for (auto& extent : log.extents()) {
    begins |= extent.first == first;
    ends |= extent.end == end;
  }
  return begins && ends;
}

}  // namespace

Compaction::Compaction(CompactionPlan plan, CompactionSettings settings)
    : plan_(kj::mv(plan)),
      hasher_(settings.seed),
      producers_(kj::mv(settings.producers)),
      rules_{.logStart = plan_.logStart,
             .mapEnd = plan_.end,
             .keepOffset = plan_.logEnd - 1,
             .now = settings.now,
             .deleteRetentionMs = settings.deleteRetentionMs,
             .codec = settings.codec,
             .compressionLevel = settings.compressionLevel},
      segmentBytes_(settings.segmentBytes),
      keysMax_(settings.keysMax),
      state_(State::kOpenMap) {
  KJ_REQUIRE(!plan_.extents.empty(), "nothing to compact");
}

Compaction::Step Compaction::next() const {
  switch (state_) {
    case State::kOpenMap:
    case State::kOpenPiece:
    case State::kPlace:
      return Step::kLog;
    case State::kFillMap:
    case State::kScan:
    case State::kWrite:
    case State::kFinish:
      return Step::kWork;
    case State::kDone:
      return Step::kDone;
  }
  KJ_UNREACHABLE;
}

void Compaction::onLog(PartitionLog& log) {
  KJ_REQUIRE(next() == Step::kLog);
  if (state_ == State::kOpenMap) return openMap(log);
  if (state_ == State::kOpenPiece) return openPiece(log);
  place(log);
}

void Compaction::work() {
  KJ_REQUIRE(next() == Step::kWork);
  moved_ = Bytes(0);
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([this] { workOnce(); })) {
    // The log was cut meanwhile: what was cut out of it cannot come into place any more.
    if (exception->getType() == kj::Exception::Type::DISCONNECTED) return abort();
    kj::throwFatalException(kj::mv(*exception));
  }
}

void Compaction::workOnce() {
  if (state_ == State::kFillMap) return fillMap();
  if (state_ == State::kScan) return scan();
  if (state_ == State::kWrite) return write();
  rewrite_->finish();
  state_ = State::kPlace;
}

void Compaction::giveUp() {
  rewrite_ = nullptr;
  state_ = State::kDone;
}

void Compaction::abort() {
  giveUp();
  outcome_.complete = false;
}

// --- The map
// --------------------------------------------------------------------------------------------------------------

void Compaction::openMap(PartitionLog& log) {
  rewrite_ = nullptr;
  while (mapExtent_ < plan_.extents.size() && plan_.extents[mapExtent_].end <= plan_.firstDirty)
    ++mapExtent_;
  if (mapExtent_ == plan_.extents.size()) {
    if (map_ == nullptr) map_.emplace(1);
    state_ = State::kOpenPiece;
    return;
  }
  auto until = pieceEnd(mapExtent_, Bytes(UINT64_MAX));
  auto first = plan_.extents[mapExtent_].first;
  auto end = plan_.extents[until - 1].end;
  if (!isThere(log, first, end)) return abort();
  rewrite_ = log.startRewrite(first, end);
  mapExtent_ = until;
  state_ = State::kFillMap;
}

void Compaction::fillMap() {
  if (map_ == nullptr) {
    // Here and not on the loop, because it may be much memory; no more than there are records.
    auto dirty = static_cast<size_t>(plan_.end - plan_.firstDirty);
    map_.emplace(kj::max(size_t{1}, kj::min(keysMax_, dirty)));
  }
  auto batches = rewrite_->read(kStepBytes);
  bool full = false;
  BatchIterator each(batches);
  while (auto* batch = full ? nullptr : each.next())
    full = batch->nextOffset() > plan_.firstDirty && hasKeys(*batch) && !noteKeys(*batch);
  if (full) mapExtent_ = plan_.extents.size();
  if (full || batches.size() == 0) state_ = State::kOpenMap;
  outcome_.mapped = KJ_ASSERT_NONNULL(map_).size();
  moved_ = Bytes(batches.size());
}

// False when the map is full: the records from there on are left to the next pass.
bool Compaction::noteKeys(const BatchView& batch) {
  auto& map = KJ_ASSERT_NONNULL(map_);
  RecordReader records(batch);
  while (auto* record = records.next()) {
    if (record->offset < plan_.firstDirty) continue;
    KJ_IF_MAYBE(key, record->key) {
      if (map.put(hasher_(*key), record->offset)) continue;
      rules_.mapEnd = record->offset;
      return false;
    }
  }
  KJ_IF_MAYBE(error, records.error()) {
    KJ_FAIL_REQUIRE("a batch cannot be compacted", batch.baseOffset(), batch.nextOffset(), *error);
  }
  return true;
}

// --- The pieces
// --------------------------------------------------------------------------------------------------------------

size_t Compaction::pieceEnd(size_t from, Bytes bytesMax) const {
  auto& extents = plan_.extents;
  uint64_t bytes = 0;
  size_t end = from;
  for (; end < extents.size() && extents[end].first < rules_.mapEnd; ++end) {
    auto more = extents[end].bytes.value();
    bool fits = more <= bytesMax.value() - kj::min(bytes, bytesMax.value()) &&
                extents[end].end - extents[from].first <= INT32_MAX;
    if (end > from && !fits) break;
    bytes += more;
  }
  return end;
}

void Compaction::openPiece(PartitionLog& log) {
  rewrite_ = nullptr;
  filter_ = nullptr;
  firstExtent_ = nextExtent_;
  auto start = log.bounds().start;
  // Deleted meanwhile.
  while (firstExtent_ < plan_.extents.size() && plan_.extents[firstExtent_].end <= start)
    ++firstExtent_;
  nextExtent_ = pieceEnd(firstExtent_, segmentBytes_);
  if (nextExtent_ == firstExtent_) return finishPass();
  auto first = plan_.extents[firstExtent_].first;
  auto end = plan_.extents[nextExtent_ - 1].end;
  if (!isThere(log, first, end)) return abort();
  rewrite_ = log.startRewrite(first, end);
  pieceBytesBefore_ = 0;
  for (size_t i = firstExtent_; i < nextExtent_; ++i)
    pieceBytesBefore_ += plan_.extents[i].bytes.value();
  beginFilter();
  // Several become one in any case.
  state_ = nextExtent_ - firstExtent_ > 1 ? State::kWrite : State::kScan;
}

void Compaction::beginFilter() {
  rules_.keepTombstones = outcome_.counts.transactional > 0;
  filter_.emplace(rules_, hasher_, KJ_ASSERT_NONNULL(map_), producers_);
}

void Compaction::scan() {
  auto& filter = KJ_ASSERT_NONNULL(filter_);
  auto batches = rewrite_->read(kStepBytes);
  out_.clear();
  if (batches.size() > 0) {
    filter.filter(batches, out_);
  } else {
    filter.finish(out_);
  }
  if (filter.changed()) {
    rewrite_->rewind();
    beginFilter();
    state_ = State::kWrite;
  } else if (batches.size() == 0) {
    endPiece();
    state_ = State::kOpenPiece;
  }
  moved_ = Bytes(batches.size());
}

void Compaction::write() {
  auto& filter = KJ_ASSERT_NONNULL(filter_);
  auto batches = rewrite_->read(kStepBytes);
  out_.clear();
  if (batches.size() > 0) {
    filter.filter(batches, out_);
  } else {
    filter.finish(out_);
    state_ = State::kFinish;
  }
  auto written = out_.size();
  if (written > 0) rewrite_->write(out_.written());
  moved_ = Bytes(batches.size() + written);
}

void Compaction::endPiece() {
  outcome_.counts.add(KJ_ASSERT_NONNULL(filter_).counts());
}

void Compaction::place(PartitionLog& log) {
  if (!log.finishRewrite(kj::mv(rewrite_))) return abort();
  endPiece();
  ++outcome_.replaced;
  outcome_.bytesBefore += pieceBytesBefore_;
  outcome_.bytesAfter += KJ_ASSERT_NONNULL(filter_).counts().bytesOut;
  state_ = State::kOpenPiece;
}

void Compaction::finishPass() {
  outcome_.complete = true;
  outcome_.progress = {rules_.mapEnd, outcome_.counts.nextHorizon.orDefault(kNoTimestamp)};
  map_ = nullptr;
  state_ = State::kDone;
}

}  // namespace cambium
