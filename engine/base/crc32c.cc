#include "engine/base/crc32c.h"

#include <isa-l/crc.h>

namespace cambium {

uint32_t crc32c(ByteView data, uint32_t previous) {
  // ISA-L takes the length as an int and wants the register, not the finished value; its parameter lacks a const.
  constexpr size_t kPieceMax = size_t{1} << 30;
  uint32_t state = ~previous;
  while (data.size() > 0) {
    size_t size = kj::min(data.size(), kPieceMax);
    state = crc32_iscsi(const_cast<kj::byte*>(data.begin()), static_cast<int>(size), state);
    data = data.slice(size, data.size());
  }
  return ~state;
}

}  // namespace cambium
