#pragma once

#include <array>

#include "engine/base/quantity.h"

namespace cambium {

// 128 bits that stand for a key. Two keys of one topic with the same hash would lose one of them in compaction; with a
// secret seed nobody can look for such keys, and by chance they do not occur.
struct KeyHash {
  uint64_t low = 0;
  uint64_t high = 0;

  friend bool operator==(const KeyHash&, const KeyHash&) = default;
};

// SipHash-2-4 with 128 bits (Aumasson and Bernstein; the reference implementation's siphash.c), keyed by 16 secret
// bytes. Pure; any thread; copies freely.
class KeyHasher {
 public:
  using Seed = std::array<kj::byte, 16>;
  explicit KeyHasher(const Seed& seed);

  KeyHash operator()(ByteView key) const;

 private:
  uint64_t k0_, k1_;
};

}  // namespace cambium
