#include "engine/base/byte_cursor.h"

#include <gtest/gtest.h>
#include <initializer_list>
#include <limits>

namespace cambium {
namespace {

TEST(ByteCursor, FixedWidthNumbersAreBigEndianAndComeBack) {
  ByteWriter writer;
  writer.int8(-1);
  writer.int16(0x0102);
  writer.int32(-2);
  writer.int64(0x0102030405060708);
  writer.uint32(0xfffffffe);
  writer.uint64(42);
  auto bytes = writer.finish();
  EXPECT_EQ(bytes[1], 1);
  EXPECT_EQ(bytes[2], 2);

  ByteReader reader(bytes);
  EXPECT_EQ(reader.int8(), -1);
  EXPECT_EQ(reader.int16(), 0x0102);
  EXPECT_EQ(reader.int32(), -2);
  EXPECT_EQ(reader.int64(), 0x0102030405060708);
  EXPECT_EQ(reader.uint32(), 0xfffffffeu);
  EXPECT_EQ(reader.uint64(), 42u);
  EXPECT_TRUE(reader.finished());
}

TEST(ByteCursor, VariableLengthNumbersRoundTripAtEveryWidth) {
  for (int bit = 0; bit < 64; ++bit) {
    for (int64_t delta : {-1, 0, 1}) {
      for (int64_t sign : {1, -1}) {
        auto value = static_cast<int64_t>((uint64_t{1} << bit) + static_cast<uint64_t>(delta)) * (bit == 63 ? 1 : sign);
        ByteWriter writer;
        writer.varint64(value);
        EXPECT_EQ(writer.size(), varintSize(value)) << value;
        auto bytes = writer.finish();
        ByteReader reader(bytes);
        EXPECT_EQ(reader.varint64(), value);
        EXPECT_TRUE(reader.finished());
      }
    }
  }
  EXPECT_EQ(varintSize(std::numeric_limits<int64_t>::min()), 10u);
  EXPECT_EQ(varintSize(-1), 1u);
}

TEST(ByteCursor, OverlongAndOverflowingVarintsFail) {
  auto fails32 = [](std::initializer_list<kj::byte> bytes) {
    ByteReader reader(kj::arrayPtr(bytes.begin(), bytes.size()));
    reader.varint32();
    return reader.failed();
  };
  EXPECT_FALSE(fails32({0xff, 0xff, 0xff, 0xff, 0x0f}));
  EXPECT_TRUE(fails32({0xff, 0xff, 0xff, 0xff, 0x1f}));        // more than 32 bits
  EXPECT_TRUE(fails32({0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));  // six bytes
  EXPECT_TRUE(fails32({0x80, 0x00}));                          // zero in two bytes
  EXPECT_TRUE(fails32({0x80}));                                // cut off
  EXPECT_TRUE(fails32({}));
}

TEST(ByteCursor, AFailedReaderStaysFailedAndYieldsNothing) {
  kj::byte raw[] = {1, 2, 3};
  ByteReader reader(kj::arrayPtr(raw, 3));
  EXPECT_EQ(reader.int32(), 0);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.int8(), 0);
  EXPECT_EQ(reader.bytes(1).size(), 0u);
  EXPECT_FALSE(reader.finished());
}

}  // namespace
}  // namespace cambium
