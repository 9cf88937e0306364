#include "backends/rocksdb/bucket_set.h"

#include <kj/debug.h>

#include "backends/rocksdb/check.h"
#include "backends/rocksdb/log_rows.h"
#include "backends/rocksdb/row_cursor.h"

namespace cambium::rocks {

namespace {

// A bucket with less in it is not worth the work, however full the device is.
constexpr uint64_t kWorthClosing = uint64_t{1} << 20;
// Of a bucket's size: with less in it, it is not worth a family of its own.
constexpr uint64_t kShareWorthFamily = 16;
// Beside its output and what is in memory: filters, indexes, the manifest.
constexpr uint64_t kCompactionMargin = uint64_t{2} << 20;

}  // namespace

BucketSet::BucketSet(RocksStore& store, Reclaimer& reclaimer, const RocksOptions& options)
    : store_(store), reclaimer_(reclaimer), options_(options) {
  for (auto& [number, family] : store.foundBuckets()) {
    auto& bucket = buckets_[number];
    bucket.family = family;
    bucket.bytes = store.bytesOnDevice(*family);
    lastNumber_ = number.value();
  }
  // Every extent has a row from its first batch on, so a bucket without rows holds nothing that anybody could read.
  for (RowCursor cursor(store, store.extents()); cursor.valid(); cursor.next()) {
    auto row = decodeExtentRow(cursor.key(), cursor.value());
    lastRewrite_ = kj::max(lastRewrite_, row.rewrite.value());
    auto found = buckets_.find(row.bucket);
    if (found == buckets_.end()) continue;  // opening that log will say so
    auto& bucket = found->second;
    ++bucket.extents;
    bucket.liveBytes += row.bytes.value();
    // What was rewritten may be older than all else in the bucket.
    if (row.rewrite != kNotRewritten) continue;
    if (bucket.earliest == kNoTimestamp || row.firstTimestamp < bucket.earliest) bucket.earliest = row.firstTimestamp;
    bucket.latest = kj::max(bucket.latest, row.maxTimestamp);
  }
  sweepRewrites();
}

void BucketSet::sweepRewrites() {
  rocksdb::WriteBatch batch;
  for (RowCursor cursor(store_, store_.meta(), kMarkerPrefix.asBytes()); cursor.valid(); cursor.next()) {
    KJ_IF_MAYBE(marker, decodeMarker(cursor.key(), cursor.value())) {
      lastRewrite_ = kj::max(lastRewrite_, marker->rewrite.value());
      LogRowWriter writer(store_, marker->log, batch, marker->rewrite);
      auto bucket = buckets_.find(marker->bucket);
      eraseRewrite(writer, bucket == buckets_.end() ? nullptr : bucket->second.family);
    } else {
      break;
    }
  }
  if (batch.Count() == 0) return;
  try {
    store_.write(batch, RocksStore::Durability::kBuffered, "clearing away what rewrites left");
  } catch (const kj::Exception& exception) {
    // The markers stay for the next opening.
    if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
  }
}

RewriteNumber BucketSet::takeRewriteNumber() {
  std::lock_guard<std::mutex> lock(mutex_);
  KJ_REQUIRE(lastRewrite_ < kRewritesMax, "no rewrite number is left in this store: open it again", store_.path());
  return RewriteNumber(++lastRewrite_);
}

bool BucketSet::isFull(const Bucket& bucket, size_t size, TimestampMs timestamp) const {
  if (bucket.bytes == 0) return false;
  // The more buckets there are, the larger they grow, so that there are never many more than the maximum.
  uint32_t half = options_.bucketsMax / 2;
  uint32_t count = static_cast<uint32_t>(buckets_.size());
  uint32_t doublings = count <= half ? 0 : (count - half) / kj::max(1u, options_.bucketsMax / 20);
  doublings = kj::min(doublings, 20u);
  uint64_t bytesMax = options_.bucketBytes.value() << doublings;
  if (bucket.bytes + size > bytesMax) return true;
  // By time only when it is worth a family: clients choose timestamps, also silly ones.
  bool isWorthFamily = bucket.bytes >= bytesMax / kShareWorthFamily;
  if (!isWorthFamily || timestamp == kNoTimestamp || bucket.earliest == kNoTimestamp) return false;
  return timestamp - bucket.earliest >= options_.bucketMs << doublings;
}

void BucketSet::begin() {
  BucketNumber next(lastNumber_ + 1);
  Family* family = store_.createBucket(next);
  if (!buckets_.empty()) {
    BucketNumber closed = buckets_.rbegin()->first;
    reclaimer_.add([this, closed] { flush(closed); });
  }
  auto previous = buckets_.empty() ? nullptr : &*buckets_.rbegin();
  lastNumber_ = next.value();
  buckets_[next].family = family;
  if (previous != nullptr) consider(previous->first, previous->second);
  considerUnused();
}

BucketSet::Lease BucketSet::lease(size_t size, TimestampMs timestamp) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (buckets_.empty() || isFull(buckets_.rbegin()->second, size, timestamp)) begin();
  auto& [number, bucket] = *buckets_.rbegin();
  ++bucket.leases;
  if (timestamp != kNoTimestamp) {
    if (bucket.earliest == kNoTimestamp || timestamp < bucket.earliest) bucket.earliest = timestamp;
    bucket.latest = kj::max(bucket.latest, timestamp);
  }
  return Lease(*this, number, bucket.family);
}

