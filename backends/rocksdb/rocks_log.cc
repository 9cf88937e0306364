#include "backends/rocksdb/rocks_log.h"

#include <kj/debug.h>

#include "backends/rocksdb/batch_fetch.h"
#include "backends/rocksdb/check.h"
#include "engine/record/batch_view.h"

namespace cambium::rocks {

namespace {

constexpr size_t kTailRows = 32;

// The index rows of batches that are about to be appended at `end`; `bucket` is filled in later.
kj::Vector<IndexRow> describe(kj::StringPtr name, ByteView batches, Offset end) {
  kj::Vector<IndexRow> rows;
  BatchIterator iterator(batches);
  while (auto* batch = iterator.next()) {
    KJ_REQUIRE(batch->baseOffset() == end, "a batch to append does not continue the log", name, batch->baseOffset(),
               end);
    KJ_REQUIRE(batch->lastOffsetDelta() >= 0, "a batch to append has a negative last offset delta", name, end);
    KJ_REQUIRE(batch->size() <= UINT32_MAX, "a batch to append is too large", name, end, batch->size());
    rows.add(IndexRow{end, batch->lastOffsetDelta(), static_cast<uint32_t>(batch->size()), batch->maxTimestamp(),
                      BucketNumber(0)});
    end = batch->nextOffset();
  }
  KJ_REQUIRE(iterator.rest().size() == 0 && rows.size() > 0, "what is to be appended is not one or more whole batches",
             name, iterator.rest().size());
  return rows;
}

}  // namespace

class RocksLog::Job final : public SyncJob {
 public:
  Job(WalSync& sync, Offset end, Bytes bytes) : sync_(sync), ticket_(sync.mark()), end_(end), bytes_(bytes) {}

  Offset end() const override { return end_; }
  Bytes bytes() const override { return bytes_; }
  void run() override { sync_.ensure(ticket_); }

