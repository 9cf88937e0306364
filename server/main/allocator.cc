#include "server/main/allocator.h"

#include <malloc.h>

namespace cambium {

namespace {

constexpr int kKeptBytesMax = 256 << 20;
// Larger blocks still come from the system and go back there at once.
constexpr int kBlockBytesMax = 4 << 20;

}  // namespace

void keepFreedMemory() {
  mallopt(M_TRIM_THRESHOLD, kKeptBytesMax);
  mallopt(M_MMAP_THRESHOLD, kBlockBytesMax);
}

}  // namespace cambium
