#include "engine/record/record_walk.h"

#include <gtest/gtest.h>
#include <string>

#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

using namespace batch_layout;

// One record, written by hand: `body` is what follows its length.
kj::Array<kj::byte> recordOf(kj::StringPtr bodyInHex) {
  auto body = fromHex(bodyInHex);
  KJ_REQUIRE(body.size() < 64);
  auto length = static_cast<kj::byte>(body.size() * 2);
  return joined({ByteView(&length, 1), body});
}

// Around records of the test's choosing, in a codec; `count` as announced.
kj::Array<kj::byte> batchAround(ByteView records, int32_t count, Codec codec) {
  RawBatch fields;
  fields.attributes = static_cast<int16_t>(codec);
  fields.count = count;
  fields.lastOffsetDelta = count - 1;
  return rawBatch(compress(codec, records), fields);
}

// Whether walk and reader find the batch sound; they agree.
bool sound(ByteView batch, const RecordRules& rules = {}) {
  auto walked = walkRecords(wholeBatch(batch), rules).sound;
  if (!rules.keysRequired && rules.latest == nullptr) {
    int64_t expected = 0;
    bool dense = true;
    RecordReader reader(wholeBatch(batch));
    while (auto* record = reader.next())
      dense = dense && record->offset.value() == expected++;
    EXPECT_EQ(walked, dense && reader.error() == nullptr);
  }
  return walked;
}

// A sound record with offset delta 0: no key, the value "x", no header.
constexpr kj::StringPtr kSound =
    "000000010278"
    "00"_kj;

TEST(RecordWalk, GoodBatchesAreSound) {
  for (Codec codec : kAllCodecs) {
    for (size_t valueBytesMax : {size_t{0}, size_t{100}, size_t{70} << 10, size_t{300} << 10}) {
      auto batch = mixedBatch({.codec = codec}, 40, valueBytesMax);
      auto walk = walkRecords(wholeBatch(batch), {});
      EXPECT_TRUE(walk.sound) << codecName(codec).cStr() << ' ' << valueBytesMax;
      EXPECT_EQ(walk.maxTimestamp, wholeBatch(batch).maxTimestamp());
      auto plain = mixedBatch({}, 40, valueBytesMax);
      EXPECT_EQ(walk.bytes, plain.size() - kHeaderBytes);
    }
  }
}

TEST(RecordWalk, WhatIsWrongWithARecordIsSeen) {
  struct Case {
    const char* what;
    const char* body;
  };
  const Case wrong[] = {
      {"nothing in it", ""},
      {"cut off in the timestamp", "0080"},
      {"an offset delta of 1", "00000201027800"},
      {"a negative offset delta", "00000101027800"},
      {"a key of length -2", "00000003027800"},
      {"a key longer than the record", "000000ff01027800"},
      {"a value of length -2", "000000010300"},
      {"a value longer than the record", "00000001fe017800"},
      {"no header count", "000000010278"},
      {"a negative header count", "00000001027801"},
      {"more headers than there are",
       "000000010278040261"
       "0162"},
      {"more headers than fit", "000000010278feffffff0f"},
      {"a header key that is null", "000000010278020101"},
      {"a header value longer than the record", "00000001027802026108"},
      {"a byte left over", "0000000102780000"},
      {"a number of six bytes",
       "0000808080808000"
       "01027800"},
      {"a number written longer than it is",
       "00008000"
       "01027800"},
      {"a number with too many bits",
       "0000ffffffff7f"
       "01027800"},
      {"a timestamp of eleven bytes",
       "008080808080808080808001"
       "0001027800"},
  };
  for (Codec codec : kAllCodecs) {
    EXPECT_TRUE(sound(batchAround(recordOf(kSound), 1, codec)));
    for (auto& one : wrong) {
      // Alone, and with so much behind it that the walk trusts there to be more.
      auto record = recordOf(one.body);
      auto behind = repeated(recordOf(kSound), 20);
      EXPECT_FALSE(sound(batchAround(record, 1, codec))) << one.what;
      EXPECT_FALSE(sound(batchAround(joined({record, behind}), 21, codec))) << one.what;
    }
  }
}

