#include "tools/input_lines.h"

#include <cstring>

#include <kj/debug.h>

namespace cambium::tools {

InputLines::InputLines(size_t blockBytes, size_t lineBytesMax)
    : lineBytesMax_(lineBytesMax), buffer_(kj::heapArray<kj::byte>(blockBytes)) {
  KJ_REQUIRE(blockBytes >= 2);
}

kj::ArrayPtr<kj::byte> InputLines::room() {
  size_t unfinished = filled_ - begin_;
  if (unfinished * 2 > buffer_.size()) {
    auto larger = kj::heapArray<kj::byte>(buffer_.size() * 2);
    memcpy(larger.begin(), buffer_.begin() + begin_, unfinished);
    buffer_ = kj::mv(larger);
  } else if (begin_ > 0) {
    memmove(buffer_.begin(), buffer_.begin() + begin_, unfinished);
  }
  scanned_ -= begin_;
  filled_ = unfinished;
  begin_ = 0;
  return buffer_.slice(filled_, buffer_.size());
}

void InputLines::filled(size_t bytes) {
  KJ_REQUIRE(bytes <= buffer_.size() - filled_);
  filled_ += bytes;
}

kj::Maybe<ByteView> InputLines::next() {
  auto* found = static_cast<kj::byte*>(memchr(buffer_.begin() + scanned_, '\n', filled_ - scanned_));
  size_t lineEnd = found == nullptr ? filled_ : static_cast<size_t>(found - buffer_.begin());
  bool whole = found != nullptr || (ended_ && begin_ < filled_);
  if (!whole || lineEnd - begin_ > lineBytesMax_) {
    scanned_ = filled_;
    return nullptr;
  }
  ByteView line = buffer_.slice(begin_, lineEnd);
  begin_ = found == nullptr ? filled_ : lineEnd + 1;
  scanned_ = begin_;
  return line;
}

KeyedLine splitKey(ByteView line, kj::StringPtr separator) {
  auto* found = static_cast<const kj::byte*>(memmem(line.begin(), line.size(), separator.begin(), separator.size()));
  if (found == nullptr) return {nullptr, line};
  auto at = static_cast<size_t>(found - line.begin());
  return {line.slice(0, at), line.slice(at + separator.size(), line.size())};
}

}  // namespace cambium::tools
