#pragma once

#include "engine/record/batch_view.h"
#include "engine/storage/file_system.h"

namespace cambium {

// Where a batch lies in its segment.
struct BatchPlace {
  uint64_t position;
  uint64_t bytes;
  Offset base;
  Offset last;
  TimestampMs maxTimestamp;
};

// Throws for contents that cannot be what was written: names the file, the position and the offset expected there.
[[noreturn]] void throwDamaged(FileSystem& fileSystem, kj::StringPtr path, uint64_t position, Offset offset,
                               kj::StringPtr what);

// The batch whose header lies at `position`, of a segment that ends at `end`; null when there is none. Checks no
// checksum.
kj::Maybe<BatchPlace> batchAt(File& file, uint64_t position, uint64_t end);

// Walks the batch headers of a part of a segment; checks no checksum. Reads a few KiB at a time and steps over large
// batches.
class HeaderScan {
 public:
  // From `position`, which is a batch boundary, to `end`. `path` is for messages.
  HeaderScan(FileSystem& fileSystem, File& file, kj::String path, uint64_t position, uint64_t end)
      : fileSystem_(fileSystem), file_(file), path_(kj::mv(path)), position_(position), end_(end) {}
  KJ_DISALLOW_COPY(HeaderScan);

  // The next batch, or null at the end. Throws when there is no header where one must be.
  kj::Maybe<BatchPlace> next();

 private:
  static constexpr size_t kChunkBytes = 4096;

  FileSystem& fileSystem_;
  File& file_;
  const kj::String path_;
  uint64_t position_;
  const uint64_t end_;
  Offset expected_ = kNoOffset;
  uint64_t chunkPosition_ = 0;
  size_t chunkSize_ = 0;
  kj::byte chunk_[kChunkBytes];
};

// Walks whole batches from a position to where they stop being sound, checking checksums and order: what recovery does.
class BatchScan {
 public:
  // Expects the first batch at `position` to begin at `offset`.
  BatchScan(File& file, uint64_t position, Offset offset);
  KJ_DISALLOW_COPY(BatchScan);

  // The next batch, valid until the following call. Null at the end of what is sound.
  kj::Maybe<BatchView> next();
  // One past the last sound byte.
  uint64_t position() const { return position_; }
  // Why it stopped, empty when that was at the very end of the file.
  kj::StringPtr stopped() const { return stopped_; }
  // True when what it stopped at lacks only its end: the file ends before the batch does.
  bool cutShort() const { return cutShort_; }
  uint64_t fileBytes() const { return fileBytes_; }

 private:
  ByteView available() const { return buffer_.slice(begin_, filled_); }
  bool fill(size_t need);

  File& file_;
  uint64_t position_;
  Offset expected_;
  const uint64_t fileBytes_;
  kj::StringPtr stopped_ = ""_kj;
  bool cutShort_ = false;
  kj::Array<kj::byte> buffer_;
  size_t begin_ = 0;   // of what has not been walked over
  size_t filled_ = 0;  // end of what was read
};

// True when `tail`, which begins where a segment stopped being sound, holds a whole batch with a matching checksum that
// belongs at `from` or behind: then what stopped the scan was damage, not a write that was torn. Looks at every byte;
// also true when that takes too long to tell.
bool holdsSoundBatch(ByteView tail, Offset from);

}  // namespace cambium
