#include "engine/base/byte_cursor.h"

namespace cambium {

namespace {
int64_t fromZigzag(uint64_t raw) {
  return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
}
}  // namespace

void ByteReader::fail() {
  failed_ = true;
  data_ = nullptr;
}

uint64_t ByteReader::rawVarint(int bytesMax, int bitsMax) {
  uint64_t value = 0;
  for (int i = 0; i < bytesMax; ++i) {
    if (data_.size() == 0) break;
    kj::byte b = data_[0];
    data_ = data_.slice(1, data_.size());
    int shift = 7 * i;
    int room = bitsMax - shift;
    if (room < 7 && (b & 0x7f) >> room != 0) break;
    value |= static_cast<uint64_t>(b & 0x7f) << shift;
    if ((b & 0x80) == 0) {
      // A last byte of zero adds nothing: the number was written longer than it is.
      if (b == 0 && i > 0) break;
      return value;
    }
  }
  fail();
  return 0;
}

int32_t ByteReader::varint32() {
  return static_cast<int32_t>(fromZigzag(rawVarint(5, 32)));
}
int64_t ByteReader::varint64() {
  return fromZigzag(rawVarint(10, 64));
}
uint32_t ByteReader::unsignedVarint32() {
  return static_cast<uint32_t>(rawVarint(5, 32));
}

ByteView ByteReader::bytes(size_t size) {
  if (size > data_.size()) {
    fail();
    return nullptr;
  }
  ByteView result = data_.slice(0, size);
  data_ = data_.slice(size, data_.size());
  return result;
}

void ByteWriter::rawVarint(uint64_t v) {
  while (v >= 0x80) {
    out_.add(static_cast<kj::byte>(v | 0x80));
    v >>= 7;
  }
  out_.add(static_cast<kj::byte>(v));
}

size_t varintSize(int64_t v) {
  uint64_t raw = (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
  return (static_cast<size_t>(std::bit_width(raw | 1)) + 6) / 7;
}

}  // namespace cambium
