#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium::tools {

// Writes JSON (RFC 8259) without spaces, piece by piece:
//
//     JsonWriter json;
//     json.beginObject().key("name").value("words"_kj).key("partitions").value(3).endObject();
//     out.write(json.text());      // {"name":"words","partitions":3}
//
// Commas are its business, correct nesting the caller's.
class JsonWriter {
 public:
  JsonWriter& beginObject() { return open('{'); }
  JsonWriter& endObject() { return close('}'); }
  JsonWriter& beginArray() { return open('['); }
  JsonWriter& endArray() { return close(']'); }

  JsonWriter& key(kj::StringPtr name);

  // Bytes that are not UTF-8 become U+FFFD.
  JsonWriter& value(kj::StringPtr text);
  JsonWriter& value(int64_t number);
  JsonWriter& value(uint64_t number);
  JsonWriter& value(int32_t number) { return value(int64_t{number}); }
  JsonWriter& value(uint32_t number) { return value(uint64_t{number}); }
  // Three digits after the point; null for what is no finite number.
  JsonWriter& value(double number);
  JsonWriter& value(bool yes);
  JsonWriter& null();
  template <class Tag, class Rep>
  JsonWriter& value(Quantity<Tag, Rep> quantity) {
    return value(quantity.value());
  }

  // Bytes of a record: a string when they are UTF-8, else {"base64":"…"}.
  JsonWriter& bytes(ByteView data);
  // The same, or null.
  JsonWriter& bytes(kj::Maybe<ByteView> data);

  // What was written so far. Lives until the next call.
  ByteView text() const { return kj::arrayPtr(text_.begin(), text_.size()).asBytes(); }
  void clear();

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  void raw(kj::ArrayPtr<const char> text) { text_.addAll(text); }
  // Between quotes; `data` is UTF-8 except where U+FFFD is to stand in.
  void quoted(ByteView data);

  kj::Vector<char> text_;
  bool needsComma_ = false;
};

// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF).
bool isUtf8(ByteView data);

}  // namespace cambium::tools
