#pragma once

#include "backends/rocksdb/bucket_set.h"
#include "backends/rocksdb/extent_list.h"
#include "backends/rocksdb/log_registry.h"

namespace cambium::rocks {

// One log of the store. Its batches lie in the buckets among those of all others.
class RocksLog final : public PartitionLog {
 public:
  // `row` was acquired from the registry; the log releases it. Reads the extents and the few index rows behind the last
  // block.
  RocksLog(RocksStore& store, BucketSet& buckets, LogRegistry& registry, kj::String name, const LogRow& row,
           LogOptions options, kj::Function<void(kj::StringPtr)>& report);
  ~RocksLog() noexcept(false) override;
  KJ_DISALLOW_COPY(RocksLog);

  Offset append(ByteView batches) override;
  kj::Array<const kj::byte> read(Offset from, Offset upTo, Bytes bytesMax) override;
  kj::Maybe<TimeHit> seekTime(TimestampMs atLeast) override;
  kj::Maybe<TimeHit> maxTimestamp() override;
  kj::Maybe<kj::Own<SyncJob>> startSync() override;
  void finishSync(kj::Own<SyncJob> job) override;
  void breakLog(kj::Own<SyncJob> job, kj::StringPtr reason) override;
  void dropBefore(Offset start) override;
  void truncateFrom(Offset end) override;
  void resetTo(Offset start) override;
  kj::Own<ExtentRewrite> startRewrite(Offset first, Offset end) override;
  bool finishRewrite(kj::Own<ExtentRewrite> rewrite) override;
  void closeExtent() override;
  Bounds bounds() const override;
  kj::Vector<Extent> extents() override;
  Bytes sizeBytes() const override;
  void configure(LogOptions options) override;

 private:
  class Job;

  // Throws the reason when the log, or the whole store, is broken.
  void requireUsable() const;
  // Runs `action`; a failure other than a full device breaks the log.
  template <class Action>
  auto guarded(Action&& action);
  void load(kj::Function<void(kj::StringPtr)>& report);

  kj::Vector<IndexRow> collect(Offset from, Offset upTo, Bytes bytesMax);
  LogRows rowsOf(const ExtentRow& extent) const { return LogRows(store_, row_.number, extent.rewrite); }
  // The batch that contains `offset`. Throws FAILED when the index has none.
  IndexRow rowContaining(Offset offset);
  void remember(const IndexRow& row);

  // Writes `batch` durably with the new row of the log; then everything appended so far is durable too.
  void commit(rocksdb::WriteBatch& batch, const LogRow& row, kj::StringPtr action);
  // Forgets what is remembered of the newest rows and of the last read, when rows go.
  void forgetTail();
  void releaseExtents(kj::ArrayPtr<const ExtentRow> gone);

  RocksStore& store_;
  BucketSet& buckets_;
  LogRegistry& registry_;
  kj::String name_;
  LogRow row_;
  LogRows rows_;
  LogOptions options_;
  ExtentList extents_;
  Offset durable_;
  Offset end_;
  Bytes unsynced_;
  // Rows of the newest batches, oldest first, for readers that follow closely. At most kTailRows; empty until the first
  // append.
  kj::Vector<IndexRow> tail_;
  Offset readOn_ = kNoOffset;  // where the last read ended: a row begins there, or will
  RewriteTickets rewrites_;
  kj::Maybe<Offset> syncing_;  // where the running job will move `durable_`
  kj::Maybe<kj::Exception> failure_;
};

template <class Action>
auto RocksLog::guarded(Action&& action) {
  try {
    return action();
  } catch (const kj::Exception& exception) {
    if (exception.getType() != kj::Exception::Type::OVERLOADED) failure_ = kj::cp(exception);
    throw;
  }
}

// Adds to a write the end of some extents of a log, oldest first and one behind the other: their rows, blocks and
// batches. Index rows of what was appended are left to the caller. Batches in a bucket that goes with these extents are
// left alone.
void eraseExtents(kj::ArrayPtr<const ExtentRow> extents, BucketSet& buckets, LogRowWriter& writer);

}  // namespace cambium::rocks
