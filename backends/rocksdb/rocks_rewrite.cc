#include "backends/rocksdb/rocks_rewrite.h"

#include <kj/debug.h>

#include "backends/rocksdb/batch_fetch.h"
#include "backends/rocksdb/rocks_log.h"

namespace cambium::rocks {

namespace {
// What one write to the store holds, about.
constexpr size_t kWriteBytes = size_t{1} << 20;
}  // namespace

RocksRewrite::RocksRewrite(RocksStore& store, BucketSet& buckets, kj::StringPtr name, LogNumber log,
                           kj::Own<const RewriteTicket> ticket, kj::Vector<ExtentRow> sources, Offset lowest)
    : store_(store),
      buckets_(buckets),
      name_(kj::str(name)),
      log_(log),
      ticket_(kj::mv(ticket)),
      sources_(kj::mv(sources)),
      lowest_(lowest),
      number_(buckets.takeRewriteNumber()),
      readNext_(ticket_->first) {
  for (auto& source : sources_)
    pins_.add(buckets_.pin(source.bucket));
}

RocksRewrite::~RocksRewrite() noexcept(false) {
  KJ_IF_MAYBE(lease, lease_) {
    if (released_) return;
    // What stays is cleared away when the store is opened next.
    kj::runCatchingExceptions([&] {
      rocksdb::WriteBatch batch;
      LogRowWriter writer(store_, log_, batch, number_);
      eraseRewrite(writer, lease->family());
      store_.write(batch, RocksStore::Durability::kBuffered, kj::str("giving up a rewrite of log ", name_));
    });
    buckets_.removeBytes(lease->number(), extent_.bytes);
  }
}

// Runs `action`; what it did or threw counts only when the rewrite was not given up meanwhile.
void RocksRewrite::whileValid(kj::FunctionParam<void()> action) {
  ticket_->requireValid();
  store_.requireHealthy();
  try {
    action();
  } catch (const kj::Exception&) {
    ticket_->requireValid();
    throw;
  }
  ticket_->requireValid();
}

kj::Vector<IndexRow> RocksRewrite::collect(Bytes bytesMax) {
  kj::Vector<IndexRow> rows;
  uint64_t size = 0;
  Offset next = readNext_;
  walkExtents(store_, log_, sources_, readNext_, lowest_, true, [&](const IndexRow& row) {
    KJ_REQUIRE(row.base == next, "the index of a log has a gap; check the store with the inspection tool", name_, next,
               row.base);
    size += row.size;
    if (rows.size() > 0 && size > bytesMax.value()) return false;
    rows.add(row);
    next = row.end();
    return true;
  });
  KJ_REQUIRE(rows.size() > 0 || next == end(), "the index of a log has a gap; check the store with the inspection tool",
             name_, next, end());
  return rows;
}

kj::Array<const kj::byte> RocksRewrite::read(Bytes bytesMax) {
  kj::Array<const kj::byte> batches;
  whileValid([&] {
    auto rows = collect(bytesMax);
    batches = fetchBatches(store_, buckets_, log_, name_, rows);
    if (rows.size() > 0) readNext_ = rows.back().end();
  });
  return batches;
}

void RocksRewrite::rewind() {
  ticket_->requireValid();
  readNext_ = first();
}

void RocksRewrite::write(ByteView batches) {
  KJ_REQUIRE(!finishing_, "the rewrite is finished", name_, first(), end());
  checkRewritten(batches, lease_ == nullptr ? first() : extent_.end, end());
  KJ_REQUIRE(extent_.bytes.value() + batches.size() <= kRewrittenBytesMax, "too large for one extent", name_, first(),
             end());
  whileValid([&] {
    BatchIterator iterator(batches);
    while (iterator.rest().size() > 0)
      writeSome(iterator);
  });
}

// Chooses the bucket. By its time, old batches would close it: it goes by those that are appended alone.
void RocksRewrite::begin(const BatchView& batch) {
  auto& lease = lease_.emplace(buckets_.lease(batch.size(), kNoTimestamp));
  extent_ = ExtentRow{first(), first(), Bytes(0), kNoTimestamp, batch.maxTimestamp(), lease.number(), number_, true};
}

void RocksRewrite::writeSome(BatchIterator& batches) {
  rocksdb::WriteBatch batch;
  LogRowWriter writer(store_, log_, batch, number_);
  // A write that fails must leave the sums as they were: what is there counts.
  auto extent = extent_;
  auto block = block_;
  auto blockRows = blockRows_;
  KJ_ON_SCOPE_FAILURE({
    extent_ = extent;
    block_ = block;
    blockRows_ = blockRows;
  });
  while (batch.GetDataSize() < kWriteBytes) {
    auto* next = batches.next();
    if (next == nullptr) break;
    if (lease_ == nullptr) {
      begin(*next);
      extent = extent_;
      writer.putMarker(extent_.bucket);
    }
    IndexRow row{next->baseOffset(),   next->lastOffsetDelta(), static_cast<uint32_t>(next->size()),
                 next->maxTimestamp(), extent_.bucket,          number_};
    writer.put(KJ_ASSERT_NONNULL(lease_).family(), row, next->bytes());
    note(row, writer);
  }
  store_.write(batch, RocksStore::Durability::kBuffered, kj::str("rewriting log ", name_));
  buckets_.addBytes(extent_.bucket, Bytes(extent_.bytes - extent.bytes));
}

void RocksRewrite::note(const IndexRow& row, LogRowWriter& writer) {
  extent_.end = row.end();
  extent_.bytes += uint64_t{row.size};
  extent_.maxTimestamp = kj::max(extent_.maxTimestamp, row.maxTimestamp);
  if (blockRows_ == 0) block_ = BlockRow{row.base, row.base, Bytes(0), kNoTimestamp};
  block_.end = row.end();
  block_.bytes += uint64_t{row.size};
  block_.maxTimestamp = kj::max(block_.maxTimestamp, row.maxTimestamp);
  if (++blockRows_ < kBlockRows) return;
  writer.put(block_);
  blockRows_ = 0;
}

void RocksRewrite::finish() {
  KJ_REQUIRE(!finishing_ && lease_ != nullptr && extent_.end == end(), "what was written does not reach the end", name_,
             first(), extent_.end, end());
  finishing_ = true;
  whileValid([&] {
    if (blockRows_ > 0) {
      rocksdb::WriteBatch batch;
      LogRowWriter(store_, log_, batch, number_).put(block_);
      store_.write(batch, RocksStore::Durability::kBuffered, kj::str("rewriting log ", name_));
    }
    store_.walSync().ensure(store_.walSync().mark());
    finished_ = true;
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// What the log does with it.

kj::Own<ExtentRewrite> RocksLog::startRewrite(Offset first, Offset end) {
  requireUsable();
  KJ_REQUIRE(end <= durable_, "only what is durable can be rewritten", name_, first, end, durable_);
  KJ_REQUIRE(end - first <= INT32_MAX, "too many offsets for one extent", name_, first, end);
  kj::Vector<ExtentRow> sources;
  for (auto& extent : extents_.all()) {
    bool closed = extent.closed || extent.end != end_;
    if (closed && extent.first >= first && extent.end <= end) sources.add(extent);
  }
  bool whole = sources.size() > 0 && sources.front().first == first && sources.back().end == end;
  KJ_REQUIRE(whole, "what is to be rewritten must be closed extents", name_, first, end);
  auto ticket = rewrites_.issue(kj::max(first, row_.firstBatch), end);
  return kj::heap<RocksRewrite>(store_, buckets_, name_, row_.number, kj::mv(ticket), kj::mv(sources), row_.firstBatch);
}

bool RocksLog::finishRewrite(kj::Own<ExtentRewrite> rewrite) {
  requireUsable();
  auto& finished = static_cast<RocksRewrite&>(*rewrite);
  KJ_REQUIRE(finished.isFinished(), "a rewrite must be finished before it is put in place", name_, finished.first());
  if (!finished.ticket().isValid()) return false;
  guarded([&] {
    auto& result = finished.result();
    rocksdb::WriteBatch batch;
    LogRowWriter writer(store_, row_.number, batch);
    eraseExtents(finished.sources(), buckets_, writer);
    writer.eraseIndex(result.first, result.end);
    writer.put(result);
    writer.of(result.rewrite).eraseMarker();
    commit(batch, row_, "putting a rewrite in place in");

    finished.release();
    rewrites_.giveUp();
    buckets_.addExtent(result.bucket);
    releaseExtents(finished.sources());
    extents_.replace(result);
    durable_ = end_;
    unsynced_ = Bytes(0);
    forgetTail();
  });
  return true;
}

void RocksLog::closeExtent() {
  requireUsable();
  guarded([&] {
    rocksdb::WriteBatch batch;
    LogRowWriter writer(store_, row_.number, batch);
    auto mark = extents_.mark();
    KJ_ON_SCOPE_FAILURE(extents_.goBack(mark));
    if (extents_.close(writer)) {
      store_.write(batch, RocksStore::Durability::kBuffered, kj::str("closing an extent of log ", name_));
    }
  });
}

}  // namespace cambium::rocks
