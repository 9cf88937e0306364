#include "tools/option_values.h"

#include "engine/base/text.h"
#include "tools/timestamp.h"

namespace cambium::tools {
namespace {

kj::Vector<kj::String> splitAtCommas(kj::StringPtr text) {
  kj::Vector<kj::String> parts;
  kj::ArrayPtr<const char> rest = text;
  if (rest.size() == 0) return parts;
  size_t begin = 0;
  for (size_t i = 0; i <= rest.size(); ++i) {
    if (i < rest.size() && rest[i] != ',') continue;
    parts.add(kj::str(rest.slice(begin, i)));
    begin = i + 1;
  }
  return parts;
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<kj::Array<client::ConfigChange>> parseConfigs(kj::StringPtr text) {
  kj::Vector<client::ConfigChange> changes;
  for (auto& part : splitAtCommas(text)) {
    KJ_IF_MAYBE(equals, part.findFirst('=')) {
      if (*equals == 0) {
        return makeError(ErrorCode::kInvalidRequest, "--config: \"", part, "\" has no name; expected name=value");
      }
      changes.add(client::ConfigChange{kj::str(part.slice(0, *equals)), kj::str(part.slice(*equals + 1))});
      continue;
    }
    if (changes.empty()) {
      return makeError(ErrorCode::kInvalidRequest, "--config: \"", part, "\" has no value; expected name=value");
    }
    auto& value = KJ_ASSERT_NONNULL(changes.back().value);
    value = kj::str(value, ',', part);
  }
  return changes.releaseAsArray();
}

Result<kj::Array<client::ConfigChange>> parseResets(kj::StringPtr text) {
  kj::Vector<client::ConfigChange> changes;
  for (auto& part : splitAtCommas(text)) {
    if (part.size() == 0 || part.findFirst('=') != nullptr) {
      return makeError(ErrorCode::kInvalidRequest, "--reset: \"", part, "\" is no config name; expected name[,name…]");
    }
    changes.add(client::ConfigChange{kj::mv(part), nullptr});
  }
  return changes.releaseAsArray();
}

Result<kj::Array<HeaderText>> parseHeaders(kj::StringPtr text) {
  kj::Vector<HeaderText> headers;
  for (auto& part : splitAtCommas(text)) {
    KJ_IF_MAYBE(equals, part.findFirst('=')) {
      headers.add(HeaderText{kj::str(part.slice(0, *equals)), kj::str(part.slice(*equals + 1))});
    } else {
      headers.add(HeaderText{kj::mv(part), nullptr});
    }
    if (headers.back().key.size() == 0) {
      return makeError(ErrorCode::kInvalidRequest, "--header: a header has no name; expected name=value");
    }
  }
  return headers.releaseAsArray();
}

Result<client::StartAt> parseStart(kj::StringPtr text) {
  if (text == "beginning") return client::StartAt(client::FromBeginning{});
  if (text == "end") return client::StartAt(client::FromEnd{});
  if (text.startsWith("@")) {
    KJ_IF_MAYBE(timestamp, parseTimestamp(text.slice(1))) return client::StartAt(client::FromTimestamp{*timestamp});
    return makeError(ErrorCode::kInvalidRequest, "--from=", text,
                     ": expected @ and milliseconds since 1970, or a time "
                     "such as @2026-11-20T12:00:00Z");
  }
  KJ_IF_MAYBE(offset, parseInteger(text)) {
    if (*offset >= 0) return client::StartAt(Offset(*offset));
  }
  return makeError(ErrorCode::kInvalidRequest, "--from=", text,
                   ": expected beginning, end, an offset, or @ and a time");
}

Result<client::ResetTarget> parseResetTarget(kj::StringPtr text) {
  using Target = client::ResetTarget;
  if (text == "earliest") return Target(client::Earliest{});
  if (text == "latest") return Target(client::Latest{});
  if (text.startsWith("@")) {
    KJ_IF_MAYBE(timestamp, parseTimestamp(text.slice(1))) return Target(*timestamp);
  } else if (text.startsWith("+")) {
    // One sign, not two.
    KJ_IF_MAYBE(by, parseInteger(text.slice(1))) {
      if (*by >= 0) return Target(client::Shift{*by});
    }
  } else {
    KJ_IF_MAYBE(number, parseInteger(text)) {
      if (text.startsWith("-")) return Target(client::Shift{*number});
      return Target(Offset(*number));
    }
  }
  return makeError(ErrorCode::kInvalidRequest, "expected earliest, latest, an offset, @TIME, +N or -N");
}

Result<client::Acks> parseAcks(kj::StringPtr text) {
  if (text == "all" || text == "-1") return client::Acks::kAll;
  if (text == "leader" || text == "1") return client::Acks::kLeader;
  if (text == "none" || text == "0") return client::Acks::kNone;
  return makeError(ErrorCode::kInvalidRequest, "--acks=", text, ": expected all, leader or none");
}

Result<Codec> parseCompression(kj::StringPtr text) {
  KJ_IF_MAYBE(codec, parseCodec(text)) return *codec;
  return makeError(ErrorCode::kInvalidRequest, "--compression=", text, ": expected none, gzip, snappy, lz4 or zstd");
}

Result<client::PartitionerKind> parsePartitioner(kj::StringPtr text) {
  if (text == "sticky") return client::PartitionerKind::kSticky;
  if (text == "round_robin") return client::PartitionerKind::kRoundRobin;
  return makeError(ErrorCode::kInvalidRequest, "--partitioner=", text, ": expected sticky or round_robin");
}

Result<PartitionIndex> parsePartition(kj::StringPtr text) {
  KJ_IF_MAYBE(number, parseInteger<int32_t>(text)) {
    if (*number >= 0) return PartitionIndex(*number);
  }
  return makeError(ErrorCode::kInvalidRequest, "\"", text, "\" is no partition number");
}

Result<Offset> parseOffset(kj::StringPtr text) {
  KJ_IF_MAYBE(number, parseInteger(text)) {
    if (*number >= 0) return Offset(*number);
  }
  return makeError(ErrorCode::kInvalidRequest, "\"", text, "\" is no offset; expected a whole number from 0 on");
}

kj::Maybe<kj::String> unescape(kj::StringPtr text) {
  kj::Vector<char> out(text.size() + 1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.add(text[i]);
      continue;
    }
    if (++i == text.size()) return nullptr;
    switch (text[i]) {
      case 'n':
        out.add('\n');
        break;
      case 't':
        out.add('\t');
        break;
      case 'r':
        out.add('\r');
        break;
      case '0':
        out.add('\0');
        break;
      case '\\':
        out.add('\\');
        break;
      case 'x': {
        if (i + 2 >= text.size()) return nullptr;
        int high = hexDigit(text[i + 1]);
        int low = hexDigit(text[i + 2]);
        if (high < 0 || low < 0) return nullptr;
        out.add(static_cast<char>(high * 16 + low));
        i += 2;
        break;
      }
      default:
        return nullptr;
    }
  }
  out.add('\0');
  return kj::String(out.releaseAsArray());
}

}  // namespace cambium::tools
