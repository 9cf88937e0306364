#include "engine/group/offset_key.h"

#include <gtest/gtest.h>
#include <string>

namespace cambium {
namespace {

TEST(OffsetKeyTest, ComesBackFromItsBytes) {
  OffsetKey key{"readers", "words", 7};
  EXPECT_EQ(KJ_ASSERT_NONNULL(decodeOffsetKey(encodeOffsetKey(key))), key);
  OffsetKey odd{std::string("a\0b", 3), "", INT32_MAX};
  EXPECT_EQ(KJ_ASSERT_NONNULL(decodeOffsetKey(encodeOffsetKey(odd))), odd);
  OffsetKey longest{std::string(kOffsetKeyNameBytesMax, 'x'), "w", 0};
  EXPECT_EQ(KJ_ASSERT_NONNULL(decodeOffsetKey(encodeOffsetKey(longest))), longest);
  EXPECT_ANY_THROW(encodeOffsetKey({std::string(kOffsetKeyNameBytesMax + 1, 'x'), "w", 0}));
}

TEST(OffsetKeyTest, OtherBytesAreNoKey) {
  auto key = encodeOffsetKey({"readers", "words", 7});
  for (size_t size = 0; size < key.size(); ++size)
    EXPECT_TRUE(decodeOffsetKey(key.slice(0, size)) == nullptr) << size;
  kj::Vector<kj::byte> longer;
  longer.addAll(key);
  longer.add(0);
  EXPECT_TRUE(decodeOffsetKey(longer) == nullptr);
  key[0] = 0xff;
  EXPECT_TRUE(decodeOffsetKey(key) == nullptr) << "a negative length";
}

}  // namespace
}  // namespace cambium
