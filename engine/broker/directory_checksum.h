#pragma once

#include <kj/string.h>

#include "engine/base/crc32c.h"

namespace cambium {

// The last line of cambium.properties (data_directory.h), which covers all lines before it.
inline constexpr kj::StringPtr kDirectoryChecksum = "checksum="_kj;

inline kj::String directoryChecksumLine(kj::StringPtr lines) {
  auto digits = kj::str(kj::hex(crc32c(lines.asBytes())));
  return kj::str(kDirectoryChecksum, kj::repeat('0', 8 - digits.size()), digits, "\n");
}

// Whether `text` ends in such a line, and that fits.
inline bool hasDirectoryChecksum(kj::StringPtr text) {
  size_t line = directoryChecksumLine("").size();
  if (text.size() < line) return false;
  auto lines = kj::heapString(text.slice(0, text.size() - line));
  return text.slice(lines.size()) == directoryChecksumLine(lines);
}

}  // namespace cambium
