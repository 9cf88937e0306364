#pragma once

#include <kj/refcount.h>

#include "engine/partition/partition.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// The copy of a log in another engine while it is made. Every call blocks and runs on the pool, one after another;
// reference-counted, so that a job keeps what it works on. Throws what the engine throws.
class LogCopy final : public kj::AtomicRefcounted {
 public:
  LogCopy(StorageEngine& engine, LogId id) : engine_(engine), id_(kj::mv(id)) {}
  KJ_DISALLOW_COPY(LogCopy);

  // Makes an empty log, in the place of whatever was left there under this id.
  void begin(LogOptions options);
  // Appends a piece of the source, synced whenever `syncEvery` bytes have come together. A piece that begins behind
  // where the last one ended is the new beginning: what was there has gone from the source.
  void append(const LogSlice& slice, Bytes syncEvery);
  void sync();
  // Brings the log to the source's bounds, durable as a whole; throws when it then is anything else than the source is.
  void complete(Bounds source);
  // Closes the log and leaves it there.
  void close() { log_ = nullptr; }

  // Of a complete copy. Once.
  kj::Own<PartitionLog> take() { return kj::mv(log_); }

 private:
  StorageEngine& engine_;
  LogId id_;
  kj::Own<PartitionLog> log_;
  uint64_t unsynced_ = 0;
};

}  // namespace cambium
