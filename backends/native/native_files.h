#pragma once

#include <kj/array.h>
#include <kj/string.h>

namespace cambium {

// A kind of file of the native engine, by its path below the engine's folder: '#' stands for digits, '*' for anything
// but '/'.
struct FileKind {
  kj::StringPtr pattern;
  kj::StringPtr what;
};

// Every kind of file and folder that the engine ever makes, the passing ones included. Whoever makes a new one adds it
// here; tests/crash/damage_test.cc damages each of them, and fails when it meets one that is not listed.
kj::ArrayPtr<const FileKind> nativeFileKinds();

// The first of `kinds` that `path` is; null when it is none.
kj::Maybe<const FileKind&> kindOf(kj::ArrayPtr<const FileKind> kinds, kj::StringPtr path);

}  // namespace cambium
