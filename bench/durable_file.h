#pragma once

#include <kj/array.h>
#include <kj/io.h>
#include <kj/string.h>

#include "engine/base/quantity.h"

namespace cambium::bench {

// A file that is written in line, each piece durable before the next: what an active segment could be. One of several
// ways that its bytes may take to the device. Removed by the destructor.
class DurableFile {
 public:
  struct Way {
    // What the file has when it becomes active.
    enum class Blocks {
      kNone,       // it grows with every piece
      kAllocated,  // fallocate: blocks that were never written
      kZeroed,     // it grows by kAheadBytes of zeros whenever small pieces have used up the last ones
      kWritten,    // a segment that was in use before: nothing about it changes but its contents
    };
    Blocks blocks = Blocks::kNone;
    // With kWritten: whether the page cache has forgotten the old contents.
    bool isForgotten = false;
    // O_DIRECT: whole blocks of kBlockBytes from a bounded tail kept in memory. The last block, partly filled, is
    // written again with the next piece. Else through the page cache.
    bool isDirect = false;
  };
  static constexpr size_t kBlockBytes = 4096;
  static constexpr size_t kAheadBytes = size_t{1} << 20;
  static constexpr size_t kTailBytes = size_t{8} << 20;

  // growing, preallocated, zeroed-ahead, recycled, recycled-forgotten, direct-growing, direct. Null for another name.
  static kj::Maybe<Way> wayNamed(kj::StringPtr name);

  // Up to `bytesMax` are going to be written. With kWritten the file is made and written here, once.
  DurableFile(kj::String path, Way way, uint64_t bytesMax);
  ~DurableFile() noexcept(false);
  KJ_DISALLOW_COPY(DurableFile);

  // A segment becomes active: writing starts at its beginning.
  void begin();
  // The segment is not needed any more: what was written is removed, or kept to be recycled.
  void finish();
  // At the end; durable on return. At most kTailBytes, less a block.
  void append(ByteView piece);

 private:
  void openNew(int flags);
  void writeOld();
  void zeroAhead(size_t bytes);
  void appendDirect(ByteView piece);
  // All of `data` at `position`.
  void put(uint64_t position, ByteView data);

  const kj::String path_;
  const Way way_;
  const uint64_t bytesMax_;
  kj::AutoCloseFd file_;
  uint64_t size_ = 0;
  // With kZeroed: how far the file reaches.
  uint64_t zeroedTo_ = 0;
  kj::Array<kj::byte> zeros_;
  // The tail's last bytes, at position modulo kTailBytes; empty unless isDirect.
  kj::Array<kj::byte> tail_;
};

}  // namespace cambium::bench
