#include "tools/format.h"

#include "tools/option_values.h"

namespace cambium::tools {
namespace {

void addText(kj::Vector<kj::byte>& out, kj::StringPtr text) {
  out.addAll(text.asBytes());
}

void addBytes(kj::Vector<kj::byte>& out, kj::Maybe<ByteView> bytes) {
  KJ_IF_MAYBE(present, bytes) out.addAll(*present);
}

void addHeaders(kj::Vector<kj::byte>& out, kj::ArrayPtr<const client::Header> headers) {
  bool first = true;
  for (auto& header : headers) {
    if (!first) out.add(',');
    first = false;
    out.addAll(header.key);
    out.add('=');
    addBytes(out, header.value);
  }
}

}  // namespace

kj::Maybe<RecordFormat::Field> RecordFormat::field(char letter) {
  switch (letter) {
    case 't':
      return Field::kTopic;
    case 'p':
      return Field::kPartition;
    case 'o':
      return Field::kOffset;
    case 'T':
      return Field::kTimestamp;
    case 'k':
      return Field::kKey;
    case 'v':
      return Field::kValue;
    case 'h':
      return Field::kHeaders;
    default:
      return nullptr;
  }
}

Result<RecordFormat> RecordFormat::parse(kj::StringPtr text) {
  RecordFormat format;
  kj::ArrayPtr<const char> rest = text;
  auto position = [&] { return text.size() - rest.size() + 1; };
  while (rest.size() > 0) {
    if (rest[0] != '%') {
      // Text up to the next '%', unescaped as a whole.
      size_t length = 0;
      while (length < rest.size() && rest[length] != '%')
        ++length;
      KJ_IF_MAYBE(literal, unescape(kj::str(rest.slice(0, length)))) {
        format.pieces_.add(kj::mv(*literal));
      } else {
        return makeError(ErrorCode::kInvalidRequest, "--format: a backslash in the text at character ", position(),
                         " stands before something else than n, t, r, 0, xHH or a backslash");
      }
      rest = rest.slice(length, rest.size());
      continue;
    }
    if (rest.size() == 1) return makeError(ErrorCode::kInvalidRequest, "--format ends in a lone %; write %% for one");
    if (rest[1] == '%') {
      format.pieces_.add(kj::str('%'));
    } else {
      KJ_IF_MAYBE(known, field(rest[1])) {
        format.pieces_.add(*known);
      } else {
        return makeError(ErrorCode::kInvalidRequest, "--format: unknown %", rest[1], " at character ", position(),
                         "; there are %t %p %o %T %k %v %h %%");
      }
    }
    rest = rest.slice(2, rest.size());
  }
  return kj::mv(format);
}

void RecordFormat::append(kj::Vector<kj::byte>& out, const client::ConsumedRecord& record) const {
  for (auto& piece : pieces_) {
    KJ_IF_MAYBE(text, piece.tryGet<kj::String>()) {
      addText(out, *text);
      continue;
    }
    switch (piece.get<Field>()) {
      case Field::kTopic:
        addText(out, record.topic);
        break;
      case Field::kPartition:
        addText(out, kj::str(record.partition));
        break;
      case Field::kOffset:
        addText(out, kj::str(record.offset));
        break;
      case Field::kTimestamp:
        addText(out, kj::str(record.timestamp));
        break;
      case Field::kKey:
        addBytes(out, record.key);
        break;
      case Field::kValue:
        addBytes(out, record.value);
        break;
      case Field::kHeaders:
        addHeaders(out, record.headers);
        break;
    }
  }
}

void writeRecord(JsonWriter& json, const client::ConsumedRecord& record) {
  json.beginObject().key("topic").value(record.topic).key("partition").value(record.partition);
  json.key("offset").value(record.offset).key("timestamp");
  if (record.timestamp == kNoTimestamp) {
    json.null();
  } else {
    json.value(record.timestamp);
  }
  json.key("key").bytes(record.key).key("value").bytes(record.value).key("headers").beginArray();
  for (auto& header : record.headers) {
    json.beginObject().key("key").bytes(header.key).key("value").bytes(header.value).endObject();
  }
  json.endArray().endObject();
}

}  // namespace cambium::tools
