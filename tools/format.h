#pragma once

#include <kj/one-of.h>
#include <kj/vector.h>

#include "client/record.h"
#include "engine/base/error.h"
#include "tools/json_writer.h"

namespace cambium::tools {

// How a record is printed: text in which % and a letter stand for a part of it.
//
//     %t topic   %p partition   %o offset   %T timestamp in milliseconds   %k key   %v value
//     %h headers, as name=value,name=value   %% a percent sign   \n \t \r \0 \\ \xHH as usual
//
// Null keys and values are printed as nothing.
class RecordFormat {
 public:
  // kInvalidRequest with the position of what is wrong.
  static Result<RecordFormat> parse(kj::StringPtr text);

  void append(kj::Vector<kj::byte>& out, const client::ConsumedRecord& record) const;

 private:
  enum class Field { kTopic, kPartition, kOffset, kTimestamp, kKey, kValue, kHeaders };
  using Piece = kj::OneOf<kj::String, Field>;

  static kj::Maybe<Field> field(char letter);

  kj::Vector<Piece> pieces_;
};

// A record as one JSON object:
//
//     {"topic":"words","partition":0,"offset":7,"timestamp":1795608000000,"key":"k","value":"v",
//      "headers":[{"key":"trace","value":"42"}]}
//
// Null keys, values and header values are null, so is a missing timestamp; bytes that are not UTF-8 are
// {"base64":"…"}.
void writeRecord(JsonWriter& json, const client::ConsumedRecord& record);

}  // namespace cambium::tools
