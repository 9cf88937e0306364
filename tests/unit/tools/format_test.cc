#include "tools/format.h"

#include <gtest/gtest.h>

namespace cambium::tools {
namespace {

ByteView view(kj::StringPtr text) {
  return text.asBytes();
}

const client::Header kHeaders[] = {{"a"_kj.asBytes(), view("1"_kj)}, {"b"_kj.asBytes(), nullptr}};

client::ConsumedRecord sample() {
  return {.topic = "words"_kj,
          .partition = PartitionIndex(3),
          .offset = Offset(42),
          .timestamp = TimestampMs(1795176000000),
          .key = view("k"_kj),
          .value = view("v\n"_kj),
          .headers = kHeaders};
}

kj::String printed(kj::StringPtr format, const client::ConsumedRecord& record) {
  kj::Vector<kj::byte> out;
  auto parsed = RecordFormat::parse(format);
  if (!parsed.ok()) return kj::str("error: ", parsed.error().message);
  parsed.value().append(out, record);
  return kj::str(out.asPtr().asChars());
}

TEST(RecordFormat, PutsPartsInTheirPlaces) {
  EXPECT_EQ(printed("%t/%p/%o %T %k=%v[%h] 100%%\\n\\t\\x41\\\\", sample()),
            "words/3/42 1795176000000 k=v\n[a=1,b=] 100%\n\tA\\");
  EXPECT_EQ(printed("", sample()), "");
  EXPECT_EQ(printed("text", sample()), "text");
}

TEST(RecordFormat, NullsArePrintedAsNothing) {
  auto record = sample();
  record.key = nullptr;
  record.value = nullptr;
  record.headers = nullptr;
  EXPECT_EQ(printed("<%k|%v|%h>", record), "<||>");
}

TEST(RecordFormat, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(printed("%v %q", sample()),
            "error: --format: unknown %q at character 4; there are %t %p %o %T %k %v %h %%");
  EXPECT_EQ(printed("%", sample()), "error: --format ends in a lone %; write %% for one");
  EXPECT_TRUE(printed("%v\\z", sample()).startsWith("error: --format: a backslash in the text at character 3"));
  EXPECT_TRUE(printed("\\", sample()).startsWith("error: --format: a backslash"));
}

kj::String asJson(const client::ConsumedRecord& record) {
  JsonWriter json;
  writeRecord(json, record);
  return kj::str(json.text().asChars());
}

TEST(WriteRecord, IsOneObject) {
  EXPECT_EQ(asJson(sample()),
            R"({"topic":"words","partition":3,"offset":42,"timestamp":1795176000000,"key":"k","value":"v\n",)"
            R"("headers":[{"key":"a","value":"1"},{"key":"b","value":null}]})");
}

TEST(WriteRecord, TellsNullsAndBytesFromText) {
  auto record = sample();
  record.timestamp = kNoTimestamp;
  record.key = nullptr;
  record.value = view("\xff"_kj);
  record.headers = nullptr;
  EXPECT_EQ(asJson(record), R"({"topic":"words","partition":3,"offset":42,"timestamp":null,"key":null,)"
                            R"("value":{"base64":"/w=="},"headers":[]})");
}

}  // namespace
}  // namespace cambium::tools
