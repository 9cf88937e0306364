#pragma once

#include <map>
#include <mutex>

#include "backends/rocksdb/reclaimer.h"
#include "backends/rocksdb/rocks_store.h"

namespace cambium::rocks {

// The bucket families: which one takes the next batches, which are still needed, which can go. Any thread.
//
// A bucket is dropped when it is closed and no log has an extent in it. One that is mostly dead but kept by a slow log
// is compacted once, so that the others' space comes back earlier.
class BucketSet {
 public:
  using Family = RocksStore::Family;

  // Takes over the families that `store` found; reads the extent rows to know who uses them. Clears away what rewrites
  // left that did not come into place.
  BucketSet(RocksStore& store, Reclaimer& reclaimer, const RocksOptions& options);

  // The open bucket, kept from being dropped until the lease is destroyed.
  class Lease {
   public:
    Lease(BucketSet& set, BucketNumber number, Family* family) : set_(&set), number_(number), family_(family) {}
    Lease(Lease&& other) : set_(other.set_), number_(other.number_), family_(other.family_) { other.set_ = nullptr; }
    ~Lease() noexcept(false) {
      if (set_ != nullptr) set_->release(number_);
    }
    KJ_DISALLOW_COPY(Lease);
    BucketNumber number() const { return number_; }
    Family* family() const { return family_; }

   private:
    BucketSet* set_;
    BucketNumber number_;
    Family* family_;
  };

  // Keeps a bucket in which the caller has an extent from being dropped.
  Lease pin(BucketNumber number);

  // Where batches of `size` bytes in all and this max timestamp go now. Begins a new bucket when the open one is full;
  // that takes some 10 ms. A refusal of the library (a full device) throws.
  Lease lease(size_t size, TimestampMs timestamp);

  // The family of a bucket in which the caller has an extent; valid as long as it has. Throws FAILED when it is
  // missing.
  Family* find(BucketNumber number);

  // A log's extents come, grow and go. The last one to go makes a closed bucket drop, on the reclaimer; the open one is
  // closed for that when there is much in it.
  void addExtent(BucketNumber number);
  void addBytes(BucketNumber number, Bytes bytes);
  void removeExtent(BucketNumber number, Bytes bytes);
  // Takes back addBytes() for what never became an extent's; under a lease.
  void removeBytes(BucketNumber number, Bytes bytes);
  // A number that no rewrite has.
  RewriteNumber takeRewriteNumber();
  // True when a bucket is closed and `extents` are all that keep it: deleting rows in it would be wasted work.
  bool goesWith(BucketNumber number, uint32_t extents);

  // For when the device is full: closes the open bucket when most of it was deleted, and schedules the compaction of
  // buckets that are mostly dead as far as there is room for it.
  void reclaimForSpace();

  // Schedules the dropping of closed buckets nobody uses; at opening.
  void reclaimUnused();

  size_t count();
  // Bytes of all buckets on the device.
  Bytes bytesOnDevice();

 private:
  struct Bucket {
    Family* family;
    uint64_t bytes = 0;  // written to it, as far as not compacted away
    uint64_t liveBytes = 0;
    uint32_t extents = 0;
    uint32_t leases = 0;
    bool isScheduled = false;
    bool isUncompactable = false;  // until the next opening
    TimestampMs earliest = kNoTimestamp;
    TimestampMs latest = kNoTimestamp;
  };
  using Buckets = std::map<BucketNumber, Bucket>;

  // All with mutex_ held.
  static bool isMostlyDead(const Bucket& bucket) { return bucket.bytes > bucket.liveBytes * 2; }
  bool isOpen(BucketNumber number) const { return !buckets_.empty() && buckets_.rbegin()->first == number; }
  bool isFull(const Bucket& bucket, size_t size, TimestampMs timestamp) const;
  void begin();
  void consider(BucketNumber number, Bucket& bucket);
  void considerUnused();

  void sweepRewrites();

  // Jobs of the reclaimer.
  void closeUnused(BucketNumber number);
  void dropIfUnused(BucketNumber number);
  void compact(BucketNumber number);
  void flush(BucketNumber number);

  void release(BucketNumber number);

  RocksStore& store_;
  Reclaimer& reclaimer_;
  RocksOptions options_;
  std::mutex mutex_;
  Buckets buckets_;
  uint32_t lastNumber_ = 0;
  uint32_t lastRewrite_ = 0;
};

}  // namespace cambium::rocks