BucketSet::Lease BucketSet::pin(BucketNumber number) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& bucket = buckets_.at(number);
  KJ_ASSERT(bucket.extents > 0);
  ++bucket.leases;
  return Lease(*this, number, bucket.family);
}

void BucketSet::release(BucketNumber number) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& bucket = buckets_.at(number);
  --bucket.leases;
  consider(number, bucket);
}

BucketSet::Family* BucketSet::find(BucketNumber number) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = buckets_.find(number);
  KJ_REQUIRE(found != buckets_.end(), "the store lacks a column family that a log has batches in; restore the store",
             store_.path(), bucketFamily(number));
  return found->second.family;
}

void BucketSet::addExtent(BucketNumber number) {
  std::lock_guard<std::mutex> lock(mutex_);
  ++buckets_.at(number).extents;
}

void BucketSet::addBytes(BucketNumber number, Bytes bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& bucket = buckets_.at(number);
  bucket.bytes += bytes.value();
  bucket.liveBytes += bytes.value();
}

void BucketSet::removeExtent(BucketNumber number, Bytes bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& bucket = buckets_.at(number);
  KJ_ASSERT(bucket.extents > 0);
  --bucket.extents;
  bucket.liveBytes -= kj::min(bucket.liveBytes, bytes.value());
  consider(number, bucket);
}

void BucketSet::removeBytes(BucketNumber number, Bytes bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& bucket = buckets_.at(number);
  bucket.liveBytes -= kj::min(bucket.liveBytes, bytes.value());
}

bool BucketSet::goesWith(BucketNumber number, uint32_t extents) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& bucket = buckets_.at(number);
  // Under a lease somebody may be about to begin an extent there.
  return !isOpen(number) && bucket.extents <= extents && bucket.leases == 0;
}

void BucketSet::consider(BucketNumber number, Bucket& bucket) {
  if (bucket.leases > 0 || bucket.isScheduled) return;
  if (isOpen(number)) {
    if (bucket.extents > 0 || bucket.bytes < options_.bucketBytes.value() / kShareWorthFamily) return;
    bucket.isScheduled = true;
    reclaimer_.add([this, number] { closeUnused(number); });
  } else if (bucket.extents == 0) {
    bucket.isScheduled = true;
    reclaimer_.add([this, number] { dropIfUnused(number); });
  } else if (!bucket.isUncompactable && isMostlyDead(bucket) &&
             bucket.bytes - bucket.liveBytes > options_.bucketBytes.value() / 4) {
    bucket.isScheduled = true;
    reclaimer_.add([this, number] { compact(number); });
  }
}

// For those whose dropping was refused: there was no room to write it down.
void BucketSet::considerUnused() {
  for (auto& [number, bucket] : buckets_) {
    if (bucket.extents == 0) consider(number, bucket);
  }
}

