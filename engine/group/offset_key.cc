#include "engine/group/offset_key.h"

#include <kj/debug.h>

namespace cambium {

namespace {

void writeText(ByteWriter& writer, const std::string& text) {
  KJ_REQUIRE(text.size() <= kOffsetKeyNameBytesMax, "name too long for an offsets key", text.size());
  writer.int16(static_cast<int16_t>(text.size()));
  writer.bytes(kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size()));
}

std::string readText(ByteReader& reader) {
  int16_t size = reader.int16();
  if (size < 0) reader.fail();
  auto bytes = reader.bytes(static_cast<size_t>(size < 0 ? 0 : size));
  return std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

}  // namespace

kj::Array<kj::byte> encodeOffsetKey(const OffsetKey& key) {
  ByteWriter writer(8 + key.group.size() + key.topic.size());
  writeText(writer, key.group);
  writeText(writer, key.topic);
  writer.int32(key.partition);
  return writer.finish();
}

kj::Maybe<OffsetKey> decodeOffsetKey(ByteView bytes) {
  ByteReader reader(bytes);
  OffsetKey key;
  key.group = readText(reader);
  key.topic = readText(reader);
  key.partition = reader.int32();
  if (!reader.finished()) return nullptr;
  return kj::mv(key);
}

}  // namespace cambium
