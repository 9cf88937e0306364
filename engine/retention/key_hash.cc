#include "engine/retention/key_hash.h"

#include <bit>
#include <cstring>

namespace cambium {

namespace {

uint64_t loadLittleEndian(const kj::byte* from) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t value;
  memcpy(&value, from, sizeof(value));
  return value;
}

struct State {
  uint64_t v0, v1, v2, v3;

  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  }
  void take(uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  uint64_t folded() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

KeyHasher::KeyHasher(const Seed& seed)
    : k0_(loadLittleEndian(seed.data())), k1_(loadLittleEndian(seed.data() + sizeof(uint64_t))) {}

KeyHash KeyHasher::operator()(ByteView key) const {
  State state{k0_ ^ 0x736f6d6570736575, k1_ ^ 0x646f72616e646f6d ^ 0xee, k0_ ^ 0x6c7967656e657261,
              k1_ ^ 0x7465646279746573};
  constexpr size_t kWord = sizeof(uint64_t);
  const kj::byte* at = key.begin();
  size_t left = key.size();
  for (; left >= kWord; left -= kWord, at += kWord)
    state.take(loadLittleEndian(at));
  uint64_t last = static_cast<uint64_t>(key.size()) << 56;
  for (size_t i = 0; i < left; ++i)
    last |= uint64_t{at[i]} << (8 * i);
  state.take(last);
  state.v2 ^= 0xee;
  state.rounds(4);
  KeyHash hash;
  hash.low = state.folded();
  state.v1 ^= 0xdd;
  state.rounds(4);
  hash.high = state.folded();
  return hash;
}

}  // namespace cambium
