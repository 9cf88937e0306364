#pragma once

#include "engine/base/byte_cursor.h"
#include "engine/base/error.h"

namespace cambium {

// How the records of a batch are compressed: the lowest three bits of its attributes.
enum class Codec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };
inline constexpr int kCodecCount = 5;

// "none", "gzip", "snappy", "lz4", "zstd".
kj::StringPtr codecName(Codec codec);
kj::Maybe<Codec> parseCodec(kj::StringPtr name);

// Whose clock the timestamps of a batch come from: bit 3 of its attributes.
enum class TimestampType : uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

// The record batch, format version 2 ("magic 2", KIP-98; Kafka's docs, "Record Batch"). All integers big-endian:
//
//     position  size
//            0     8  base offset
//            8     4  batch length: bytes that follow this field
//           12     4  partition leader epoch
//           16     1  magic, 2
//           17     4  CRC-32C of everything from the attributes to the end
//           21     2  attributes: codec (bits 0-2), timestamp type (3), transactional (4), control (5), delete horizon
//           (6) 23     4  last offset delta 27     8  base timestamp 35     8  max timestamp 43     8  producer id 51
//           2  producer epoch 53     4  base sequence 57     4  record count 61        records, compressed as a whole
//           when the attributes say so
//
// Base offset and leader epoch lie outside the checksum: a broker stamps them without touching the rest.
namespace batch_layout {
inline constexpr size_t kBaseOffset = 0;
inline constexpr size_t kLength = 8;
inline constexpr size_t kLeaderEpoch = 12;
inline constexpr size_t kMagic = 16;
inline constexpr size_t kCrc = 17;
inline constexpr size_t kAttributes = 21;
inline constexpr size_t kLastOffsetDelta = 23;
inline constexpr size_t kBaseTimestamp = 27;
inline constexpr size_t kMaxTimestamp = 35;
inline constexpr size_t kProducerId = 43;
inline constexpr size_t kProducerEpoch = 51;
inline constexpr size_t kBaseSequence = 53;
inline constexpr size_t kRecordCount = 57;
inline constexpr size_t kHeaderBytes = 61;
// The batch length counts from here.
inline constexpr size_t kLengthFrom = 12;
inline constexpr int8_t kMagicV2 = 2;
}  // namespace batch_layout

// One whole batch in borrowed memory; reads fields in place. Cheap to copy. The accessors trust that the bytes hold at
// least a header; contents are only as sound as whoever checked them (see validator.h).
class BatchView {
 public:
  // The batch that `data` starts with, or null when data does not hold a whole one: fewer bytes than a header, a length
  // below the smallest possible or beyond the end of data, or another magic. Checks nothing else, in particular not the
  // checksum.
  static kj::Maybe<BatchView> first(ByteView data);
  // Bytes that the batch at the start of `data` claims to have in all, when data holds at least 12 bytes. Unchecked:
  // may be negative or huge.
  static int64_t claimedSize(ByteView data) {
    return int64_t{loadBigEndian<int32_t>(data.begin() + batch_layout::kLength)} +
           static_cast<int64_t>(batch_layout::kLengthFrom);
  }

  // The whole batch, header included.
  ByteView bytes() const { return data_; }
  size_t size() const { return data_.size(); }
  // What follows the header: the records, or their compressed form.
  ByteView payload() const { return data_.slice(batch_layout::kHeaderBytes, data_.size()); }

  Offset baseOffset() const { return Offset(field<int64_t>(batch_layout::kBaseOffset)); }
  Offset lastOffset() const { return baseOffset() + int64_t{lastOffsetDelta()}; }
  // The offset after the last one.
  Offset nextOffset() const { return lastOffset() + 1; }
  LeaderEpoch leaderEpoch() const { return LeaderEpoch(field<int32_t>(batch_layout::kLeaderEpoch)); }
  uint32_t crc() const { return field<uint32_t>(batch_layout::kCrc); }
  int16_t attributes() const { return field<int16_t>(batch_layout::kAttributes); }
  // A value above kZstd means an unknown codec; the validator refuses it.
  Codec codec() const { return static_cast<Codec>(attributes() & 0x07); }
  TimestampType timestampType() const { return static_cast<TimestampType>(attributes() >> 3 & 1); }
  bool isTransactional() const { return (attributes() & 0x10) != 0; }
  bool isControl() const { return (attributes() & 0x20) != 0; }
  int32_t lastOffsetDelta() const { return field<int32_t>(batch_layout::kLastOffsetDelta); }
  TimestampMs baseTimestamp() const { return TimestampMs(field<int64_t>(batch_layout::kBaseTimestamp)); }
  TimestampMs maxTimestamp() const { return TimestampMs(field<int64_t>(batch_layout::kMaxTimestamp)); }
  int64_t producerId() const { return field<int64_t>(batch_layout::kProducerId); }
  int16_t producerEpoch() const { return field<int16_t>(batch_layout::kProducerEpoch); }
  int32_t baseSequence() const { return field<int32_t>(batch_layout::kBaseSequence); }
  int32_t recordCount() const { return field<int32_t>(batch_layout::kRecordCount); }

  // Computes the checksum over the contents and compares it with the stored one.
  bool crcMatches() const;

 private:
  explicit BatchView(ByteView data) : data_(data) {}
  template <class T>
  T field(size_t position) const {
    return loadBigEndian<T>(data_.begin() + position);
  }
  ByteView data_;
};

// Stamps what a broker decides when it appends: base offset and leader epoch, both outside the checksum. `batch` starts
// with a whole header.
void stampBatch(kj::ArrayPtr<kj::byte> batch, Offset baseOffset, LeaderEpoch epoch);

// Sets all timestamps of a batch to the broker's (message.timestamp.type=LogAppendTime) and computes the checksum anew.
void stampLogAppendTime(kj::ArrayPtr<kj::byte> batch, TimestampMs now);

// Sets the max timestamp to what the records say, and computes the checksum anew.
void stampMaxTimestamp(kj::ArrayPtr<kj::byte> batch, TimestampMs max);

// Walks batches that lie one after another.
//
//     BatchIterator batches(data);
//     while (auto* batch = batches.next()) use(*batch);
//     if (batches.rest().size() > 0) → a torn or foreign tail
class BatchIterator {
 public:
  explicit BatchIterator(ByteView data) : rest_(data) {}

  // The next batch, valid until the following call, or null at the end or in front of something that is no whole batch.
  const BatchView* next();
  // What was not walked over.
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
  kj::Maybe<BatchView> current_;
};

}  // namespace cambium