 private:
  WalSync& sync_;
  WalSync::Ticket ticket_;
  Offset end_;
  Bytes bytes_;
};

RocksLog::RocksLog(RocksStore& store, BucketSet& buckets, LogRegistry& registry, kj::String name, const LogRow& row,
                   LogOptions options, kj::Function<void(kj::StringPtr)>& report)
    : store_(store),
      buckets_(buckets),
      registry_(registry),
      name_(kj::mv(name)),
      row_(row),
      rows_(store, row.number),
      options_(options) {
  load(report);
}

RocksLog::~RocksLog() noexcept(false) {
  rewrites_.giveUp();
  // Spares the next opening a few rows; without it, they are read.
  if (failure_ == nullptr) {
    kj::runCatchingExceptions([&] {
      rocksdb::WriteBatch batch;
      LogRowWriter writer(store_, row_.number, batch);
      if (extents_.checkpoint(writer)) store_.write(batch, RocksStore::Durability::kBuffered, name_);
    });
  }
  registry_.release(name_, durable_ == end_);
}

void RocksLog::load(kj::Function<void(kj::StringPtr)>& report) {
  extents_ = ExtentList(rows_.extents());
  for (auto& extent : extents_.all())
    buckets_.find(extent.bucket);
  Offset from = row_.firstBatch;
  if (extents_.all().size() > 0) from = kj::max(from, extents_.all().back().end);
  uint32_t count = 0;
  rows_.walkRange(from, kBehindAll, [&](const IndexRow& row) {
    extents_.recover(row);
    buckets_.addBytes(row.bucket, Bytes(row.size));
    ++count;
    return true;
  });
  end_ = extents_.all().size() > 0 ? extents_.all().back().end : row_.start;
  KJ_REQUIRE(row_.firstBatch <= row_.start && row_.start <= end_,
             "the rows of a log contradict each other; check the store with the inspection tool", name_,
             row_.firstBatch, row_.start, end_);
  // Opening the store puts all that it found into synced files; the registry syncs what came since.
  durable_ = end_;
  if (count > 0) report(kj::str(name_, ": found ", count, " batches behind the last checkpoint, up to offset ", end_));
}

Bounds RocksLog::bounds() const {
  requireUsable();
  return {row_.start, durable_, end_};
}

void RocksLog::requireUsable() const {
  KJ_IF_MAYBE(failure, failure_) kj::throwFatalException(kj::cp(*failure));
  store_.requireHealthy();
}

Offset RocksLog::append(ByteView batches) {
  requireUsable();
  auto rows = describe(name_, batches, end_);
  return guarded([&] {
    TimestampMs latest = kNoTimestamp;
    for (auto& row : rows)
      latest = kj::max(latest, row.maxTimestamp);
    auto lease = buckets_.lease(batches.size(), latest);

    auto mark = extents_.mark();
    rocksdb::WriteBatch batch(batches.size() + rows.size() * 96 + 256);
    LogRowWriter writer(store_, row_.number, batch);
    uint32_t extentsBegun = 0;
    KJ_ON_SCOPE_FAILURE(extents_.goBack(mark));
    size_t position = 0;
    for (auto& row : rows) {
      row.bucket = lease.number();
      if (extents_.add(row, options_, writer)) ++extentsBegun;
      writer.put(lease.family(), row, batches.slice(position, position + row.size));
      position += row.size;
    }
    store_.write(batch, RocksStore::Durability::kBuffered, kj::str("appending to log ", name_));

    for (uint32_t i = 0; i < extentsBegun; ++i)
      buckets_.addExtent(lease.number());
    buckets_.addBytes(lease.number(), Bytes(batches.size()));
    for (auto& row : rows)
      remember(row);
    end_ = rows.back().end();
    unsynced_ += batches.size();
    return end_;
  });
}

void RocksLog::remember(const IndexRow& row) {
  if (tail_.size() == kTailRows * 2) {
    for (size_t i = 0; i < kTailRows; ++i)
      tail_[i] = tail_[i + kTailRows];
    tail_.resize(kTailRows);
  }
  tail_.add(row);
}

kj::Array<const kj::byte> RocksLog::read(Offset from, Offset upTo, Bytes bytesMax) {
  requireUsable();
  KJ_REQUIRE(row_.start <= from && from <= upTo && upTo <= end_, "read outside the log", name_, from, upTo, row_.start,
             end_);
  if (from == upTo) return nullptr;
  return guarded([&]() -> kj::Array<const kj::byte> {
    return fetchBatches(store_, buckets_, row_.number, name_, collect(from, upTo, bytesMax));
  });
}

kj::Vector<IndexRow> RocksLog::collect(Offset from, Offset upTo, Bytes bytesMax) {
  kj::Vector<IndexRow> rows;
  uint64_t size = 0;
  kj::Maybe<Offset> next;
  auto take = [&](const IndexRow& row) {
    KJ_IF_MAYBE(expected, next) {
      KJ_REQUIRE(row.base == *expected, "the index of a log has a gap; check the store with the inspection tool", name_,
                 *expected, row.base);
    }
    next = row.end();
    size += row.size;
    if (row.end() > upTo || (rows.size() > 0 && size > bytesMax.value())) return false;
    rows.add(row);
    return row.end() < upTo;
  };
  if (tail_.size() > 0 && from >= tail_[0].base) {
    for (auto& row : tail_) {
      if (row.end() > from && !take(row)) break;
    }
  } else {
    // Exactly at a row: no need to look for the one before it, which costs the library a second seek.
    bool isBase = from == readOn_;
    if (isBase) next = from;
    walkExtents(store_, row_.number, extents_.all(), from, row_.firstBatch, isBase, take);
  }
  if (rows.size() > 0) readOn_ = rows.back().end();
  KJ_REQUIRE(size > 0, "the index of a log has a gap; check the store with the inspection tool", name_, from);
  return rows;
}

IndexRow RocksLog::rowContaining(Offset offset) {
  kj::Maybe<IndexRow> found;
  walkExtents(store_, row_.number, extents_.all(), offset, row_.firstBatch, false, [&](const IndexRow& row) {
    found = row;
    return false;
  });
  KJ_IF_MAYBE(row, found) return *row;
  KJ_FAIL_REQUIRE("the index of a log has a gap; check the store with the inspection tool", name_, offset);
}

kj::Maybe<TimeHit> RocksLog::seekTime(TimestampMs atLeast) {
  requireUsable();
  // Below is only what has no timestamp, which is never looked for.
  atLeast = kj::max(atLeast, kNoTimestamp + 1);
  return guarded([&]() -> kj::Maybe<TimeHit> {
    for (auto& extent : extents_.all()) {
      if (extent.maxTimestamp < atLeast) continue;
      KJ_IF_MAYBE(row, rowsOf(extent).firstAtLeast(atLeast, extent, row_.firstBatch))
        return TimeHit{row->base, row->maxTimestamp};
    }
    return nullptr;
  });
}

kj::Maybe<TimeHit> RocksLog::maxTimestamp() {
  requireUsable();
  return guarded([&]() -> kj::Maybe<TimeHit> {
    const ExtentRow* best = nullptr;
    TimestampMs latest = kNoTimestamp;
    for (auto& extent : extents_.all()) {
      // What dropBefore() left of an extent may have lost the latest batch.
      TimestampMs candidate =
          extent.first < row_.firstBatch ? rowsOf(extent).maxTimestamp(extent, row_.firstBatch) : extent.maxTimestamp;
      if (candidate <= latest) continue;
      best = &extent;
      latest = candidate;
    }
    if (best == nullptr) return nullptr;
    KJ_IF_MAYBE(row, rowsOf(*best).firstAtLeast(latest, *best, row_.firstBatch))
      return TimeHit{row->base, row->maxTimestamp};
    KJ_FAIL_REQUIRE("no batch has the timestamp that an extent names; check the store with the inspection tool", name_,
                    best->first, latest);
  });
}

kj::Maybe<kj::Own<SyncJob>> RocksLog::startSync() {
  requireUsable();
  KJ_REQUIRE(syncing_ == nullptr, "a sync of this log is running already", name_);
  if (durable_ == end_) return nullptr;
  syncing_ = end_;
  kj::Own<SyncJob> job = kj::heap<Job>(store_.walSync(), end_, unsynced_);
  unsynced_ = Bytes(0);
  return kj::mv(job);
}

void RocksLog::finishSync(kj::Own<SyncJob> job) {
  requireUsable();
  // Less than job->end() when the log was cut below it meanwhile.
  durable_ = kj::max(durable_, KJ_REQUIRE_NONNULL(syncing_, "no sync of this log is running", name_));
  syncing_ = nullptr;
}

void RocksLog::breakLog(kj::Own<SyncJob> job, kj::StringPtr reason) {
  syncing_ = nullptr;
  if (failure_ == nullptr) {
    failure_ = KJ_EXCEPTION(FAILED, "a sync of the log failed; what was not durable is lost, open the log again", name_,
                            reason);
  }
}

void RocksLog::commit(rocksdb::WriteBatch& batch, const LogRow& row, kj::StringPtr action) {
  registry_.put(batch, name_, row);
  store_.write(batch, RocksStore::Durability::kSynced, kj::str(action, " log ", name_));
  registry_.applied(name_, row);
  row_ = row;
}

void RocksLog::dropBefore(Offset start) {
  requireUsable();
  KJ_REQUIRE(row_.start <= start && start <= end_, "new start outside the log", name_, start, row_.start, end_);
  if (start == row_.start) return;
  guarded([&] {
    rewrites_.dropBefore(start);
    LogRow row = row_;
    row.start = start;
    row.firstBatch = start == end_ ? end_ : rowContaining(start).base;

    rocksdb::WriteBatch batch;
    LogRowWriter writer(store_, row_.number, batch);
    auto mark = extents_.mark();
    KJ_ON_SCOPE_FAILURE(extents_.goBack(mark));
    extents_.checkpoint(writer);
    kj::Vector<ExtentRow> gone, left;
    for (auto& extent : extents_.all())
      (extent.end <= row.firstBatch ? gone : left).add(extent);
    eraseExtents(gone, buckets_, writer);
    if (left.size() > 0 && left[0].first < row.firstBatch) {
      auto rows = writer.of(left[0].rewrite);
      rows.eraseBatches(buckets_.find(left[0].bucket), kj::max(left[0].first, row_.firstBatch), row.firstBatch);
      rows.eraseIndex(left[0].first, row.firstBatch);
    }
    writer.eraseIndex(row_.firstBatch, row.firstBatch);
    commit(batch, row, "dropping the beginning of");

    releaseExtents(gone);
    extents_ = ExtentList(kj::mv(left));
    durable_ = end_;
    unsynced_ = Bytes(0);
    if (start == end_) forgetTail();
  });
}

void RocksLog::truncateFrom(Offset end) {
  requireUsable();
  KJ_REQUIRE(row_.start <= end && end <= end_, "new end outside the log", name_, end, row_.start, end_);
  if (end == end_) return;
  if (end > row_.firstBatch) {
    auto last = guarded([&] { return rowContaining(end - 1); });
    KJ_REQUIRE(last.end() == end, "a log can only be cut between batches; this offset lies inside one", name_, end,
               last.base, last.end());
  }
  guarded([&] {
    rewrites_.truncateFrom(end);
    rocksdb::WriteBatch batch;
    LogRowWriter writer(store_, row_.number, batch);
    auto mark = extents_.mark();
    KJ_ON_SCOPE_FAILURE(extents_.goBack(mark));
    // Rows in this write are not seen by reads before it; recut() takes what has no block yet from the index.
    extents_.checkpoint(writer);
    kj::Vector<ExtentRow> gone, left;
    for (auto& extent : extents_.all()) {
      if (extent.first >= end || end <= row_.firstBatch) {
        gone.add(extent);
      } else if (extent.end > end) {
        auto rows = writer.of(extent.rewrite);
        rows.eraseBatches(buckets_.find(extent.bucket), end, kBehindAll);
        rows.eraseBlocks(end, kBehindAll);
        rows.eraseIndex(end, kBehindAll);
        left.add(rowsOf(extent).recut(extent, end, rows));
      } else {
        left.add(extent);
      }
    }
    eraseExtents(gone, buckets_, writer);
    writer.eraseBlocks(end, kBehindAll);
    writer.eraseIndex(end, kBehindAll);
    commit(batch, row_, "cutting");

    releaseExtents(gone);
    extents_ = ExtentList(kj::mv(left));
    KJ_IF_MAYBE(syncing, syncing_) syncing_ = kj::min(*syncing, end);
    end_ = durable_ = end;
    unsynced_ = Bytes(0);
    forgetTail();
  });
}

void RocksLog::resetTo(Offset start) {
  requireUsable();
  KJ_REQUIRE(start >= Offset(0), "new start of a log is negative", name_, start);
  guarded([&] {
    rewrites_.giveUp();
    rocksdb::WriteBatch batch;
    LogRowWriter writer(store_, row_.number, batch);
    eraseExtents(extents_.all(), buckets_, writer);
    writer.eraseIndex(row_.firstBatch, kBehindAll);
    LogRow row = row_;
    row.start = row.firstBatch = start;
    commit(batch, row, "resetting");

    releaseExtents(extents_.all());
    extents_ = ExtentList();
    if (syncing_ != nullptr) syncing_ = start;
    durable_ = end_ = start;
    unsynced_ = Bytes(0);
    forgetTail();
  });
}

void RocksLog::forgetTail() {
  tail_.resize(0);
  readOn_ = kNoOffset;
}

void RocksLog::releaseExtents(kj::ArrayPtr<const ExtentRow> gone) {
  for (auto& extent : gone)
    buckets_.removeExtent(extent.bucket, extent.bytes);
}

kj::Vector<Extent> RocksLog::extents() {
  requireUsable();
  kj::Vector<Extent> result(extents_.all().size());
  for (auto& extent : extents_.all())
    result.add(Extent{extent.first, extent.end, extent.bytes, extent.maxTimestamp});
  return result;
}

Bytes RocksLog::sizeBytes() const {
  requireUsable();
  return extents_.bytes();
}

void RocksLog::configure(LogOptions options) {
  requireUsable();
  options_ = options;
}

void eraseExtents(kj::ArrayPtr<const ExtentRow> extents, BucketSet& buckets, LogRowWriter& writer) {
  // Of those that were appended, the ones of one bucket follow each other.
  for (size_t i = 0; i < extents.size();) {
    auto& first = extents[i];
    size_t next = i;
    do
      writer.eraseExtent(extents[next++].first);
    while (first.rewrite == kNotRewritten && next < extents.size() && extents[next].rewrite == kNotRewritten &&
           extents[next].bucket == first.bucket);
    uint32_t count = static_cast<uint32_t>(next - i);
    auto rows = writer.of(first.rewrite);
    if (!buckets.goesWith(first.bucket, count)) {
      rows.eraseBatches(buckets.find(first.bucket), first.first, extents[next - 1].end);
    }
    if (first.rewrite != kNotRewritten) {
      rows.eraseIndex(first.first, first.end);
      rows.eraseBlocks(first.first, first.end);
    }
    i = next;
  }
  if (extents.size() > 0) writer.eraseBlocks(extents.front().first, extents.back().end);
}

}  // namespace cambium::rocks