void BucketSet::reclaimUnused() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [number, bucket] : buckets_)
    consider(number, bucket);
}

void BucketSet::reclaimForSpace() {
  // What compacting one bucket may take. Each gives back more than it took before the next one begins.
  uint64_t kept = store_.bytesInMemory() + kCompactionMargin;
  uint64_t free = store_.freeBytes();
  uint64_t room = free > kept ? free - kept : 0;
  std::lock_guard<std::mutex> lock(mutex_);
  if (buckets_.empty()) return;
  auto& open = buckets_.rbegin()->second;
  if (open.bytes >= kWorthClosing && isMostlyDead(open)) begin();
  considerUnused();
  for (auto& [number, bucket] : buckets_) {
    if (isOpen(number) || bucket.leases > 0 || bucket.isScheduled || bucket.extents == 0) continue;
    if (bucket.isUncompactable || bucket.bytes < kWorthClosing || !isMostlyDead(bucket) || bucket.liveBytes > room)
      continue;
    bucket.isScheduled = true;
    reclaimer_.add([this, number = number] { compact(number); });
  }
}

void BucketSet::closeUnused(BucketNumber number) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& bucket = buckets_.at(number);
  bucket.isScheduled = false;
  if (isOpen(number) && bucket.extents == 0 && bucket.leases == 0) {
    begin();
  } else {
    consider(number, bucket);
  }
}

void BucketSet::dropIfUnused(BucketNumber number) {
  Bucket bucket{};
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = buckets_.find(number);
    bucket = found->second;
    // Nobody can come back to a closed bucket without extents and leases: leases are of the open one or of one with
    // extents, and extents begin under a lease.
    KJ_ASSERT(bucket.extents == 0 && bucket.leases == 0);
    buckets_.erase(found);
  }
  try {
    store_.dropFamily(bucket.family);
  } catch (const kj::Exception& exception) {
    // Nothing was dropped. When there is no room to write it down, reclaimForSpace() and begin() try again.
    bucket.isScheduled = exception.getType() != kj::Exception::Type::OVERLOADED;
    std::lock_guard<std::mutex> lock(mutex_);
    buckets_.emplace(number, bucket);
    if (bucket.isScheduled) throw;
  }
}

void BucketSet::compact(BucketNumber number) {
  Family* family = find(number);
  uint64_t live = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    live = buckets_.at(number).liveBytes;
  }
  // What is left of it is written anew, after what of it is in memory.
  bool hasRoom = store_.hasRoomToFlush(*family, live);
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  auto status = hasRoom ? store_.db().CompactRange(options, family, nullptr, nullptr) : rocksdb::Status::NoSpace();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto& bucket = buckets_.at(number);
    bucket.isScheduled = false;
    // It would fail again.
    bucket.isUncompactable = !status.ok() && !status.IsNoSpace();
    if (status.ok()) bucket.bytes = bucket.liveBytes;
    // Otherwise it is considered again when more of it goes, unless there is nothing left to go.
    if (status.ok() || bucket.extents == 0) consider(number, bucket);
  }
  if (!status.IsNoSpace()) check(status, kj::str("compacting ", bucketFamily(number)));
}

void BucketSet::flush(BucketNumber number) {
  Family* family = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = buckets_.find(number);
    if (found == buckets_.end()) return;
    // It is dropped soon.
    if (found->second.extents == 0 && found->second.leases == 0) return;
    family = found->second.family;
  }
  // It is flushed with everything else when there is room: a flush that fails would stop all writes, also deletions.
  if (!store_.hasRoomToFlush(*family, 0)) return;
  // Only this thread drops families, so the handle lives.
  check(store_.db().Flush(rocksdb::FlushOptions(), family), kj::str("flushing ", bucketFamily(number)));
}

size_t BucketSet::count() {
  std::lock_guard<std::mutex> lock(mutex_);
  return buckets_.size();
}

Bytes BucketSet::bytesOnDevice() {
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t sum = 0;
  for (auto& [number, bucket] : buckets_)
    sum += store_.bytesOnDevice(*bucket.family);
  return Bytes(sum);
}

}  // namespace cambium::rocks
