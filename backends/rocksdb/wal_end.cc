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

size_t blockEndOf(ByteView file, size_t at) {
  return std::min(file.size(), (at / kBlockBytes + 1) * kBlockBytes);
}

// Where the record ends whose header, which is there, begins at `at`; null when that is no header.
kj::Maybe<size_t> endOfRecord(ByteView file, size_t at) {
  auto type = file[at + kTypeAt];
  size_t end = at + kHeaderBytes + littleEndian(file.begin() + at + kLengthAt, 2);
  if (type < 1 || type > kTypeMax || end > blockEndOf(file, at)) return nullptr;
  return end;
}

bool isSound(ByteView file, size_t at, size_t end) {
  return masked(crc32c(file.slice(at + kTypeAt, end))) == littleEndian(file.begin() + at, kLengthAt);
}

bool isUnwritten(ByteView file, size_t begin, size_t end) {
  for (size_t from = begin; from < end;) {
    // To the sector's end, also where the record ends before that.
    size_t to = std::min(file.size(), (from / kSectorBytes + 1) * kSectorBytes);
    bool zeros = std::all_of(file.begin() + from, file.begin() + to, [](kj::byte b) { return b == 0; });
    if (zeros) return true;
    from = to;
  }
  return false;
}

// Visits the records of the file, or the parts of them that fit into one block. Returns where that ends before the end
// of the file, and how far an unsound record there may reach.
struct Unsound {
  size_t at, end;
};
kj::Maybe<Unsound> forEachFragment(ByteView file, kj::FunctionParam<void(kj::byte type, ByteView payload)> visit) {
  for (size_t at = 0; at < file.size();) {
    size_t blockEnd = blockEndOf(file, at);
    if (blockEnd - at < kHeaderBytes) {
      // Too little room for a record: the library fills it up.
      at = blockEnd;
      continue;
    }
    // With a header that cannot be read the record may reach to the end of its block.
    size_t end = blockEnd;
    KJ_IF_MAYBE(known, endOfRecord(file, at)) {
      end = *known;
      if (isSound(file, at, end)) {
        visit(file[at + kTypeAt], file.slice(at + kHeaderBytes, end));
        at = end;
        continue;
      }
    }
    return Unsound{at, end};
  }
  return nullptr;
}

}  // namespace

kj::Maybe<size_t> findUnwritten(ByteView file) {
  KJ_IF_MAYBE(unsound, forEachFragment(file, [](kj::byte, ByteView) {})) {
    if (isUnwritten(file, unsound->at, unsound->end)) return unsound->at;
  }
  return nullptr;
}

kj::Maybe<size_t> findUnsound(ByteView file) {
  return forEachFragment(file, [](kj::byte, ByteView) {}).map([](const Unsound& unsound) { return unsound.at; });
}

void forEachRecord(ByteView file, kj::FunctionParam<void(ByteView)> visit) {
  constexpr kj::byte kFull = 1, kFirst = 2, kLast = 4;
  kj::Vector<kj::byte> parts;
  forEachFragment(file, [&](kj::byte type, ByteView payload) {
    if (type == kFull) return visit(payload);
    if (type == kFirst) parts.clear();
    parts.addAll(payload);
    if (type == kLast) visit(parts);
  });
}

size_t countSoundRecords(ByteView file, size_t position) {
  size_t count = 0;
  for (size_t at = position; at + kHeaderBytes <= file.size();) {
    size_t next = at + 1;
    KJ_IF_MAYBE(end, endOfRecord(file, at)) {
      if (isSound(file, at, *end)) {
        ++count;
        next = *end;
      }
    }
    at = next;
  }
  return count;
}

}  // namespace cambium::rocks
