#include "engine/base/uuid.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

class CountingEntropy final : public Entropy {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) const override {
    for (auto& b : buffer)
      b = next_++;
  }

 private:
  mutable kj::byte next_ = 0xf8;  // the first identifier would start with '-': "-Pn6…"
};

TEST(Uuid, TextFormRoundTripsAndIsUrlSafe) {
  CountingEntropy entropy;
  for (int i = 0; i < 100; ++i) {
    auto id = Uuid::random(entropy);
    auto text = kj::str(id);
    ASSERT_EQ(text.size(), 22u);
    EXPECT_NE(text[0], '-');
    for (char c : text)
      EXPECT_TRUE(c != '+' && c != '/' && c != '=') << text.cStr();
    EXPECT_TRUE(KJ_ASSERT_NONNULL(Uuid::parse(text)) == id);
  }
}

TEST(Uuid, RefusesWhatIsNoIdentifier) {
  EXPECT_TRUE(Uuid::parse("") == nullptr);
  EXPECT_TRUE(Uuid::parse("AAAAAAAAAAAAAAAAAAAAA") == nullptr);   // 21 characters
  EXPECT_TRUE(Uuid::parse("AAAAAAAAAAAAAAAAAAAAAB") == nullptr);  // low bits that no identifier has
  EXPECT_TRUE(Uuid::parse("AAAAAAAAAAAAAAAAAAAA A") == nullptr);  // a space
  EXPECT_TRUE(KJ_ASSERT_NONNULL(Uuid::parse("AAAAAAAAAAAAAAAAAAAAAA")).isZero());
}

}  // namespace
}  // namespace cambium
