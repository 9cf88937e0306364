#include "engine/base/text.h"

namespace cambium {

kj::String oneLine(kj::StringPtr text, size_t bytesMax) {
  auto size = kj::min(text.size(), bytesMax);
  auto isInsideCharacter = [&](size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  while (size < text.size() && size > 0 && isInsideCharacter(size))
    --size;
  auto line = kj::heapString(text.slice(0, size));
  for (auto& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

}  // namespace cambium
