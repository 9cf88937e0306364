#include "backends/native/table_snapshot.h"

#include "backends/native/format_version.h"
#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"

namespace cambium {

namespace {
constexpr int32_t kMagic = 0x434d5453;  // "CMTS"
constexpr int32_t kVersion = 1;
constexpr size_t kChecksummedFrom = 8;

ByteView bytesOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}
std::string stringOf(ByteView bytes) {
  return std::string(bytes.asChars().begin(), bytes.size());
}
}  // namespace

kj::Array<kj::byte> encodeTableSnapshot(uint64_t generation, uint64_t sequence, const TableContents& contents) {
  uint64_t rows = 0;
  size_t size = 36;
  for (auto& [table, content] : contents) {
    rows += content.size();
    for (auto& [key, value] : content)
      size += 9 + table.size() + key.size() + value.size();
  }
  ByteWriter out(size);
  out.int32(kMagic);
  out.uint32(0);
  out.int32(kVersion);
  out.uint64(generation);
  out.uint64(sequence);
  out.uint64(rows);
  for (auto& [table, content] : contents) {
    for (auto& [key, value] : content) {
      out.int8(static_cast<int8_t>(table.size()));
      out.bytes(bytesOf(table));
      out.uint32(static_cast<uint32_t>(key.size()));
      out.bytes(bytesOf(key));
      out.uint32(static_cast<uint32_t>(value.size()));
      out.bytes(bytesOf(value));
    }
  }
  auto written = out.written();
  storeBigEndian(written.begin() + 4, crc32c(written.slice(kChecksummedFrom, written.size())));
  return out.finish();
}

kj::Maybe<TableSnapshot> decodeTableSnapshot(ByteView file) {
  ByteReader in(file);
  if (in.int32() != kMagic) return nullptr;
  uint32_t crc = in.uint32();
  if (in.failed() || crc != crc32c(file.slice(kChecksummedFrom, file.size()))) return nullptr;
  requireKnownVersion("snapshot of the tables", in.int32(), kVersion);
  TableSnapshot snapshot;
  snapshot.generation = in.uint64();
  snapshot.sequence = in.uint64();
  uint64_t rows = in.uint64();
  for (uint64_t i = 0; i < rows && !in.failed(); ++i) {
    ByteView table = in.bytes(static_cast<uint8_t>(in.int8()));
    ByteView key = in.bytes(in.uint32());
    ByteView value = in.bytes(in.uint32());
    if (!in.failed()) snapshot.contents[stringOf(table)][stringOf(key)] = stringOf(value);
  }
  if (!in.finished()) return nullptr;
  return kj::mv(snapshot);
}

}  // namespace cambium
