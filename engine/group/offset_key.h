#pragma once

#include <string>

#include "engine/base/byte_cursor.h"

namespace cambium {

// Whose position it is.
struct OffsetKey {
  std::string group;
  std::string topic;
  int32_t partition;

  friend auto operator<=>(const OffsetKey&, const OffsetKey&) = default;
};

// Of a group or a topic in a key.
inline constexpr size_t kOffsetKeyNameBytesMax = 0x7fff;

// Key of a row of the offsets table: length (int16) and text of the group, the same of the topic, partition (int32);
// all big-endian.
kj::Array<kj::byte> encodeOffsetKey(const OffsetKey& key);
// Null when `bytes` is no such key.
kj::Maybe<OffsetKey> decodeOffsetKey(ByteView bytes);

}  // namespace cambium
