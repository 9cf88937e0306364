#pragma once

#include <kj/array.h>
#include <kj/vector.h>

#include "engine/base/byte_cursor.h"
#include "engine/record/batch_view.h"
#include "engine/record/compression.h"
#include "engine/record/record.h"

namespace cambium {

// Reads the records of one batch from front to back. Believes nothing: whatever bytes the batch holds, the outcome is
// records or an error, with memory in proportion to what was really there. The checksum is not looked at (see
// validator.h).
//
//     RecordReader reader(batch);
//     while (auto* record = reader.next()) use(*record);
//     KJ_IF_MAYBE(error, reader.error()) return kj::mv(*error);
//
// The batch's bytes must outlive the reader.
class RecordReader {
 public:
  explicit RecordReader(BatchView batch, DecompressionLimits limits = {});
  KJ_DISALLOW_COPY(RecordReader);

  // The next record, or null after the last one and after an error. The record lives until the following call; the
  // bytes of key, value and headers do so too, and for an uncompressed batch as long as the batch. Offsets ascend, with
  // gaps where compaction took records out. With TimestampType::kLogAppendTime every record has the batch's max
  // timestamp.
  const RecordView* next();

  // Why reading ended early; null when it did not (yet). kCorruptMessage: lengths, counts or compressed data that make
  // no sense, fewer or more records than the batch announces. kInvalidRecord: offsets out of order or beyond the
  // batch's last, a header without key. kMessageTooLarge: over the limits. kUnsupportedCompressionType: unknown codec.
  // The message names the record by its position in the batch, from 0.
  kj::Maybe<Error> error() const;

 private:
  // Each of these fails the reader and returns false when its part is not right.
  bool takeBody(ByteView* body);
  bool parse(ByteView body);
  bool parseHeaders(ByteReader& reader);
  bool nullable(ByteReader& reader, kj::StringPtr what, kj::Maybe<ByteView>* field);
  bool checkEnd();

  // Makes unread_ hold at least `bytes`, if there are that many.
  bool fill(size_t bytes);
  bool draw();
  template <class... Parts>
  bool fail(ErrorCode code, Parts&&... parts);

  BatchView batch_;
  // Null for uncompressed batches.
  kj::Maybe<kj::Own<ByteSource>> source_;
  // Decompressed bytes; unread_ points into it, or into the batch when there is no source.
  kj::Array<kj::byte> buffer_;
  ByteView unread_;
  int32_t index_ = 0;
  int32_t lastDelta_ = -1;
  bool done_ = false;
  kj::Maybe<Error> error_;
  kj::Vector<RecordHeader> headers_;
  RecordView record_;
};

}  // namespace cambium
