#include "engine/metadata/similar_names.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

std::string similarTo(const SimilarNames& names, kj::StringPtr name) {
  KJ_IF_MAYBE(other, names.findSimilar(name)) return other->cStr();
  return "";
}

TEST(SimilarNamesTest, NamesThatDifferInDotAndUnderscoreAreFound) {
  SimilarNames names;
  names.add("a.b_c");
  names.add("ab");
  EXPECT_EQ(similarTo(names, "a_b_c"), "a.b_c");
  EXPECT_EQ(similarTo(names, "a.b.c"), "a.b_c");
  EXPECT_EQ(similarTo(names, "a.b_c"), "") << "itself";
  EXPECT_EQ(similarTo(names, "a-b_c"), "");
  EXPECT_EQ(similarTo(names, "a.b"), "");
  EXPECT_EQ(similarTo(names, "ab"), "");
}

TEST(SimilarNamesTest, ANameIsThereAsOftenAsItWasAdded) {
  SimilarNames names;
  names.add("a.b");
  names.add("a.b");
  names.remove("a.b");
  EXPECT_EQ(similarTo(names, "a_b"), "a.b");
  names.remove("a_b");  // was never there
  names.remove("a.b");
  EXPECT_EQ(similarTo(names, "a_b"), "");
  names.remove("a.b");
}

}  // namespace
}  // namespace cambium
