#pragma once

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"
#include "engine/base/uuid.h"
#include "engine/storage/extent_rewrite.h"

namespace cambium {

// start <= durable <= end, always. A log that never held anything has all three equal.
struct Bounds {
  Offset start;    // first offset that can be read
  Offset durable;  // everything below survives a power loss
  Offset end;      // the next append begins here
};

// A piece of a log that can be reclaimed as a whole, oldest first: a segment, or what one bucket holds of this log.
struct Extent {
  Offset first;
  Offset end;  // one past the last offset
  Bytes bytes;
  TimestampMs maxTimestamp;  // kNoTimestamp when there is none
};

// Where a search by time ended: the batch that holds the record looked for.
struct TimeHit {
  Offset baseOffset;
  TimestampMs maxTimestamp;  // of that batch
};

// What an engine may be told about one log; alterable while the log is open.
struct LogOptions {
  Bytes segmentBytes = mebibytes(128);         // an extent is closed when the next batch would make it larger
  int64_t segmentMs = 7LL * 24 * 3600 * 1000;  // … or when the next batch is that much newer than its first
  Bytes indexIntervalBytes = kibibytes(4);  // at most about this much is read to find an offset after its index lookup
  Bytes indexBytesMax = mebibytes(10);      // an extent is closed when its index would grow larger
};

// The slow part of making a log durable, cut out of the log so that it can run on another thread while the log goes on
// being used. See PartitionLog::startSync.
class SyncJob {
 public:
  virtual ~SyncJob() noexcept(false) = default;

  // Everything below this offset is durable once run() has returned.
  virtual Offset end() const = 0;
  // Bytes that had not been synced when the job was made; for measuring.
  virtual Bytes bytes() const = 0;
  // Blocks until it is done; touches no state of the log; any thread, once. Throws OVERLOADED when it was not even
  // tried, because the store waits for a full device to have room again: nothing is lost, and run() may be called once
  // more. Throws FAILED when the device refuses: the log must then be told by breakLog() and is lost until it is opened
  // again.
  virtual void run() = 0;
};

// One replica of one partition: record batches in offset order. Batches are opaque but for base offset, last offset,
// max timestamp, length and checksum. Plain blocking calls, from one thread at a time; no method waits for another
// thread.
//
// Throws kj::Exception for what should not happen: OVERLOADED when the device is full (the append was undone, the log
// may go on), FAILED for an I/O error or corruption. After FAILED the log is broken: every further call throws the same
// until it is opened anew. Nothing is ever deleted because it could not be read. An engine's logs must be destroyed
// before the engine.
class PartitionLog {
 public:
  virtual ~PartitionLog() noexcept(false) = default;

  // Appends one or more whole batches whose base offset and leader epoch are stamped. Requires: the first base offset
  // equals bounds().end, and each further batch continues at the one before it. A batch need not hold records. Returns
  // the new end. Readable at once, durable after a sync. All of it or (when the device is full) nothing.
  virtual Offset append(ByteView batches) = 0;

  // Whole batches in order, beginning with the one that contains `from`, as many as fit into `bytesMax`, none of them
  // reaching beyond `upTo`:
  //
  //     batches [0..9] [10..19] [20..29]
  //     read(13, 30, 1 byte)   -> [10..19]              at least one, however large
  //     read(13, 20, 1 MiB)    -> [10..19]
  //     read(13, 19, 1 MiB)    -> nothing                [10..19] reaches beyond 19
  //     read(30, 30, 1 MiB)    -> nothing
  //
  // Requires bounds().start <= from <= upTo <= bounds().end. `upTo` is a batch boundary in all but odd cases. After
  // dropBefore(13) the batch [10..19] is still returned whole. Checks the checksum of what it returns. The result owns
  // its bytes.
  virtual kj::Array<const kj::byte> read(Offset from, Offset upTo, Bytes bytesMax) = 0;

  // The first batch, by offset, that ends beyond bounds().start and whose max timestamp is at least `atLeast`; null
  // when there is none. A batch without a timestamp is never it. Uses the time index, reads batch headers of at most
  // one index interval.
  virtual kj::Maybe<TimeHit> seekTime(TimestampMs atLeast) = 0;
  // The largest max timestamp of the log with the first batch that carries it; null when no batch has a timestamp.
  virtual kj::Maybe<TimeHit> maxTimestamp() = 0;

  // Names everything that must reach the device for what has been appended so far; does not block. Null when nothing is
  // dirty. At most one job at a time; after run(), on the owner's thread, exactly one of finishSync and breakLog
  // follows.
  virtual kj::Maybe<kj::Own<SyncJob>> startSync() = 0;
  // Moves bounds().durable to the job's end (less when the log was truncated below it meanwhile).
  virtual void finishSync(kj::Own<SyncJob> job) = 0;
  // A sync failed: what is not durable is lost. Every further call throws with this reason.
  virtual void breakLog(kj::Own<SyncJob> job, kj::StringPtr reason) = 0;

  // Forgets everything below `start`: bounds().start moves there exactly; space is freed by whole extents. Durable on
  // return. Requires bounds().start <= start <= bounds().end; what is not yet durable below start is made so or
  // forgotten.
  //
  //     extents [0..99] [100..199] [200..   dropBefore(150) frees [0..99]; offsets 100..149 are unreadable but still on
  //     disk
  virtual void dropBefore(Offset start) = 0;

  // Forgets everything from `end` on; `end` must be a batch boundary (throws otherwise, naming the batch). Durable on
  // return: the cut-off batches never come back, whatever happens next. The next append begins at `end`.
  virtual void truncateFrom(Offset end) = 0;

  // Forgets everything and continues at `start`, which may lie anywhere (a replica that starts behind a gap). Durable
  // on return.
  virtual void resetTo(Offset start) = 0;

  // Prepares the replacement of the extents that make up [first, end), which are closed (appends do not go to them) and
  // durable; several extents become one. Requires that both are boundaries of extents as extents() tells them and that
  // end - first fits into a signed 32-bit integer. A log has one rewrite at a time: starting another one gives up the
  // one before.
  //
  //     extents [0..99] [100..199] [200..   startRewrite(0, 200)
  virtual kj::Own<ExtentRewrite> startRewrite(Offset first, Offset end) = 0;
  // Puts it in place of the extents, atomically and durably: after a crash either the old or the new ones are there.
  // `rewrite` is of this log and finished. False, and nothing changed, when meanwhile the log was cut or reset below
  // the rewrite's end, its start moved beyond the rewrite's first(), or another rewrite was started.
  //
  //     rewrite of [0, 200)   dropBefore(13), truncateFrom(199), resetTo(…) give it up; appends, truncateFrom(200) do
  //     not
  virtual bool finishRewrite(kj::Own<ExtentRewrite> rewrite) = 0;

  // Closes the extent that appends go to, so that the next append begins a new one. Nothing when there is none. Not
  // durable by itself: after a crash the extent may be open again.
  virtual void closeExtent() = 0;

  virtual Bounds bounds() const = 0;
  virtual kj::Vector<Extent> extents() = 0;
  // Bytes on the device that this log holds, indexes included; cheap, may lag a little.
  virtual Bytes sizeBytes() const = 0;
  virtual void configure(LogOptions options) = 0;
};

// What a sync on the calling thread amounts to; for tests, tools and start-up.
void syncNow(PartitionLog& log);

}  // namespace cambium
