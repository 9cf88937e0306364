#include "tools/json_writer.h"

#include <cmath>
#include <cstdio>

#include <kj/encoding.h>

namespace cambium::tools {
namespace {

constexpr kj::StringPtr kReplacement = "\xEF\xBF\xBD"_kj;  // U+FFFD

// Length of the well-formed UTF-8 sequence that `data` (not empty) begins with; 0 when there is none.
size_t sequenceLength(ByteView data) {
  kj::byte first = data[0];
  if (first < 0x80) return 1;
  size_t length = 0;
  // The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF.
  kj::byte low = 0x80;
  kj::byte high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  }
  if (length == 0 || data.size() < length || data[1] < low || data[1] > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (data[i] < 0x80 || data[i] > 0xBF) return 0;
  }
  return length;
}

}  // namespace

bool isUtf8(ByteView data) {
  size_t i = 0;
  while (i < data.size()) {
    size_t length = sequenceLength(data.slice(i, data.size()));
    if (length == 0) return false;
    i += length;
  }
  return true;
}

JsonWriter& JsonWriter::key(kj::StringPtr name) {
  separate();
  quoted(name.asBytes());
  text_.add(':');
  needsComma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(kj::StringPtr text) {
  separate();
  quoted(text.asBytes());
  return *this;
}

JsonWriter& JsonWriter::value(int64_t number) {
  separate();
  raw(kj::str(number));
  return *this;
}

JsonWriter& JsonWriter::value(uint64_t number) {
  separate();
  raw(kj::str(number));
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  char buffer[400];  // the largest double has 309 digits before the point
  snprintf(buffer, sizeof(buffer), "%.3f", number);
  raw(kj::StringPtr(buffer));
  return *this;
}

JsonWriter& JsonWriter::value(bool yes) {
  separate();
  raw(yes ? "true"_kj : "false"_kj);
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  raw("null"_kj);
  return *this;
}

JsonWriter& JsonWriter::bytes(ByteView data) {
  if (isUtf8(data)) {
    separate();
    quoted(data);
    return *this;
  }
  return beginObject().key("base64"_kj).value(kj::encodeBase64(data)).endObject();
}

JsonWriter& JsonWriter::bytes(kj::Maybe<ByteView> data) {
  KJ_IF_MAYBE(present, data) return bytes(*present);
  return null();
}

void JsonWriter::clear() {
  text_.clear();
  needsComma_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  text_.add(bracket);
  needsComma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  text_.add(bracket);
  needsComma_ = true;
  return *this;
}

void JsonWriter::separate() {
  if (needsComma_) text_.add(',');
  needsComma_ = true;
}

void JsonWriter::quoted(ByteView data) {
  text_.add('"');
  size_t i = 0;
  while (i < data.size()) {
    kj::byte c = data[i];
    size_t length = sequenceLength(data.slice(i, data.size()));
    if (length == 0) {
      raw(kReplacement);
      ++i;
    } else if (c == '"' || c == '\\') {
      text_.add('\\');
      text_.add(static_cast<char>(c));
      ++i;
    } else if (c == '\n') {
      raw("\\n"_kj);
      ++i;
    } else if (c == '\t') {
      raw("\\t"_kj);
      ++i;
    } else if (c < 0x20 || c == 0x7F) {
      char buffer[8];
      snprintf(buffer, sizeof(buffer), "\\u%04x", c);
      raw(kj::StringPtr(buffer));
      ++i;
    } else {
      raw(data.slice(i, i + length).asChars());
      i += length;
    }
  }
  text_.add('"');
}

}  // namespace cambium::tools
