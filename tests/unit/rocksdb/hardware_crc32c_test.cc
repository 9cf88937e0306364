#include "backends/rocksdb/hardware_crc32c.h"

#include <dlfcn.h>
#include <fstream>

#include "tests/unit/rocksdb/rocks_fixture.h"

namespace rocksdb::crc32c {
uint32_t Extend(uint32_t initial, const char* data, size_t size);
}

namespace cambium {
namespace {

using HardwareCrc32c = RocksTest;

TEST_F(HardwareCrc32c, TheLibraryCallsOurs) {
  EXPECT_EQ(dlsym(RTLD_DEFAULT, "_ZN7rocksdb6crc32c6ExtendEjPKcm"), reinterpret_cast<void*>(&rocksdb::crc32c::Extend));
  open();
  auto words = log("words");
  // The write happens on this thread; the write-ahead log carries a checksum over every byte of it.
  uint64_t before = rocks::hardwareChecksumBytes();
  add(*words, 1, 100000);
  EXPECT_GE(rocks::hardwareChecksumBytes() - before, 100000u);
}

// The library's own implementation, under its own name in the same file of the library, cannot be called; but what it
// stored can be read. Each record of the write-ahead log is: masked CRC-32C (4), length (2), type (1), all
// little-endian, then the contents; the checksum covers type and contents (RocksDB's wiki, "Write Ahead Log File
// Format"). Computed here bit by bit.
uint32_t bitwiseCrc32c(const std::string& data) {
  uint32_t state = ~0u;
  for (unsigned char c : data) {
    state ^= c;
    for (int bit = 0; bit < 8; ++bit)
      state = state >> 1 ^ (state & 1 ? 0x82f63b78u : 0);
  }
  return ~state;
}

TEST_F(HardwareCrc32c, StoredValuesAreThoseOfTheFormat) {
  open();
  {
    auto words = log("words");
    add(*words, 1, 5000);
    syncNow(*words);
  }
  kill();
  int records = 0;
  for (auto& name : files(".log")) {
    std::ifstream file(name, std::ios::binary);
    std::string data((std::istreambuf_iterator<char>(file)), {});
    for (size_t at = 0; at + 7 <= data.size();) {
      auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(data[at + i])); };
      uint32_t masked = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
      size_t length = byte(4) | byte(5) << 8;
      if (masked == 0 && length == 0) break;
      uint32_t crc = bitwiseCrc32c(data.substr(at + 6, 1 + length));
      EXPECT_EQ(masked, (crc >> 15 | crc << 17) + 0xa282ead8u) << name << " at " << at;
      at += 7 + length;
      ++records;
    }
  }
  EXPECT_GE(records, 2);
  open();
  expectWhole(*log("words"), 5000);
}

}  // namespace
}  // namespace cambium
