#pragma once

#include <kj/array.h>

#include "engine/record/batch_view.h"
#include "engine/record/compression.h"
#include "engine/record/record.h"

namespace cambium {

struct BatchOptions {
  Codec codec = Codec::kNone;
  int compressionLevel = kDefaultCompressionLevel;
  // -1: not an idempotent producer's.
  int64_t producerId = -1;
  int16_t producerEpoch = -1;
  int32_t baseSequence = -1;
  bool transactional = false;
  bool control = false;
  TimestampType timestampType = TimestampType::kCreateTime;
};

// Builds record batches (format: batch_view.h, record.h). Records are encoded straight into the buffer that finish()
// hands over; only a codec other than kNone makes a second pass.
//
//     BatchBuilder builder;
//     builder.add(now, key, value);
//     kj::Array<kj::byte> batch = builder.finish();
class BatchBuilder {
 public:
  explicit BatchBuilder(BatchOptions options = {}) : options_(options) {}
  KJ_DISALLOW_COPY(BatchBuilder);

  // Appends a record; its offset is the base offset plus the number of records before it. Copies what it is given. The
  // batch must stay below 2 GiB and a record within kRecordHeadersMax: check that, and sizeBytes() + recordSizeBytes(),
  // first where they come from outside.
  void add(TimestampMs timestamp, kj::Maybe<ByteView> key, kj::Maybe<ByteView> value,
           kj::ArrayPtr<const RecordHeader> headers = nullptr);

  // Records added since the last finish().
  int32_t count() const { return count_; }
  // Size of the batch so far, header included, before compression: what finish() returns for Codec::kNone.
  size_t sizeBytes() const { return used_; }
  // By how much adding such a record makes sizeBytes() grow at most; the rest depends on its neighbours (up to 13 bytes
  // less).
  static size_t recordSizeBytes(kj::Maybe<ByteView> key, kj::Maybe<ByteView> value,
                                kj::ArrayPtr<const RecordHeader> headers = nullptr);

  // Returns the whole batch, with base offset 0, leader epoch -1 and its checksum, and starts over with the same
  // options. At least one record must have been added.
  kj::Array<kj::byte> finish();

 private:
  void reserve(size_t bytes);
  void fillHeader(kj::ArrayPtr<kj::byte> batch) const;

  BatchOptions options_;
  kj::Array<kj::byte> buffer_;
  // How much to allocate when there is no buffer.
  size_t firstBufferBytes_ = 1024;
  // Bytes of buffer_ in use. The header has its place in front from the start.
  size_t used_ = batch_layout::kHeaderBytes;
  int32_t count_ = 0;
  TimestampMs baseTimestamp_{0};
  TimestampMs maxTimestamp_{0};
};

}  // namespace cambium
