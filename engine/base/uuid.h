#pragma once

#include <array>
#include <compare>
#include <cstring>

#include "engine/base/clock.h"
#include "engine/base/quantity.h"

namespace cambium {

// A 128-bit identifier. Text form as Kafka writes topic ids: URL-safe base64 without padding, 22 characters.
class Uuid {
 public:
  constexpr Uuid() = default;  // all zero: "none"

  // A random identifier, never the zero one, and whose text does not start with '-' (it would read as a flag).
  static Uuid random(const Entropy& entropy);
  // Exactly 16 bytes.
  static Uuid fromBytes(ByteView bytes);
  // Null when `text` is not the text form of an identifier.
  static kj::Maybe<Uuid> parse(kj::StringPtr text);

  ByteView bytes() const { return kj::arrayPtr(bytes_.data(), bytes_.size()); }
  bool isZero() const { return *this == Uuid(); }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  friend kj::String KJ_STRINGIFY(const Uuid& id);

 private:
  std::array<kj::byte, 16> bytes_{};
};

struct UuidHash {
  // Identifiers are random: any part of one is as good as a hash.
  size_t operator()(const Uuid& id) const {
    size_t hash;
    memcpy(&hash, id.bytes().begin() + sizeof(hash), sizeof(hash));
    return hash;
  }
};

}  // namespace cambium
