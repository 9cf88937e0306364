#pragma once

#include <bit>
#include <cstring>

#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium {

// Fixed-width big-endian integers, as Kafka's formats use them.
template <class T>
inline T loadBigEndian(const kj::byte* from) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  memcpy(&value, from, sizeof(T));
  if constexpr (sizeof(T) == 2) value = static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4) value = static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8) value = static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  return value;
}
template <class T>
inline void storeBigEndian(kj::byte* to, T value) {
  T swapped = loadBigEndian<T>(reinterpret_cast<const kj::byte*>(&value));
  memcpy(to, &swapped, sizeof(T));
}

// Reads a borrowed byte sequence from front to back. The first read past the end, or of a malformed number, makes the
// reader fail for good: it yields zeros and empty views from then on, so that a decoder checks once, at its end. Never
// throws.
class ByteReader {
 public:
  explicit ByteReader(ByteView data) : data_(data) {}

  bool failed() const { return failed_; }
  // True when everything was read and nothing failed.
  bool finished() const { return !failed_ && data_.size() == 0; }
  size_t remaining() const { return data_.size(); }
  void fail();

  int8_t int8() { return fixed<int8_t>(); }
  int16_t int16() { return fixed<int16_t>(); }
  int32_t int32() { return fixed<int32_t>(); }
  int64_t int64() { return fixed<int64_t>(); }
  uint32_t uint32() { return fixed<uint32_t>(); }
  uint64_t uint64() { return fixed<uint64_t>(); }
  // Zigzag variable-length integers (Protocol Buffers' sint32 and sint64): at most 5 and 10 bytes, overlong ones fail.
  int32_t varint32();
  int64_t varint64();
  // Unsigned base-128 variable-length integer of at most 5 bytes.
  uint32_t unsignedVarint32();
  // The next `size` bytes, borrowed; fails when there are fewer.
  ByteView bytes(size_t size);

 private:
  template <class T>
  T fixed() {
    if (data_.size() < sizeof(T)) {
      fail();
      return 0;
    }
    T value = loadBigEndian<T>(data_.begin());
    data_ = data_.slice(sizeof(T), data_.size());
    return value;
  }
  uint64_t rawVarint(int bytesMax, int bitsMax);

  ByteView data_;
  bool failed_ = false;
};

// Appends to a growing buffer that it owns.
class ByteWriter {
 public:
  explicit ByteWriter(size_t capacity = 0) : out_(capacity) {}

  size_t size() const { return out_.size(); }
  // The bytes so far; valid until the next write. A caller may overwrite what it wrote before (lengths, checksums).
  kj::ArrayPtr<kj::byte> written() { return out_.asPtr(); }
  // Hands over the bytes; the writer is empty afterwards.
  kj::Array<kj::byte> finish() { return out_.releaseAsArray(); }
  void clear() { out_.clear(); }

  void int8(int8_t v) { fixed(v); }
  void int16(int16_t v) { fixed(v); }
  void int32(int32_t v) { fixed(v); }
  void int64(int64_t v) { fixed(v); }
  void uint32(uint32_t v) { fixed(v); }
  void uint64(uint64_t v) { fixed(v); }
  void varint32(int32_t v) { varint64(v); }
  void varint64(int64_t v) { rawVarint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63)); }
  void unsignedVarint32(uint32_t v) { rawVarint(v); }
  void bytes(ByteView v) { out_.addAll(v); }

 private:
  template <class T>
  void fixed(T v) {
    kj::byte buffer[sizeof(T)];
    storeBigEndian(buffer, v);
    out_.addAll(kj::arrayPtr(buffer, sizeof(T)));
  }
  void rawVarint(uint64_t v);

  kj::Vector<kj::byte> out_;
};

// Bytes that ByteWriter::varint64 (and varint32, for values in its range) uses for v: 1 to 10.
size_t varintSize(int64_t v);

}  // namespace cambium
