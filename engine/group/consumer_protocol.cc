#include "engine/group/consumer_protocol.h"

#include <algorithm>

namespace cambium {

namespace {

constexpr int16_t kSubscriptionVersion = 2;
constexpr int16_t kAssignmentVersion = 1;
constexpr int32_t kNullBytes = -1;

void writeString(ByteWriter& out, const std::string& text) {
  out.int16(static_cast<int16_t>(text.size()));
  out.bytes(ByteView(reinterpret_cast<const kj::byte*>(text.data()), text.size()));
}

std::string readString(ByteReader& in) {
  auto size = in.int16();
  if (size < 0) {
    in.fail();
    return {};
  }
  auto bytes = in.bytes(static_cast<size_t>(size));
  return std::string(bytes.asChars().begin(), bytes.size());
}

// How many elements follow, each of at least `bytesMin` bytes; a null array is an empty one.
size_t readCount(ByteReader& in, size_t bytesMin) {
  auto count = in.int32();
  if (count < 0) return 0;
  if (static_cast<size_t>(count) > in.remaining() / bytesMin) in.fail();
  return in.failed() ? 0 : static_cast<size_t>(count);
}

void writePartitions(ByteWriter& out, kj::ArrayPtr<const GroupPartition> partitions) {
  size_t topics = 0;
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (i == 0 || partitions[i].topic != partitions[i - 1].topic) ++topics;
  }
  out.int32(static_cast<int32_t>(topics));
  for (size_t begin = 0, end; begin < partitions.size(); begin = end) {
    for (end = begin; end < partitions.size() && partitions[end].topic == partitions[begin].topic;)
      ++end;
    writeString(out, partitions[begin].topic);
    out.int32(static_cast<int32_t>(end - begin));
    for (auto& partition : partitions.slice(begin, end))
      out.int32(partition.partition);
  }
}

std::vector<GroupPartition> readPartitions(ByteReader& in) {
  std::vector<GroupPartition> partitions;
  for (size_t topics = readCount(in, sizeof(int16_t) + sizeof(int32_t)); topics > 0 && !in.failed(); --topics) {
    auto topic = readString(in);
    for (size_t count = readCount(in, sizeof(int32_t)); count > 0; --count)
      partitions.push_back({topic, in.int32()});
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

void skipUserData(ByteReader& in) {
  auto size = in.int32();
  if (size > 0) in.bytes(static_cast<size_t>(size));
}

}  // namespace

kj::Array<kj::byte> encodeSubscription(const Subscriber& subscriber) {
  ByteWriter out;
  out.int16(kSubscriptionVersion);
  out.int32(static_cast<int32_t>(subscriber.topics.size()));
  for (auto& topic : subscriber.topics)
    writeString(out, topic);
  out.int32(kNullBytes);
  writePartitions(out, kj::arrayPtr(subscriber.owned.data(), subscriber.owned.size()));
  out.int32(subscriber.ownedGeneration);
  return out.finish();
}

kj::Maybe<Subscriber> decodeSubscription(std::string member, ByteView bytes) {
  ByteReader in(bytes);
  Subscriber subscriber{.member = kj::mv(member), .topics = {}, .owned = {}};
  auto version = in.int16();
  if (version < 0) return nullptr;
  for (size_t count = readCount(in, sizeof(int16_t)); count > 0 && !in.failed(); --count)
    subscriber.topics.push_back(readString(in));
  skipUserData(in);
  if (version >= 1) subscriber.owned = readPartitions(in);
  if (version >= 2) subscriber.ownedGeneration = in.int32();
  if (in.failed()) return nullptr;
  return kj::mv(subscriber);
}

kj::Array<kj::byte> encodeAssignment(kj::ArrayPtr<const GroupPartition> sortedPartitions) {
  ByteWriter out;
  out.int16(kAssignmentVersion);
  writePartitions(out, sortedPartitions);
  out.int32(kNullBytes);
  return out.finish();
}

kj::Maybe<std::vector<GroupPartition>> decodeAssignment(ByteView bytes) {
  if (bytes.size() == 0) return std::vector<GroupPartition>();
  ByteReader in(bytes);
  if (in.int16() < 0) return nullptr;
  auto partitions = readPartitions(in);
  skipUserData(in);
  if (in.failed()) return nullptr;
  return kj::mv(partitions);
}

}  // namespace cambium