TEST(RecordWalk, CountsAndLengthsMustFitTheBytes) {
  auto first = recordOf(kSound);
  auto second = recordOf(
      "000002010278"
      "00");
  auto both = joined({first, second});
  for (Codec codec : kAllCodecs) {
    EXPECT_TRUE(sound(batchAround(both, 2, codec)));
    EXPECT_FALSE(sound(batchAround(both, 1, codec))) << "a record more than announced";
    EXPECT_FALSE(sound(batchAround(both, 3, codec))) << "one less";
    EXPECT_FALSE(sound(batchAround(joined({first, first}), 2, codec))) << "an offset twice";
    EXPECT_FALSE(sound(batchAround(joined({both, fromHex("00")}), 2, codec))) << "a byte behind";
    EXPECT_FALSE(sound(batchAround(both.slice(0, both.size() - 1), 2, codec))) << "a byte too few";
    auto longer = joined({first, fromHex("fe0f"), second.slice(1, second.size())});
    EXPECT_FALSE(sound(batchAround(longer, 2, codec))) << "a length beyond the end";
    auto negative = joined({first, fromHex("01"), second.slice(1, second.size())});
    EXPECT_FALSE(sound(batchAround(negative, 2, codec))) << "a negative length";
  }
}

TEST(RecordWalk, PayloadsThatAreNoSuchCodecAreNotSound) {
  auto plain = repeated(recordOf(kSound), 1);
  for (Codec codec : kCompressingCodecs) {
    RawBatch fields;
    fields.attributes = static_cast<int16_t>(codec);
    EXPECT_FALSE(sound(rawBatch(plain, fields))) << codecName(codec).cStr();
    auto whole = compress(codec, plain);
    EXPECT_FALSE(sound(rawBatch(whole.slice(0, whole.size() - 2), fields))) << codecName(codec).cStr();
    EXPECT_FALSE(sound(rawBatch(joined({whole, view("x")}), fields))) << codecName(codec).cStr();
  }
}

TEST(RecordWalk, RulesOfTheTopicHold) {
  BatchBuilder builder;
  builder.add(TimestampMs(100), view("k"), view("v"));
  builder.add(TimestampMs(-1), nullptr, view("v"));
  auto batch = builder.finish();
  EXPECT_TRUE(sound(batch));
  EXPECT_FALSE(sound(batch, {.keysRequired = true}));
  EXPECT_TRUE(sound(batch, {.earliest = TimestampMs(100), .latest = TimestampMs(100)}));
  EXPECT_FALSE(sound(batch, {.latest = TimestampMs(99)}));
}

// Whatever lies around a large value: its numbers may stand anywhere in the window.
TEST(RecordWalk, LargeRecordsAreWalkedAtEveryPlaceOfTheWindow) {
  for (size_t before : {size_t{0}, size_t{1}, size_t{65400}, size_t{65500}, size_t{65530}, size_t{65536}}) {
    for (size_t large : {size_t{65380}, size_t{65460}, size_t{65536}, size_t{200000}}) {
      BatchBuilder builder({.codec = Codec::kLz4});
      auto filler = text(200000);
      RecordHeader headers[] = {{view("a"), filler.slice(0, 70000)}, {view("b"), nullptr}};
      builder.add(TimestampMs(1), nullptr, filler.slice(0, before));
      builder.add(TimestampMs(2), filler.slice(0, large), filler.slice(0, large), headers);
      builder.add(TimestampMs(3), nullptr, nullptr);
      auto batch = builder.finish();
      EXPECT_TRUE(sound(batch)) << before << ' ' << large;
    }
  }
}

TEST(RecordWalk, TheLimitEndsIt) {
  std::string zeros(5'000'000, '\0');
  for (Codec codec : kCompressingCodecs) {
    BatchBuilder builder({.codec = codec});
    builder.add(TimestampMs(1), nullptr, view(kj::StringPtr(zeros.c_str(), zeros.size())));
    auto batch = builder.finish();
    EXPECT_TRUE(walkRecords(wholeBatch(batch), {}, {6'000'000}).sound);
    EXPECT_FALSE(walkRecords(wholeBatch(batch), {}, {5'000'000}).sound);
    auto checked = checkRecords(wholeBatch(batch), {}, {5'000'000});
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code, ErrorCode::kMessageTooLarge);
  }
}

TEST(RecordWalk, ErrorsSayWhichRecord) {
  auto batch = batchAround(joined({recordOf(kSound), recordOf("000002010278"
                                                              "0200")}),
                           2, Codec::kGzip);
  auto checked = checkRecords(wholeBatch(batch), {});
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalidRecord);
  EXPECT_TRUE(checked.error().message.startsWith("record 1 of the batch")) << checked.error().message.cStr();
}

}  // namespace
}  // namespace cambium
