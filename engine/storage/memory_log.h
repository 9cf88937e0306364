#pragma once

#include <deque>

#include "engine/record/batch_view.h"
#include "engine/storage/partition_log.h"

namespace cambium {

// What the memory engine's disk holds of one log: its batches, in extents, and how much of them is durable. The meaning
// of each method is that of the same name in PartitionLog; every violated requirement throws FAILED and changes
// nothing. No locks: see MemoryStore.
class MemoryLogData {
 public:
  explicit MemoryLogData(Uuid incarnation) : incarnation(incarnation) {}
  KJ_DISALLOW_COPY(MemoryLogData);

  const Uuid incarnation;
  // A PartitionLog for it exists.
  bool open = false;

  // Throws unless append(batches) may be called.
  void checkAppend(ByteView batches) const;
  void append(ByteView batches, const LogOptions& options);
  // Throws unless read(from, upTo, …) may be called. What read() itself throws means a damaged batch.
  void checkRead(Offset from, Offset upTo) const;
  kj::Array<const kj::byte> read(Offset from, Offset upTo, Bytes bytesMax) const;
  kj::Maybe<TimeHit> seekTime(TimestampMs atLeast) const;
  kj::Maybe<TimeHit> maxTimestamp() const;

  // Moves bounds().durable to `end`, which is at most bounds().end; never back.
  void makeDurable(Offset end);
  // What a power loss does: everything from bounds().durable on is gone.
  void loseVolatile();

  void dropBefore(Offset start);
  void truncateFrom(Offset end);
  void resetTo(Offset start);

  // Throws unless startRewrite(first, end) may be called.
  void checkRewrite(Offset first, Offset end) const;
  // The batches of whole extents, one after another.
  kj::Array<kj::byte> contents(Offset first, Offset end) const;
  // Makes one closed extent of the extents that make up [first, end), with other batches.
  void replace(Offset first, Offset end, ByteView batches);
  void closeExtent();

  Bounds bounds() const { return bounds_; }
  kj::Vector<Extent> extents() const;
  Bytes sizeBytes() const;
  // Bytes of the batches that reach beyond bounds().durable.
  Bytes dirtyBytes() const;

 private:
  struct StoredBatch {
    Offset base;
    Offset next;
    TimestampMs maxTimestamp;
    kj::Array<const kj::byte> bytes;
  };
  struct StoredExtent {
    std::deque<StoredBatch> batches;  // never empty
    size_t bytes = 0;
    bool closed = false;  // also while it is the last one

    Offset first() const { return batches.front().base; }
    Offset end() const { return batches.back().next; }
  };

  static StoredBatch store(const BatchView& batch);
  bool needsNewExtent(const BatchView& batch, const LogOptions& options) const;
  void cutTail(Offset end);
  // Calls `visit` with every batch that ends beyond `from`, in order, until it returns false.
  template <class Visit>
  void eachBatch(Offset from, Visit visit) const;

  std::deque<StoredExtent> extents_;
  Bounds bounds_{Offset(0), Offset(0), Offset(0)};
};

}  // namespace cambium
