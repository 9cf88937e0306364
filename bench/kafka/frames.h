#pragma once

#include <kj/array.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium::bench {

// The few frames of the Kafka protocol that the bench speaks, written by hand and apart from the broker's codec, so
// that a fault there cannot hide itself here. Layouts: the schemas common/message/*.json of Apache Kafka.

enum class KafkaApi : int16_t { kProduce = 0, kFetch = 1, kMetadata = 3, kApiVersions = 18 };

// Appends big-endian fields to a growing buffer; frames stand in it one after another.
class FrameWriter {
 public:
  // Leaves room for a frame's length; end() fills it in.
  void begin();
  void end();

  void int8(int8_t value) { bigEndian(value); }
  void int16(int16_t value) { bigEndian(value); }
  void int32(int32_t value) { bigEndian(value); }
  void int64(int64_t value) { bigEndian(value); }
  void varint(uint32_t value);
  void string(kj::StringPtr value);
  void nullString() { int16(-1); }
  void compactString(kj::StringPtr value);
  void raw(ByteView bytes) { bytes_.addAll(bytes); }

  ByteView bytes() const { return bytes_.asPtr(); }
  bool empty() const { return bytes_.empty(); }
  void clear() { bytes_.clear(); }
  void truncate(size_t size) { bytes_.resize(size); }

 private:
  template <class Integer>
  void bigEndian(Integer value) {
    for (int shift = static_cast<int>(sizeof(value)) * 8 - 8; shift >= 0; shift -= 8)
      bytes_.add(static_cast<kj::byte>(static_cast<uint64_t>(value) >> shift));
  }

  kj::Vector<kj::byte> bytes_;
  size_t begun_ = 0;
};

// Takes big-endian fields from a frame. Throws where the frame is too short. What it returns points into the frame.
class FrameReader {
 public:
  explicit FrameReader(ByteView frame) : rest_(frame) {}

  int8_t int8() { return bigEndian<int8_t>(); }
  int16_t int16() { return bigEndian<int16_t>(); }
  int32_t int32() { return bigEndian<int32_t>(); }
  int64_t int64() { return bigEndian<int64_t>(); }
  uint32_t varint();
  // Null reads as empty.
  kj::String string();
  kj::String compactString();
  ByteView take(size_t count);
  // Tagged fields of a flexible version, ignored.
  void skipTags();

 private:
  template <class Integer>
  Integer bigEndian() {
    uint64_t value = 0;
    for (auto byte : take(sizeof(Integer)))
      value = value << 8 | byte;
    return static_cast<Integer>(value);
  }

  ByteView rest_;
};

// ApiVersions 0, with the length in front.
kj::Array<kj::byte> apiVersionsRequest(int32_t correlation);

// Produce 7 of one batch to one partition, with the length in front. stampCorrelation() makes it the next request.
kj::Array<kj::byte> produceRequest(kj::StringPtr topic, int32_t partition, int16_t acks, ByteView batch);
void stampCorrelation(kj::ArrayPtr<kj::byte> request, int32_t correlation);

// What came back for a produceRequest(), without the length.
struct ProduceAnswer {
  int32_t correlation;
  int16_t error;
  int64_t baseOffset;
};
ProduceAnswer readProduceAnswer(ByteView frame);

// Bytes in front of a frame that hold its length.
constexpr size_t kLengthBytes = 4;
// Longer frames are not taken.
constexpr size_t kFrameBytesMax = 128 << 20;
// The length that stands at the front; throws above kFrameBytesMax.
size_t frameLength(const kj::byte* front);

}  // namespace cambium::bench
