#include "engine/storage/names.h"

#include <kj/debug.h>

namespace cambium {
namespace {

bool isLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool isUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

void requireLogName(kj::StringPtr name) {
  bool valid = name.size() >= 1 && name.size() <= 255 && name != "." && name != "..";
  for (char c : name)
    valid = valid && (isLower(c) || isUpper(c) || isDigit(c) || c == '.' || c == '_' || c == '-');
  KJ_REQUIRE(valid, "a log's name has 1 to 255 characters of [a-zA-Z0-9._-] and is neither \".\" nor \"..\"", name);
}

void requireTableName(kj::StringPtr name) {
  bool valid = name.size() >= 1 && name.size() <= 64;
  for (char c : name)
    valid = valid && (isLower(c) || isDigit(c) || c == '_');
  KJ_REQUIRE(valid, "a table's name has 1 to 64 characters of [a-z0-9_]", name);
}

}  // namespace cambium
