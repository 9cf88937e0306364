#pragma once

#include "backends/native/segment_scan.h"

namespace cambium::tools {

// Walks a segment from batch to batch and goes on behind damage, where recovery would stop. Checks headers, order and
// checksums by recovery's own scan (BatchScan).
class SegmentWalk {
 public:
  // A batch, or a stretch of the file that holds none that is sound.
  struct Step {
    uint64_t position;
    uint64_t bytes;
    Offset offset;                         // of the batch, or the one expected at the damage
    kj::Maybe<BatchView> batch = nullptr;  // valid until the next step; null for damage
    // Of damage:
    kj::String what = nullptr;
    kj::String expected = nullptr;
    kj::String found = nullptr;
    bool atEnd = false;  // nothing sound follows
  };

  // From `position`, where a batch begins; kNoOffset expects any offset there.
  SegmentWalk(File& file, uint64_t position, Offset offset);
  KJ_DISALLOW_COPY(SegmentWalk);

  // Null at the end of the file, as long as it was when the walk began.
  kj::Maybe<Step> next();
  // One past the last offset of the batches so far.
  Offset end() const { return expected_; }

 private:
  Step damage(kj::StringPtr reason);
  Step wrongChecksum(ByteView header, uint64_t size);
  Step wrongOffset(ByteView header, uint64_t size);
  Step nothingSound(ByteView header, kj::StringPtr reason);
  size_t readHeader(uint64_t position, kj::byte (&header)[batch_layout::kHeaderBytes]);
  kj::Maybe<Offset> baseAt(uint64_t position);
  bool isSoundAt(uint64_t position, ByteView header);
  kj::Maybe<uint64_t> findSound(uint64_t from);
  void restart(uint64_t position, Offset offset);

  File& file_;
  const uint64_t fileBytes_;
  Offset expected_;
  kj::Maybe<Offset> alternative_;  // what may follow as well, when a base offset was wrong
  bool trusted_ = true;            // expected_ comes from a sound batch
  kj::Maybe<BatchScan> scan_;
};

}  // namespace cambium::tools
