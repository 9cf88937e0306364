#include "engine/base/crc32c.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

// Vectors of RFC 3720, appendix B.4.
TEST(Crc32c, MatchesThePublishedVectors) {
  kj::byte zeros[32] = {};
  EXPECT_EQ(crc32c(kj::arrayPtr(zeros, 32)), 0x8a9136aau);
  kj::byte ones[32];
  for (auto& b : ones)
    b = 0xff;
  EXPECT_EQ(crc32c(kj::arrayPtr(ones, 32)), 0x62a8ab43u);
  kj::byte rising[32];
  for (int i = 0; i < 32; ++i)
    rising[i] = static_cast<kj::byte>(i);
  EXPECT_EQ(crc32c(kj::arrayPtr(rising, 32)), 0x46dd794eu);
}

TEST(Crc32c, ContinuesFromAnEarlierPart) {
  auto text = "123456789"_kj;
  auto bytes = text.asBytes();
  EXPECT_EQ(crc32c(bytes), 0xe3069283u);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(crc32c(bytes.slice(cut, bytes.size()), crc32c(bytes.slice(0, cut))), 0xe3069283u) << cut;
  }
  EXPECT_EQ(crc32c(nullptr), 0u);
}

}  // namespace
}  // namespace cambium
