#include "bench/kafka/frames.h"

#include <kj/debug.h>

namespace cambium::bench {

namespace {

constexpr int16_t kProduceVersion = 7;
constexpr int32_t kTimeoutMs = 30'000;
constexpr size_t kCorrelationAt = 8;  // after length, API and version

void putBigEndian(kj::byte* at, uint32_t value) {
  for (int i = 3; i >= 0; --i, value >>= 8)
    at[i] = static_cast<kj::byte>(value);
}

void header(FrameWriter& out, KafkaApi api, int16_t version, int32_t correlation) {
  out.begin();
  out.int16(static_cast<int16_t>(api));
  out.int16(version);
  out.int32(correlation);
  out.string("cambium-bench");
}

}  // namespace

void FrameWriter::begin() {
  begun_ = bytes_.size();
  int32(0);
}

void FrameWriter::end() {
  putBigEndian(bytes_.begin() + begun_, static_cast<uint32_t>(bytes_.size() - begun_ - kLengthBytes));
}

void FrameWriter::varint(uint32_t value) {
  for (; value >= 0x80; value >>= 7)
    bytes_.add(static_cast<kj::byte>(value | 0x80));
  bytes_.add(static_cast<kj::byte>(value));
}

void FrameWriter::string(kj::StringPtr value) {
  int16(static_cast<int16_t>(value.size()));
  raw(value.asBytes());
}

void FrameWriter::compactString(kj::StringPtr value) {
  varint(static_cast<uint32_t>(value.size() + 1));
  raw(value.asBytes());
}

uint32_t FrameReader::varint() {
  uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    auto byte = take(1)[0];
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  KJ_FAIL_REQUIRE("a varint of more than five bytes");
}

kj::String FrameReader::string() {
  auto size = int16();
  return size < 0 ? kj::String() : kj::heapString(take(static_cast<size_t>(size)).asChars());
}

kj::String FrameReader::compactString() {
  auto size = varint();
  return size == 0 ? kj::String() : kj::heapString(take(size - 1).asChars());
}

ByteView FrameReader::take(size_t count) {
  KJ_REQUIRE(count <= rest_.size(), "a frame is too short", count, rest_.size());
  auto taken = rest_.slice(0, count);
  rest_ = rest_.slice(count, rest_.size());
  return taken;
}

void FrameReader::skipTags() {
  for (auto tags = varint(); tags > 0; --tags) {
    varint();
    take(varint());
  }
}

kj::Array<kj::byte> apiVersionsRequest(int32_t correlation) {
  FrameWriter out;
  header(out, KafkaApi::kApiVersions, 0, correlation);
  out.end();
  return kj::heapArray<kj::byte>(out.bytes());
}

kj::Array<kj::byte> produceRequest(kj::StringPtr topic, int32_t partition, int16_t acks, ByteView batch) {
  FrameWriter out;
  header(out, KafkaApi::kProduce, kProduceVersion, 0);
  out.nullString();  // no transaction
  out.int16(acks);
  out.int32(kTimeoutMs);
  out.int32(1);
  out.string(topic);
  out.int32(1);
  out.int32(partition);
  out.int32(static_cast<int32_t>(batch.size()));
  out.raw(batch);
  out.end();
  return kj::heapArray<kj::byte>(out.bytes());
}

void stampCorrelation(kj::ArrayPtr<kj::byte> request, int32_t correlation) {
  putBigEndian(request.begin() + kCorrelationAt, static_cast<uint32_t>(correlation));
}

ProduceAnswer readProduceAnswer(ByteView frame) {
  FrameReader in(frame);
  ProduceAnswer answer{};
  answer.correlation = in.int32();
  KJ_REQUIRE(in.int32() == 1, "an answer for one topic was expected");
  in.string();
  KJ_REQUIRE(in.int32() == 1, "an answer for one partition was expected");
  in.int32();
  answer.error = in.int16();
  answer.baseOffset = in.int64();
  return answer;
}

size_t frameLength(const kj::byte* front) {
  auto length = static_cast<uint32_t>(FrameReader(ByteView(front, kLengthBytes)).int32());
  KJ_REQUIRE(length <= kFrameBytesMax, "a frame is too long, or this is not the Kafka protocol", length);
  return length;
}

}  // namespace cambium::bench
