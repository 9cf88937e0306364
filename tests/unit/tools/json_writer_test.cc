#include "tools/json_writer.h"

#include <cmath>
#include <gtest/gtest.h>

namespace cambium::tools {
namespace {

kj::String textOf(const JsonWriter& json) {
  return kj::str(json.text().asChars());
}

kj::String quoted(kj::StringPtr text) {
  JsonWriter json;
  json.value(text);
  return textOf(json);
}

kj::String bytes(kj::StringPtr text) {
  JsonWriter json;
  json.bytes(text.asBytes());
  return textOf(json);
}

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter json;
  json.beginObject().key("a").value(1).key("b").beginArray();
  json.value("x"_kj).beginObject().endObject().beginArray().endArray().null().endArray();
  json.key("c").value(true).key("d").value(false).endObject();
  EXPECT_EQ(textOf(json), R"({"a":1,"b":["x",{},[],null],"c":true,"d":false})");
}

TEST(JsonWriter, EscapesWhatMustBe) {
  EXPECT_EQ(quoted("a\"b\\c\nd\te\rf"), R"("a\"b\\c\nd\te\u000df")");
  EXPECT_EQ(quoted(kj::StringPtr("\0\x1f\x7f", 3)), R"("\u0000\u001f\u007f")");
  EXPECT_EQ(quoted("grün 木 𝄞 /"), "\"grün 木 𝄞 /\"");
}

TEST(JsonWriter, TextThatIsNoUtf8GetsReplacementCharacters) {
  EXPECT_EQ(quoted("a\xffz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(quoted("\xe6\x9c"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonWriter, NumbersKeepTheirDigits) {
  JsonWriter json;
  json.beginArray().value(int64_t{-9223372036854775807 - 1}).value(uint64_t{18446744073709551615u});
  json.value(0.5).value(1e21).value(std::nan("")).endArray();
  EXPECT_EQ(textOf(json), "[-9223372036854775808,18446744073709551615,0.500,1000000000000000000000.000,null]");
}

TEST(JsonWriter, BytesAreTextOrBase64) {
  EXPECT_EQ(bytes("plain"), "\"plain\"");
  EXPECT_EQ(bytes("k\xff"), R"({"base64":"a/8="})");
  JsonWriter json;
  json.beginArray().bytes(kj::Maybe<ByteView>(nullptr)).bytes(kj::Maybe<ByteView>(ByteView())).endArray();
  EXPECT_EQ(textOf(json), R"([null,""])");
}

TEST(IsUtf8, TakesWellFormedSequencesOnly) {
  auto check = [](kj::StringPtr text) { return isUtf8(text.asBytes()); };
  EXPECT_TRUE(check("aä木𝄞"));
  EXPECT_TRUE(check("\xf4\x8f\xbf\xbf"));   // U+10FFFF
  EXPECT_TRUE(check("\xed\x9f\xbf"));       // U+D7FF, below the surrogates
  EXPECT_FALSE(check("\xed\xa0\x80"));      // a surrogate
  EXPECT_FALSE(check("\xc0\x80"));          // overlong
  EXPECT_FALSE(check("\xc1\xbf"));          // overlong
  EXPECT_FALSE(check("\xe0\x9f\xbf"));      // overlong
  EXPECT_FALSE(check("\xf0\x8f\xbf\xbf"));  // overlong
  EXPECT_FALSE(check("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(check("\x80"));
  EXPECT_FALSE(check("\xe6\x9c"));
  EXPECT_FALSE(
      check("\xe6\x9c"
            "a"));
}

}  // namespace
}  // namespace cambium::tools
