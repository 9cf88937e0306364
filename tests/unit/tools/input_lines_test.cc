#include "tools/input_lines.h"

#include <cstring>
#include <gtest/gtest.h>

namespace cambium::tools {
namespace {

// All lines of `input`, fed in pieces of at most `piece` bytes.
kj::Vector<kj::String> linesOf(kj::StringPtr input, size_t piece, size_t blockBytes, size_t lineBytesMax = 1'000'000) {
  kj::Vector<kj::String> result;
  InputLines lines(blockBytes, lineBytesMax);
  auto drain = [&] {
    for (;;) {
      KJ_IF_MAYBE(line, lines.next()) {
        result.add(kj::str(line->asChars()));
      } else {
        return;
      }
    }
  };
  ByteView rest = input.asBytes();
  while (rest.size() > 0) {
    auto room = lines.room();
    size_t n = kj::min(piece, kj::min(room.size(), rest.size()));
    memcpy(room.begin(), rest.begin(), n);
    lines.filled(n);
    rest = rest.slice(n, rest.size());
    drain();
    if (lines.tooLong()) {
      result.add(kj::str("<too long>"));
      return result;
    }
  }
  lines.end();
  drain();
  return result;
}

TEST(InputLines, CutsTheSameLinesWhateverThePieces) {
  auto longLine = kj::str(kj::repeat('x', 300));
  auto input = kj::str("one\n\ntwo\r\n", longLine, "\n", kj::StringPtr("nul\0in", 6), "\nlast");
  for (size_t piece : {1, 2, 3, 7, 64, 1000}) {
    for (size_t block : {2, 16, 4096}) {
      auto lines = linesOf(input, piece, block);
      ASSERT_EQ(lines.size(), 6u) << piece << " " << block;
      EXPECT_EQ(lines[0], "one");
      EXPECT_EQ(lines[1], "");
      EXPECT_EQ(lines[2], "two\r");
      EXPECT_EQ(lines[3], longLine);
      EXPECT_EQ(lines[4], kj::StringPtr("nul\0in", 6));
      EXPECT_EQ(lines[5], "last");
    }
  }
}

TEST(InputLines, ALineEndAtTheEndMakesNoFurtherLine) {
  EXPECT_EQ(linesOf("a\nb\n", 100, 16).size(), 2u);
  EXPECT_EQ(linesOf("\n", 100, 16).size(), 1u);
  EXPECT_EQ(linesOf("", 100, 16).size(), 0u);
}

TEST(InputLines, RefusesALineThatIsTooLong) {
  EXPECT_EQ(linesOf("12345\n12345678\n", 100, 64, 8).size(), 2u);
  for (size_t piece : {1, 4, 100}) {
    auto lines = linesOf("12345\n123456789\nnext\n", piece, 64, 8);
    ASSERT_EQ(lines.size(), 2u) << piece;
    EXPECT_EQ(lines[0], "12345");
    EXPECT_EQ(lines[1], "<too long>");
  }
}

TEST(SplitKey, SplitsAtTheFirstSeparator) {
  auto split = splitKey("k=v=w"_kj.asBytes(), "=");
  EXPECT_EQ(kj::str(KJ_ASSERT_NONNULL(split.key).asChars()), "k");
  EXPECT_EQ(kj::str(split.value.asChars()), "v=w");

  split = splitKey("a::b"_kj.asBytes(), "::");
  EXPECT_EQ(kj::str(KJ_ASSERT_NONNULL(split.key).asChars()), "a");
  EXPECT_EQ(kj::str(split.value.asChars()), "b");

  split = splitKey("=v"_kj.asBytes(), "=");
  EXPECT_EQ(KJ_ASSERT_NONNULL(split.key).size(), 0u);
}

TEST(SplitKey, ALineWithoutSeparatorHasNoKey) {
  auto split = splitKey("a:b"_kj.asBytes(), "::");
  EXPECT_TRUE(split.key == nullptr);
  EXPECT_EQ(kj::str(split.value.asChars()), "a:b");
}

}  // namespace
}  // namespace cambium::tools
