#include "engine/retention/key_map.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

#include <kj/encoding.h>

namespace cambium {
namespace {

KeyHasher::Seed referenceSeed() {
  KeyHasher::Seed seed;
  for (size_t i = 0; i < seed.size(); ++i)
    seed[i] = static_cast<kj::byte>(i);
  return seed;
}

std::string hex(const KeyHash& hash) {
  kj::byte bytes[16];
  memcpy(bytes, &hash.low, 8);
  memcpy(bytes + 8, &hash.high, 8);
  return kj::encodeHex(kj::arrayPtr(bytes, sizeof(bytes))).cStr();
}

// The reference implementation's vectors_sip128: key 00 01 … 0f, input 00 01 … of that length.
TEST(KeyHasherTest, AgreesWithTheReference) {
  KeyHasher hasher(referenceSeed());
  kj::byte input[64];
  for (size_t i = 0; i < sizeof(input); ++i)
    input[i] = static_cast<kj::byte>(i);
  auto of = [&](size_t length) { return hex(hasher(kj::arrayPtr(input, length))); };
  EXPECT_EQ(of(0), "a3817f04ba25a8e66df67214c7550293");
  EXPECT_EQ(of(1), "da87c1d86b99af44347659119b22fc45");
  EXPECT_EQ(of(2), "8177228da4a45dc7fca38bdef60affe4");
}

TEST(KeyHasherTest, EverySeedHashesDifferently) {
  auto other = referenceSeed();
  other[15] ^= 1;
  EXPECT_NE(hex(KeyHasher(referenceSeed())(nullptr)), hex(KeyHasher(other)(nullptr)));
}

TEST(KeyMapTest, TheNewestOffsetCounts) {
  KeyMap map(10);
  EXPECT_EQ(map.newest({1, 2}), kNoOffset);
  EXPECT_TRUE(map.put({1, 2}, Offset(5)));
  EXPECT_TRUE(map.put({1, 2}, Offset(9)));
  EXPECT_TRUE(map.put({1, 2}, Offset(7)));
  EXPECT_EQ(map.newest({1, 2}), Offset(9));
  EXPECT_EQ(map.size(), 1u);
}

// Half of a hash decides on the place: equal halves come to lie side by side, also across the end of the table.
TEST(KeyMapTest, KeysThatMeetStayApart) {
  for (uint64_t low : {uint64_t{0}, uint64_t{1} << 63, UINT64_MAX}) {
    KeyMap map(8);
    for (uint64_t high = 0; high < 8; ++high)
      EXPECT_TRUE(map.put({low, high}, Offset(static_cast<int64_t>(high) + 100)));
    for (uint64_t high = 0; high < 8; ++high)
      EXPECT_EQ(map.newest({low, high}), Offset(static_cast<int64_t>(high) + 100)) << low;
    EXPECT_EQ(map.newest({low, 8}), kNoOffset);
    EXPECT_EQ(map.newest({low ^ 1, 0}), kNoOffset);
  }
}

TEST(KeyMapTest, AFullMapTakesWhatItKnows) {
  KeyMap map(2);
  EXPECT_TRUE(map.put({1, 1}, Offset(0)));
  EXPECT_TRUE(map.put({2, 1}, Offset(1)));
  EXPECT_FALSE(map.put({3, 1}, Offset(2)));
  EXPECT_TRUE(map.put({1, 1}, Offset(3)));
  EXPECT_EQ(map.newest({1, 1}), Offset(3));
  EXPECT_EQ(map.newest({3, 1}), kNoOffset);
  EXPECT_EQ(map.size(), 2u);
}

TEST(KeyMapTest, MemoryHoldsWhatIsPromised) {
  EXPECT_EQ(KeyMap::keysIn(Bytes(0)), 1u);
  for (uint64_t bytes : {uint64_t{100}, uint64_t{1} << 10, uint64_t{1} << 20, uint64_t{64} << 20}) {
    auto keys = KeyMap::keysIn(Bytes(bytes));
    // As many slots as keys and a ninth.
    EXPECT_LE((keys + keys / 9 + 1) * KeyMap::kSlotBytes, bytes);
    EXPECT_GE(keys * KeyMap::kSlotBytes * 3, bytes);
  }
}

TEST(KeyMapTest, AgreesWithAnOrderedMap) {
  KeyHasher hasher(referenceSeed());
  KeyMap map(1000);
  std::map<int, int64_t> model;
  std::mt19937 random(17);
  for (int64_t offset = 0; offset < 5000; ++offset) {
    int key = static_cast<int>(random() % 1000);
    auto bytes = kj::arrayPtr(reinterpret_cast<const kj::byte*>(&key), sizeof(key));
    ASSERT_TRUE(map.put(hasher(bytes), Offset(offset)));
    model[key] = offset;
  }
  for (int key = 0; key < 1100; ++key) {
    auto bytes = kj::arrayPtr(reinterpret_cast<const kj::byte*>(&key), sizeof(key));
    auto known = model.find(key);
    EXPECT_EQ(map.newest(hasher(bytes)).value(), known == model.end() ? -1 : known->second);
  }
  EXPECT_EQ(map.size(), model.size());
}

}  // namespace
}  // namespace cambium
