#include "engine/group/offset_records.h"

#include <kj/debug.h>

namespace cambium {

namespace {

constexpr int16_t kOldOffsetKey = 0;
constexpr int16_t kOffsetKey = 1;
constexpr int16_t kGroupKey = 2;
// Of both kinds of values.
constexpr int16_t kValueWritten = 3;
constexpr int16_t kFlexibleValue = 4;

// Allocated before the members are read, at most: each has at least 20 bytes.
constexpr size_t kMemberBytesMin = 20;

ByteView bytesOf(kj::StringPtr text) {
  return text.asBytes();
}
ByteView bytesOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

// The parts of a value in versions before the flexible one: lengths are int16 (texts) and int32 (bytes, lists), -1 for
// null.
class ValueWriter {
 public:
  explicit ValueWriter(size_t capacity) : out_(capacity) { out_.int16(kValueWritten); }

  void int32(int32_t v) { out_.int32(v); }
  void int64(int64_t v) { out_.int64(v); }
  void text(ByteView v) {
    KJ_REQUIRE(v.size() <= kOffsetKeyNameBytesMax, "a text is too long for a record", v.size());
    out_.int16(static_cast<int16_t>(v.size()));
    out_.bytes(v);
  }
  void text(const kj::Maybe<std::string>& v) {
    KJ_IF_MAYBE(given, v) return text(bytesOf(*given));
    out_.int16(-1);
  }
  void bytes(ByteView v) {
    out_.int32(static_cast<int32_t>(v.size()));
    out_.bytes(v);
  }
  kj::Array<kj::byte> finish() { return out_.finish(); }

 private:
  ByteWriter out_;
};

// Reads any of the versions. What is missing or malformed fails the reader for good.
class ValueReader {
 public:
  explicit ValueReader(ByteView bytes) : in_(bytes), version_(in_.int16()) {
    if (version_ < 0 || version_ > kFlexibleValue) in_.fail();
  }

  int16_t version() const { return version_; }
  int32_t int32() { return in_.int32(); }
  int64_t int64() { return in_.int64(); }
  kj::Maybe<ByteView> nullableText() { return flexible() ? compact() : fixed(in_.int16()); }
  ByteView text() { return orFail(nullableText()); }
  std::string string() {
    auto v = text();
    return std::string(reinterpret_cast<const char*>(v.begin()), v.size());
  }
  kj::Maybe<std::string> nullableString() {
    return nullableText().map(
        [](ByteView v) { return std::string(reinterpret_cast<const char*>(v.begin()), v.size()); });
  }
  kj::Array<const kj::byte> bytes() {
    return kj::heapArray<const kj::byte>(orFail(flexible() ? compact() : fixed(in_.int32())));
  }
  // Of a list that is not null.
  size_t count() {
    int64_t n = flexible() ? int64_t{in_.unsignedVarint32()} - 1 : int64_t{in_.int32()};
    if (n >= 0 && static_cast<uint64_t>(n) <= in_.remaining() / kMemberBytesMin) return static_cast<size_t>(n);
    in_.fail();
    return 0;
  }
  // At the end of a struct: fields with tags, none of which is needed.
  void tags() {
    if (!flexible()) return;
    for (uint32_t left = in_.unsignedVarint32(); left > 0 && !in_.failed(); --left) {
      in_.unsignedVarint32();
      in_.bytes(in_.unsignedVarint32());
    }
  }
  bool finished() const { return in_.finished(); }

 private:
  bool flexible() const { return version_ >= kFlexibleValue; }
  kj::Maybe<ByteView> fixed(int32_t size) {
    if (size == -1) return nullptr;
    if (size < 0) in_.fail();
    return in_.bytes(size < 0 ? 0 : static_cast<size_t>(size));
  }
  kj::Maybe<ByteView> compact() {
    auto size = in_.unsignedVarint32();
    if (size == 0) return nullptr;
    return in_.bytes(size - 1);
  }
  ByteView orFail(kj::Maybe<ByteView> v) {
    KJ_IF_MAYBE(given, v) return *given;
    in_.fail();
    return nullptr;
  }

