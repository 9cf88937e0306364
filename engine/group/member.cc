#include "engine/group/member.h"

#include <array>

#include <kj/encoding.h>

namespace cambium {

ByteView Member::metadata(const std::string& protocol) const {
  for (auto& offered : protocols) {
    if (offered.name == protocol) return offered.metadata;
  }
  return nullptr;
}

bool Member::offersExactly(const kj::Vector<GroupProtocol>& others) const {
  if (protocols.size() != others.size()) return false;
  for (size_t i = 0; i < protocols.size(); ++i) {
    if (protocols[i].name != others[i].name || protocols[i].metadata != others[i].metadata) return false;
  }
  return true;
}

std::string makeMemberId(const std::string& prefix, const Entropy& entropy) {
  std::array<kj::byte, 16> bytes;
  entropy.generate(kj::arrayPtr(bytes.data(), bytes.size()));
  bytes[6] = static_cast<kj::byte>((bytes[6] & 0x0f) | 0x40);  // version 4: random (RFC 9562)
  bytes[8] = static_cast<kj::byte>((bytes[8] & 0x3f) | 0x80);
  kj::String hex = kj::encodeHex(kj::arrayPtr(bytes.data(), bytes.size()));
  std::string id = prefix;
  for (size_t i = 0; i < hex.size(); ++i) {
    if (i == 0 || i == 8 || i == 12 || i == 16 || i == 20) id += '-';
    id += hex[i];
  }
  return id;
}

kj::Array<const kj::byte> copyBytes(ByteView bytes) {
  return kj::heapArray<kj::byte>(bytes);
}

kj::Maybe<std::string> copyText(const kj::Maybe<std::string>& text) {
  KJ_IF_MAYBE(t, text) return *t;
  return nullptr;
}

}  // namespace cambium
