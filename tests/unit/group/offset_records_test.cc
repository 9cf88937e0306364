#include "engine/group/offset_records.h"

#include <gtest/gtest.h>
#include <string>

#include <kj/encoding.h>

namespace cambium {
namespace {

std::string hex(ByteView bytes) {
  return kj::encodeHex(bytes).cStr();
}

kj::Array<kj::byte> unhex(const std::string& text) {
  std::string dense;
  for (char c : text)
    if (c != ' ') dense += c;
  return kj::decodeHex(kj::StringPtr(dense.c_str()));
}

kj::Array<const kj::byte> bytes(kj::StringPtr text) {
  return kj::heapArray<const kj::byte>(text.asBytes());
}

std::string text(ByteView view) {
  return std::string(reinterpret_cast<const char*>(view.begin()), view.size());
}

// Without the blanks.
std::string dense(const std::string& text) {
  return hex(unhex(text));
}

// From the field tables of OffsetCommitKey.json and OffsetCommitValue.json, by hand: "g", "words", partition 7; offset
// 300, leader epoch 5, "note", time 1,700,000,000,000.
constexpr const char* kOffsetKeyBytes = "0001 0001 67 0005 776f726473 00000007";
constexpr const char* kOffsetValueBytes = "0003 000000000000012c 00000005 0004 6e6f7465 0000018bcfe56800";

TEST(OffsetRecordsTest, OffsetsAreWrittenAsKafkaWritesThem) {
  EXPECT_EQ(hex(encodeOffsetRecordKey({"g", "words", 7})), dense(kOffsetKeyBytes));
  CommittedOffset offset{Offset(300), LeaderEpoch(5), kj::str("note"), TimestampMs(1'700'000'000'000)};
  EXPECT_EQ(hex(encodeOffsetRecordValue(offset)), dense(kOffsetValueBytes));
}

TEST(OffsetRecordsTest, OffsetKeysAreReadInBothVersions) {
  for (auto version : {"0000", "0001"}) {
    auto key = KJ_ASSERT_NONNULL(decodeRecordKey(unhex(std::string(version) + (kOffsetKeyBytes + 4))));
    ASSERT_TRUE(key.is<OffsetKey>());
    EXPECT_EQ(key.get<OffsetKey>(), (OffsetKey{"g", "words", 7}));
  }
}

TEST(OffsetRecordsTest, OffsetValuesAreReadInEveryVersion) {
  struct Case {
    const char* bytes;
    int32_t epoch;
  };
  // Version 1 has an expiry behind, 4 is flexible: a compact text, and tagged fields (here the topic's id).
  const Case cases[] = {
      {"0000 000000000000012c 0004 6e6f7465 0000018bcfe56800", -1},
      {"0001 000000000000012c 0004 6e6f7465 0000018bcfe56800 0000018bcfe56801", -1},
      {"0002 000000000000012c 0004 6e6f7465 0000018bcfe56800", -1},
      {kOffsetValueBytes, 5},
      {"0004 000000000000012c 00000005 05 6e6f7465 0000018bcfe56800 00", 5},
      {"0004 000000000000012c 00000005 05 6e6f7465 0000018bcfe56800 01 00 10 000102030405060708090a0b0c0d0e0f", 5},
  };
  for (auto& one : cases) {
    SCOPED_TRACE(one.bytes);
    auto whole = unhex(one.bytes);
    auto offset = KJ_ASSERT_NONNULL(decodeOffsetRecordValue(whole));
    EXPECT_EQ(offset.offset.value(), 300);
    EXPECT_EQ(offset.leaderEpoch.value(), one.epoch);
    EXPECT_EQ(offset.metadata, "note");
    EXPECT_EQ(offset.committedAt.value(), 1'700'000'000'000);
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_TRUE(decodeOffsetRecordValue(whole.slice(0, size)) == nullptr) << size;
  }
  EXPECT_TRUE(decodeOffsetRecordValue(unhex("0005 000000000000012c 00000005 05 6e6f7465 0000018bcfe56800 00")) ==
              nullptr);
}

// From GroupMetadataValue.json: "consumer", generation 4, protocol "range", leader "m", time 1,700,000,000,000; one
// member "m" of instance "i", client "c", host "/h", timeouts 60000 and 45000, subscription "sub", assignment "as".
constexpr const char* kGroupBytes =
    "0003 0008 636f6e73756d6572 00000004 0005 72616e6765 0001 6d 0000018bcfe56800 00000001"
    "0001 6d 0001 69 0001 63 0002 2f68 0000ea60 0000afc8 00000003 737562 00000002 6173";

GroupMetadata sampleGroup() {
  GroupMetadata group{.protocolType = "consumer",
                      .generation = 4,
                      .protocol = std::string("range"),
                      .leader = std::string("m"),
                      .currentStateTimestamp = TimestampMs(1'700'000'000'000)};
  group.members.add(GroupMetadata::Member{.member = "m",
                                          .instance = std::string("i"),
                                          .clientId = "c",
                                          .clientHost = "/h",
                                          .rebalanceTimeoutMs = 60'000,
                                          .sessionTimeoutMs = 45'000,
                                          .subscription = bytes("sub"),
                                          .assignment = bytes("as")});
  return group;
}

TEST(OffsetRecordsTest, GroupsAreWrittenAsKafkaWritesThem) {
  EXPECT_EQ(hex(encodeGroupRecordKey("readers")), dense("0002 0007 72656164657273"));
  auto key = KJ_ASSERT_NONNULL(decodeRecordKey(encodeGroupRecordKey("readers")));
  ASSERT_TRUE(key.is<GroupRecordKey>());
  EXPECT_EQ(key.get<GroupRecordKey>().group, "readers");
  EXPECT_EQ(hex(encodeGroupRecordValue(sampleGroup())), dense(kGroupBytes));
  GroupMetadata empty{.protocolType = "consumer", .generation = 5};
  EXPECT_EQ(hex(encodeGroupRecordValue(empty)),
            dense("0003 0008 636f6e73756d6572 00000005 ffff ffff ffffffffffffffff 00000000"));
}

TEST(OffsetRecordsTest, GroupsAreReadInEveryVersion) {
  struct Case {
    int version;
    const char* bytes;
  };
  const Case cases[] = {
      {0,
       "0000 0008 636f6e73756d6572 00000004 0005 72616e6765 0001 6d 00000001"
       "0001 6d 0001 63 0002 2f68 0000afc8 00000003 737562 00000002 6173"},
      {1,
       "0001 0008 636f6e73756d6572 00000004 0005 72616e6765 0001 6d 00000001"
       "0001 6d 0001 63 0002 2f68 0000ea60 0000afc8 00000003 737562 00000002 6173"},
      {2,
       "0002 0008 636f6e73756d6572 00000004 0005 72616e6765 0001 6d 0000018bcfe56800 00000001"
       "0001 6d 0001 63 0002 2f68 0000ea60 0000afc8 00000003 737562 00000002 6173"},
      {3, kGroupBytes},
      {4,
       "0004 09 636f6e73756d6572 00000004 06 72616e6765 02 6d 0000018bcfe56800 02"
       "02 6d 02 69 02 63 03 2f68 0000ea60 0000afc8 04 737562 03 6173 00 00"},
  };
  for (auto& one : cases) {
    SCOPED_TRACE(one.version);
    auto whole = unhex(one.bytes);
    auto group = KJ_ASSERT_NONNULL(decodeGroupRecordValue(whole));
    EXPECT_EQ(group.protocolType, "consumer");
    EXPECT_EQ(group.generation, 4);
    EXPECT_EQ(KJ_ASSERT_NONNULL(group.protocol), "range");
    EXPECT_EQ(KJ_ASSERT_NONNULL(group.leader), "m");
    EXPECT_EQ(group.currentStateTimestamp.value(), one.version >= 2 ? 1'700'000'000'000 : -1);
    ASSERT_EQ(group.members.size(), 1u);
    auto& member = group.members[0];
    EXPECT_EQ(member.member, "m");
    EXPECT_EQ(member.instance != nullptr, one.version >= 3);
    EXPECT_EQ(member.clientHost, "/h");
    EXPECT_EQ(member.rebalanceTimeoutMs, one.version >= 1 ? 60'000 : 45'000);
    EXPECT_EQ(member.sessionTimeoutMs, 45'000);
    EXPECT_EQ(text(member.subscription), "sub");
    EXPECT_EQ(text(member.assignment), "as");
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_TRUE(decodeGroupRecordValue(whole.slice(0, size)) == nullptr) << size;
  }
}

TEST(OffsetRecordsTest, OtherKeysAreTold) {
  EXPECT_TRUE(decodeRecordKey(nullptr) == nullptr);
  EXPECT_TRUE(decodeRecordKey(unhex("0001 0001")) == nullptr);
  EXPECT_TRUE(decodeRecordKey(unhex("0002 0002 61")) == nullptr);
  EXPECT_TRUE(decodeRecordKey(unhex("ffff 0000")) == nullptr);
  // A consumer group of the newer protocol (key version 3).
  EXPECT_TRUE(KJ_ASSERT_NONNULL(decodeRecordKey(unhex("0003 0001 61"))).is<UnknownRecord>());
}

// Counts that are not meant: nothing is allocated for them.
TEST(OffsetRecordsTest, HugeCountsAreRefused) {
  EXPECT_TRUE(decodeGroupRecordValue(unhex("0003 0000 00000005 ffff ffff ffffffffffffffff 7fffffff")) == nullptr);
  EXPECT_TRUE(decodeGroupRecordValue(unhex("0003 0000 00000005 ffff ffff ffffffffffffffff ffffffff")) == nullptr);
}

}  // namespace
}  // namespace cambium