  ByteReader in_;
  int16_t version_;
};

GroupMetadata::Member readMember(ValueReader& in) {
  GroupMetadata::Member member;
  member.member = in.string();
  if (in.version() >= 3) member.instance = in.nullableString();
  member.clientId = in.string();
  member.clientHost = in.string();
  member.rebalanceTimeoutMs = in.version() >= 1 ? in.int32() : -1;
  member.sessionTimeoutMs = in.int32();
  // Before there was one of its own, the session's was taken.
  if (member.rebalanceTimeoutMs < 0) member.rebalanceTimeoutMs = member.sessionTimeoutMs;
  member.subscription = in.bytes();
  member.assignment = in.bytes();
  in.tags();
  return member;
}

}  // namespace

kj::Array<kj::byte> encodeOffsetRecordKey(const OffsetKey& key) {
  ByteWriter out(10 + key.group.size() + key.topic.size());
  out.int16(kOffsetKey);
  out.bytes(encodeOffsetKey(key));
  return out.finish();
}

kj::Array<kj::byte> encodeGroupRecordKey(const std::string& group) {
  KJ_REQUIRE(group.size() <= kOffsetKeyNameBytesMax, "a group's name is too long for a record", group.size());
  ByteWriter out(4 + group.size());
  out.int16(kGroupKey);
  out.int16(static_cast<int16_t>(group.size()));
  out.bytes(bytesOf(group));
  return out.finish();
}

kj::Array<kj::byte> encodeOffsetRecordValue(const CommittedOffset& offset) {
  ValueWriter out(24 + offset.metadata.size());
  out.int64(offset.offset.value());
  out.int32(offset.leaderEpoch.value());
  out.text(bytesOf(offset.metadata));
  out.int64(offset.committedAt.value());
  return out.finish();
}

kj::Array<kj::byte> encodeGroupRecordValue(const GroupMetadata& group) {
  ValueWriter out(256);
  out.text(bytesOf(group.protocolType));
  out.int32(group.generation);
  out.text(group.protocol);
  out.text(group.leader);
  out.int64(group.currentStateTimestamp.value());
  out.int32(static_cast<int32_t>(group.members.size()));
  for (auto& member : group.members) {
    out.text(bytesOf(member.member));
    out.text(member.instance);
    out.text(bytesOf(member.clientId));
    out.text(bytesOf(member.clientHost));
    out.int32(member.rebalanceTimeoutMs);
    out.int32(member.sessionTimeoutMs);
    out.bytes(member.subscription);
    out.bytes(member.assignment);
  }
  return out.finish();
}

kj::Maybe<RecordKey> decodeRecordKey(ByteView bytes) {
  ByteReader in(bytes);
  auto version = in.int16();
  if (in.failed() || version < 0) return nullptr;
  auto rest = bytes.slice(sizeof(int16_t), bytes.size());
  if (version == kOldOffsetKey || version == kOffsetKey) {
    KJ_IF_MAYBE(key, decodeOffsetKey(rest)) return RecordKey(kj::mv(*key));
    return nullptr;
  }
  if (version == kGroupKey) {
    auto size = in.int16();
    auto name = in.bytes(size < 0 ? bytes.size() : static_cast<size_t>(size));
    if (!in.finished()) return nullptr;
    return RecordKey(GroupRecordKey{std::string(reinterpret_cast<const char*>(name.begin()), name.size())});
  }
  return RecordKey(UnknownRecord());
}

kj::Maybe<CommittedOffset> decodeOffsetRecordValue(ByteView bytes) {
  ValueReader in(bytes);
  CommittedOffset offset;
  offset.offset = Offset(in.int64());
  if (in.version() >= 3) offset.leaderEpoch = LeaderEpoch(in.int32());
  offset.metadata = kj::heapString(in.text().asChars());
  offset.committedAt = TimestampMs(in.int64());
  if (in.version() == 1) in.int64();  // when it expires: decided by the group's age here
  in.tags();
  if (!in.finished()) return nullptr;
  return kj::mv(offset);
}

kj::Maybe<GroupMetadata> decodeGroupRecordValue(ByteView bytes) {
  ValueReader in(bytes);
  GroupMetadata group;
  group.protocolType = in.string();
  group.generation = in.int32();
  group.protocol = in.nullableString();
  group.leader = in.nullableString();
  if (in.version() >= 2) group.currentStateTimestamp = TimestampMs(in.int64());
  for (auto left = in.count(); left > 0; --left)
    group.members.add(readMember(in));
  in.tags();
  if (!in.finished()) return nullptr;
  return kj::mv(group);
}

}  // namespace cambium
