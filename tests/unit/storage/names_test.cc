#include "engine/storage/names.h"

#include <gtest/gtest.h>

#include <kj/debug.h>

namespace cambium {
namespace {

bool accepts(void (*check)(kj::StringPtr), kj::StringPtr name) {
  return kj::runCatchingExceptions([&] { check(name); }) == nullptr;
}

kj::String repeated(char c, size_t count) {
  auto text = kj::heapString(count);
  for (char& each : text)
    each = c;
  return text;
}

TEST(StorageNames, LogNames) {
  for (auto name : {"a", "words-0", "A.b_c-9", "...", ".a", "-"})
    EXPECT_TRUE(accepts(requireLogName, name)) << name;
  EXPECT_TRUE(accepts(requireLogName, repeated('z', 255)));
  EXPECT_FALSE(accepts(requireLogName, repeated('z', 256)));
  for (auto name : {"", ".", "..", "a/b", "a b", "a\n", "a:b", "\x7f", "\xc3\xa9"}) {
    EXPECT_FALSE(accepts(requireLogName, name)) << name;
  }
  EXPECT_FALSE(accepts(requireLogName, kj::StringPtr("a\0b", 3)));
}

TEST(StorageNames, TableNames) {
  for (auto name : {"a", "offsets", "a_0", "_", "9"})
    EXPECT_TRUE(accepts(requireTableName, name)) << name;
  EXPECT_TRUE(accepts(requireTableName, repeated('z', 64)));
  EXPECT_FALSE(accepts(requireTableName, repeated('z', 65)));
  for (auto name : {"", "A", "a-b", "a.b", "a/b", " "})
    EXPECT_FALSE(accepts(requireTableName, name)) << name;
}

}  // namespace
}  // namespace cambium
