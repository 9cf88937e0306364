#pragma once

#include <charconv>
#include <cstdint>

#include <kj/string.h>

namespace cambium {

// The whole number that `text` is, decimal, with an optional '-'; null when it is anything else or does not fit T.
template <class T = int64_t>
kj::Maybe<T> parseInteger(kj::StringPtr text) {
  T value = 0;
  auto [end, failure] = std::from_chars(text.begin(), text.end(), value);
  if (failure != std::errc() || end != text.end() || text.size() == 0) return nullptr;
  return value;
}

// The text as one line of at most so many bytes, cut between characters (UTF-8), with blanks for control characters:
// for text that may quote what a client sent.
kj::String oneLine(kj::StringPtr text, size_t bytesMax);

}  // namespace cambium
