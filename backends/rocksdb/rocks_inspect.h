#pragma once

#include <kj/function.h>

#include "engine/storage/storage_engine.h"

namespace cambium {

struct RocksBucketInfo {
  kj::String family;
  Bytes bytes;  // on the device and in the write-ahead log
};

struct RocksExtentInfo {
  Extent extent;
  kj::String family;  // the bucket that its batches lie in
};

struct RocksLogInfo {
  LogId id;
  uint32_t number;  // what stands for the log in keys
  Offset start;
  Offset end;
  kj::Vector<RocksExtentInfo> extents;
};

// One batch as the store has it. The views live during the call they are given to.
struct RocksBatchInfo {
  Offset baseOffset;      // as the index says
  kj::StringPtr family;   // where it lies …
  ByteView key;           // … and under which key: log number (4), base offset (8), see key_layout.h
  ByteView bytes;         // empty when it is missing
  kj::StringPtr problem;  // "" when it is sound
};

// Looks at a store without changing anything in it, for tools. One thread.
//
// Works beside a running broker, of which it sees what stood in files when it was opened, less what was then still on
// its way: such a look may miss the newest batches, and fail when the broker removes files meanwhile. Look again, or
// stop the broker.
class RocksInspector {
 public:
  virtual ~RocksInspector() noexcept(false) = default;

  virtual kj::Array<RocksBucketInfo> buckets() = 0;
  // Sorted by name.
  virtual kj::Array<RocksLogInfo> logs() = 0;
  // Batches in the order of offsets, beginning with the one that holds `from` or, when there is none, the first behind
  // it, until `visit` returns false. Damaged ones are visited too. Throws when there is no such log or the index cannot
  // be read.
  virtual void batches(kj::StringPtr log, Offset from, kj::FunctionParam<bool(const RocksBatchInfo&)> visit) = 0;

  // Names of tables, sorted.
  virtual kj::Array<kj::String> tables() = 0;
  virtual void scan(kj::StringPtr table, ByteView prefix,
                    kj::FunctionParam<bool(ByteView key, ByteView value)> visit) = 0;

  // Reads everything: the library's checksums of all files, every batch with its own checksum, and whether index,
  // blocks, extents and batches agree. Tells `problem` one line about each fault; returns the number of batches read.
  // Without `readsBatches` what batches() would show is left out, for a caller who walks there as well.
  virtual uint64_t verify(kj::FunctionParam<void(kj::StringPtr)> problem, bool readsBatches = true) = 0;
};

// Throws FAILED when there is no store in folder `path` or it cannot be opened at all.
kj::Own<RocksInspector> inspectRocks(kj::StringPtr path);

}  // namespace cambium
