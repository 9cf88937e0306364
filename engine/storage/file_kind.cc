#include "engine/storage/file_kind.h"

namespace cambium {

namespace {

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

bool matches(kj::StringPtr pattern, kj::StringPtr path) {
  if (pattern.size() == 0) return path.size() == 0;
  char first = pattern[0];
  if (first != '*' && first != '#') {
    return path.size() > 0 && path[0] == first && matches(pattern.slice(1), path.slice(1));
  }
  for (size_t size = 1; size <= path.size(); ++size) {
    char c = path[size - 1];
    if (first == '*' ? c == '/' : !isDigit(c)) return false;
    if (matches(pattern.slice(1), path.slice(size))) return true;
  }
  return false;
}

}  // namespace

kj::Maybe<const FileKind&> kindOf(kj::ArrayPtr<const FileKind> kinds, kj::StringPtr path) {
  for (auto& kind : kinds) {
    if (matches(kind.pattern, path)) return kind;
  }
  return nullptr;
}

}  // namespace cambium
