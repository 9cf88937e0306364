#include "engine/metadata/config_value.h"

#include <charconv>
#include <limits>

#include "engine/base/text.h"

namespace cambium {

namespace {

// Kafka takes booleans in any case.
bool equalsIgnoringCase(kj::StringPtr text, kj::StringPtr lowerCase) {
  if (text.size() != lowerCase.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c != lowerCase[i]) return false;
  }
  return true;
}

bool isAllowed(kj::ArrayPtr<const kj::StringPtr> words, kj::StringPtr text) {
  if (words.size() == 0) return true;
  for (auto word : words)
    if (word == text) return true;
  return false;
}

bool readDouble(kj::StringPtr text, double& into) {
  auto [end, failure] = std::from_chars(text.begin(), text.end(), into);
  return failure == std::errc() && end == text.end() && text.size() > 0;
}

bool readList(const AllowedValues& allowed, kj::StringPtr text, ConfigValue& value) {
  value.owned = splitList(text);
  for (auto& element : value.owned) {
    if (!isAllowed(allowed.words, element)) return false;
    value.elements.add(element);
  }
  return true;
}

bool readBoolean(kj::StringPtr text, bool& into) {
  into = equalsIgnoringCase(text, "true");
  return into || equalsIgnoringCase(text, "false");
}

bool readNumber(const AllowedValues& allowed, kj::StringPtr text, int64_t& into) {
  KJ_IF_MAYBE(number, parseInteger(text)) {
    into = *number;
    return into >= allowed.least && into <= allowed.most;
  }
  return false;
}

}  // namespace

bool ConfigValue::contains(kj::StringPtr element) const {
  for (auto one : elements)
    if (one == element) return true;
  return false;
}

kj::Maybe<ConfigValue> parseConfigValue(ConfigType type, const AllowedValues& allowed, kj::StringPtr text) {
  ConfigValue value{.text = text};
  bool good = false;
  switch (type) {
    case ConfigType::kBoolean:
      good = readBoolean(text, value.yes);
      break;
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong:
      good = readNumber(allowed, text, value.number);
      break;
    case ConfigType::kDouble:
      good = readDouble(text, value.fraction) && value.fraction >= static_cast<double>(allowed.least) &&
             value.fraction <= static_cast<double>(allowed.most);
      break;
    case ConfigType::kList:
      good = readList(allowed, text, value);
      break;
    case ConfigType::kString:
    case ConfigType::kClass:
    case ConfigType::kPassword:
      good = isAllowed(allowed.words, text);
      break;
  }
  if (good) return kj::mv(value);
  return nullptr;
}

kj::String describeAllowed(ConfigType type, const AllowedValues& allowed) {
  if (allowed.text != nullptr) return kj::str(allowed.text);
  switch (type) {
    case ConfigType::kBoolean:
      return kj::str("true or false");
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong:
      if (allowed.most == std::numeric_limits<int64_t>::max()) {
        return kj::str("a whole number, at least ", allowed.least);
      }
      return kj::str("a whole number from ", allowed.least, " to ", allowed.most);
    case ConfigType::kDouble:
      return kj::str("a number from ", allowed.least, " to ", allowed.most);
    case ConfigType::kList:
      if (allowed.words.size() == 0) return kj::str("a list, separated by commas");
      return kj::str("a list of ", kj::strArray(allowed.words, ", "), ", separated by commas");
    case ConfigType::kString:
    case ConfigType::kClass:
    case ConfigType::kPassword:
      if (allowed.words.size() == 0) return kj::str("any text");
      return kj::str("one of ", kj::strArray(allowed.words, ", "));
  }
  KJ_UNREACHABLE;
}

kj::Vector<kj::String> splitList(kj::StringPtr text) {
  kj::Vector<kj::String> elements;
  auto add = [&](kj::ArrayPtr<const char> piece) {
    while (piece.size() > 0 && piece.front() == ' ')
      piece = piece.slice(1, piece.size());
    while (piece.size() > 0 && piece.back() == ' ')
      piece = piece.slice(0, piece.size() - 1);
    if (piece.size() == 0) return;
    auto element = kj::str(piece);
    for (auto& one : elements)
      if (one == element) return;
    elements.add(kj::mv(element));
  };
  kj::ArrayPtr<const char> rest = text.asArray();
  for (size_t i = 0; i < rest.size();) {
    if (rest[i] == ',') {
      add(rest.slice(0, i));
      rest = rest.slice(i + 1, rest.size());
      i = 0;
    } else {
      ++i;
    }
  }
  add(rest);
  return elements;
}

}  // namespace cambium
