#include "engine/base/uuid.h"

#include <cstring>

#include <kj/debug.h>
#include <kj/encoding.h>

namespace cambium {

Uuid Uuid::random(const Entropy& entropy) {
  for (;;) {
    Uuid id;
    entropy.generate(kj::arrayPtr(id.bytes_.data(), id.bytes_.size()));
    if (!id.isZero() && kj::str(id)[0] != '-') return id;
  }
}

Uuid Uuid::fromBytes(ByteView bytes) {
  KJ_REQUIRE(bytes.size() == 16, "an identifier has 16 bytes", bytes.size());
  Uuid id;
  memcpy(id.bytes_.data(), bytes.begin(), 16);
  return id;
}

kj::Maybe<Uuid> Uuid::parse(kj::StringPtr text) {
  if (text.size() != 22) return nullptr;
  auto standard = kj::heapString(text);
  for (char& c : standard) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  auto decoded = kj::decodeBase64(standard.asArray());
  if (decoded.size() != 16) return nullptr;
  Uuid id = fromBytes(decoded);
  // Refuses characters that the decoder skips, and stray low bits.
  if (kj::str(id) != text) return nullptr;
  return id;
}

kj::String KJ_STRINGIFY(const Uuid& id) {
  auto text = kj::encodeBase64(id.bytes());
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return kj::str(text.slice(0, 22));
}

}  // namespace cambium
