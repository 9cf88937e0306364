#pragma once

#include <kj/function.h>

#include "engine/storage/partition_log.h"

namespace cambium {

// Names a log. The incarnation tells a log from an earlier one of the same name: a topic that was deleted and made
// again never sees its predecessor's batches.
struct LogId {
  kj::String name;  // 1 to 255 characters of [a-zA-Z0-9._-], not "." or ".."
  Uuid incarnation;

  LogId clone() const { return {kj::str(name), incarnation}; }
  friend bool operator==(const LogId& a, const LogId& b) { return a.name == b.name && a.incarnation == b.incarnation; }
};

// One step of an atomic change to tables.
struct TableChange {
  kj::StringPtr table;
  ByteView key;
  kj::Maybe<ByteView> value;  // null deletes
};

struct EngineOptions {
  // Where a log's logs and tables report what recovery does, one line each; any thread. For example "words-0: scanned
  // 12 MiB".
  kj::Function<void(kj::StringPtr)> report = [](kj::StringPtr) {};
};

// What an engine holds, for metrics and tools.
struct EngineUsage {
  Bytes logBytes;
  Bytes tableBytes;
  uint64_t openFiles;
};

// One engine over one folder: logs, and tables of ordered bytes. Methods may be called from any thread, also at the
// same time; they block. Opening the engine (each has a factory of its own) recovers it. Destroying it without close()
// is what a crash leaves, less the data the system still holds.
class StorageEngine {
 public:
  virtual ~StorageEngine() noexcept(false) = default;

  // "native", "rocksdb" or "memory"; for messages and metrics, never for decisions.
  virtual kj::StringPtr name() const = 0;

  // Opens a log, made when there is none of that name. Recovers it: cuts a torn tail, rebuilds indexes that are missing
  // or damaged. Throws when something before the durable point is damaged, or when a log of another incarnation has
  // that name. Throws when the log is open already.
  virtual kj::Own<PartitionLog> open(LogId id, LogOptions options) = 0;
  // Every log that exists, sorted by name.
  virtual kj::Array<LogId> list() = 0;
  // Whether there is this log, or one of its name that nobody can read.
  virtual bool holds(const LogId& id) = 0;
  // Removes a log, which must not be open, with all it holds. Durable on return: it never comes back. Does nothing when
  // there is no such log; a log of the same name and another incarnation is left alone. May take long: call it off the
  // loops.
  virtual void drop(LogId id) = 0;

  // Table names are few and fixed: 1 to 64 characters of [a-z0-9_]. A table exists once something is committed to it.
  // The value of a key, or null. "Damaged" throws, it is never "absent".
  virtual kj::Maybe<kj::Array<kj::byte>> get(kj::StringPtr table, ByteView key) = 0;
  // Every key that starts with `prefix`, in order of bytes, until `visit` returns false. The views live during the
  // call; `visit` must not call the engine.
  virtual void scan(kj::StringPtr table, ByteView prefix,
                    kj::FunctionParam<bool(ByteView key, ByteView value)> visit) = 0;
  // Applies all changes or none, in order, durable on return. A get() that begins after the return sees them. Throws
  // OVERLOADED when the device is full: nothing was changed, a later commit may succeed.
  virtual void commit(kj::ArrayPtr<const TableChange> changes) = 0;

  virtual EngineUsage usage() = 0;
  // About how much the engine will still write for what it has taken already and keeps in memory, beside what lies in
  // its logs on the device. Cheap: asked several times a second.
  virtual Bytes owedBytes() = 0;
  // Gives space back as far as it can at once: writes what it keeps in memory and what is only kept for that, and
  // clears away what was deleted, where there is room to do so; may go on after the return. For when the device is
  // full, and again and again; call it off the loops.
  virtual void reclaim() = 0;
  // Syncs everything and marks the store clean, so that the next opening reads no record data. All logs must be
  // destroyed first. Afterwards only the destructor may be called.
  virtual void close() = 0;
};

}  // namespace cambium
