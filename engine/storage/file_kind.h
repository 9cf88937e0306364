#pragma once

#include <kj/array.h>
#include <kj/common.h>
#include <kj/string.h>

namespace cambium {

// A kind of file that is written below some folder, by its path there: '#' stands for digits, '*' for anything but '/'.
struct FileKind {
  kj::StringPtr pattern;
  kj::StringPtr what;
};

// The first of `kinds` that `path` is; null when it is none.
kj::Maybe<const FileKind&> kindOf(kj::ArrayPtr<const FileKind> kinds, kj::StringPtr path);

}  // namespace cambium
