#include "backends/rocksdb/wal_end.h"

#include <algorithm>

#include "engine/base/crc32c.h"

namespace cambium::rocks {

namespace {

constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kSectorBytes = 512;
// checksum (4), length (2), type (1), little-endian
constexpr size_t kHeaderBytes = 7;
constexpr size_t kLengthAt = 4;
constexpr size_t kTypeAt = 6;
constexpr kj::byte kTypeMax = 4;  // full, first, middle, last
// Shorter runs of zeros are nothing special.
constexpr size_t kZerosMin = 16;

uint32_t littleEndian(const kj::byte* from, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = bytes; i-- > 0;)
    value = value << 8 | from[i];
  return value;
}

// The library stores checksums like this, so that a checksum over checksums is none.
uint32_t masked(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

bool isUnwritten(ByteView file, size_t begin, size_t end) {
  for (size_t from = begin; from < end;) {
    size_t to = std::min(end, (from / kSectorBytes + 1) * kSectorBytes);
    bool zeros = std::all_of(file.begin() + from, file.begin() + to, [](kj::byte b) { return b == 0; });
    // The first part has the record's header, which is never zeros.
    if (zeros && (to - from >= kZerosMin || from == begin)) return true;
    from = to;
  }
  return false;
}

}  // namespace

kj::Maybe<size_t> findUnwritten(ByteView file) {
  for (size_t at = 0; at < file.size();) {
    size_t blockEnd = std::min(file.size(), (at / kBlockBytes + 1) * kBlockBytes);
    if (blockEnd - at < kHeaderBytes) {
      // Too little room for a record: the library fills it up.
      at = blockEnd;
      continue;
    }
    size_t length = littleEndian(file.begin() + at + kLengthAt, 2);
    auto type = file[at + kTypeAt];
    size_t end = at + kHeaderBytes + length;
    bool known = type >= 1 && type <= kTypeMax && end <= blockEnd;
    if (known && masked(crc32c(file.slice(at + kTypeAt, end))) == littleEndian(file.begin() + at, kLengthAt)) {
      at = end;
      continue;
    }
    // With a header that cannot be read the record may reach to the end of its block.
    if (isUnwritten(file, at, known ? end : blockEnd)) return at;
    return nullptr;
  }
  return nullptr;
}

}  // namespace cambium::rocks
