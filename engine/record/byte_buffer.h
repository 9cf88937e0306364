#pragma once

#include <cstring>

#include <kj/array.h>
#include <kj/debug.h>

#include "engine/base/quantity.h"

namespace cambium {

// The first `used` bytes of `buffer` as an array. Not copied as long as they fill at least half of it; a mostly empty
// buffer is replaced by one that fits, so that a small result does not hold on to much memory. `used` is at least 1.
inline kj::Array<kj::byte> trimmed(kj::Array<kj::byte> buffer, size_t used) {
  KJ_REQUIRE(used > 0 && used <= buffer.size());
  if (used == buffer.size()) return buffer;
  if (used < buffer.size() / 2) return kj::heapArray<kj::byte>(buffer.slice(0, used));
  return buffer.slice(0, used).attach(kj::mv(buffer));
}

// Makes `buffer` at least `wanted` bytes large, at least doubling it, and keeps the first `used` bytes.
inline void grow(kj::Array<kj::byte>& buffer, size_t used, size_t wanted) {
  auto larger = kj::heapArray<kj::byte>(kj::max(wanted, buffer.size() * 2));
  if (used > 0) memcpy(larger.begin(), buffer.begin(), used);
  buffer = kj::mv(larger);
}

}  // namespace cambium
