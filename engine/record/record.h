#pragma once

#include "engine/base/quantity.h"

namespace cambium {

// One header of a record. The key is never null (it may be empty); a null value differs from an empty one.
struct RecordHeader {
  ByteView key;
  kj::Maybe<ByteView> value;
};

// One record as a reader sees it: borrowed views, whose life RecordReader::next() states. A null value is a tombstone:
// on a compacted topic it deletes the key.
struct RecordView {
  Offset offset;
  TimestampMs timestamp;
  kj::Maybe<ByteView> key;
  kj::Maybe<ByteView> value;
  kj::ArrayPtr<const RecordHeader> headers;
};

// Headers of one record at most. Kafka sets no limit; here it keeps two bytes of a header in a message from becoming 40
// in memory without end.
inline constexpr size_t kRecordHeadersMax = size_t{1} << 16;

// The record inside a batch (Kafka's docs, "Record"). Lengths and deltas are zigzag varints, -1 stands for null:
//
//     length of what follows, attributes (1 byte, unused), timestamp delta, offset delta,
//     key length, key, value length, value, header count, { key length, key, value length, value } per header
//
// Deltas count from the base timestamp and base offset of the batch.
namespace record_layout {
// Every part in one byte: the smallest possible record.
inline constexpr size_t kRecordBytesMin = 7;
// Two lengths.
inline constexpr size_t kHeaderBytesMin = 2;
inline constexpr size_t kVarint32BytesMax = 5;
inline constexpr size_t kVarint64BytesMax = 10;
}  // namespace record_layout

}  // namespace cambium
