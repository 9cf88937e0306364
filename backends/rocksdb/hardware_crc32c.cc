// Gives RocksDB a CRC-32C that uses the processor's instruction.
//
// Debian 12's librocksdb is built without it: its table-driven loop takes about 1 ns per byte, which is most of what an
// append costs (the write-ahead log carries a checksum over every record). The library calls its own
// rocksdb::crc32c::Extend through the dynamic symbol table, so a definition in the program takes its place; the link
// option --export-dynamic-symbol, which this folder's CMake target hands to every program, makes ours visible. The
// values are equal, so stores move freely between programs with and without it. Where a library does not look the
// symbol up, nothing changes but the speed.
#include "backends/rocksdb/hardware_crc32c.h"

#include "engine/base/crc32c.h"

namespace rocksdb::crc32c {

namespace {
thread_local uint64_t bytesSeen = 0;
}  // namespace

// Declared by the library in util/crc32c.h, which is not installed.
uint32_t Extend(uint32_t initial, const char* data, size_t size);

__attribute__((visibility("default"), used)) uint32_t Extend(uint32_t initial, const char* data, size_t size) {
  bytesSeen += size;
  return cambium::crc32c(kj::arrayPtr(reinterpret_cast<const kj::byte*>(data), size), initial);
}

}  // namespace rocksdb::crc32c

namespace cambium::rocks {

uint64_t hardwareChecksumBytes() {
  return rocksdb::crc32c::bytesSeen;
}

}  // namespace cambium::rocks
