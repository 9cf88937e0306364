#pragma once

// Forced in before every translation unit (compile option -include), generated ones too. kj 0.9.2 leaves out
// `const char* == kj::StringPtr` where the compiler has C++20's rewritten operators, but clang (since P2468) does not
// rewrite
// `==` for a class that also declares `!=`: without this <capnp/blob.h> does not compile.

#ifdef __cplusplus

#include <kj/string.h>

#if __cpp_impl_three_way_comparison

namespace kj {
// StringPtr(a) is needed: `b == a` would be rewritten into this very function and never end.
inline bool operator==(const char* a, const StringPtr& b) {
  return b == StringPtr(a);
}
inline bool operator!=(const char* a, const StringPtr& b) {
  return !(b == StringPtr(a));
}
}  // namespace kj

#endif
#endif
