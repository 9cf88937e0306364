#include <gtest/gtest.h>

#include "server/kafka/wire/all_messages.h"
#include "server/kafka/wire/dumper.h"
#include "server/kafka/wire/reader.h"
#include "server/kafka/wire/writer.h"
#include "tests/support/kafka_scrambler.h"

namespace cambium::kafka {
namespace {

template <class Message>
kj::Array<kj::byte> scrambled(uint64_t seed, Version version, Message& message) {
  Scrambler scrambler(seed, version);
  scrambler.structure(message);
  return encode(message, version).flatten();
}

// Writes, reads and writes again; then cuts the bytes at every place and changes some of them.
template <class Message>
void roundTrip(uint64_t seed, Version version) {
  Message message;
  auto bytes = scrambled(seed, version, message);
  Message again;
  kj::String failure;
  ASSERT_TRUE(decode(bytes, version, again, failure))
      << Message::kFacts.name << " " << version << ": " << failure.cStr() << "\n"
      << dump(message, version).cStr();
  EXPECT_EQ(dump(message, version), dump(again, version));
  EXPECT_EQ(kj::ArrayPtr<const kj::byte>(bytes), kj::ArrayPtr<const kj::byte>(encode(again, version).flatten()));
  for (size_t cut = 0; cut < bytes.size(); cut += 1 + cut / 16) {
    Message torn;
    EXPECT_FALSE(decode(bytes.slice(0, cut), version, torn, failure)) << Message::kFacts.name << " cut at " << cut;
  }
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20 && bytes.size() > 0; ++i) {
    auto damaged = kj::heapArray<kj::byte>(bytes.asPtr());
    damaged[random() % damaged.size()] = static_cast<kj::byte>(random());
    Message odd;
    if (decode(damaged, version, odd, failure)) dump(odd, version);  // some valid message, or refused
  }
}

template <class Message>
void everyVersion() {
  for (Version v = Message::kFacts.versions.first; v <= Message::kFacts.versions.last; ++v)
    for (uint64_t seed = 0; seed < 25; ++seed)
      roundTrip<Message>(seed, v);
}

TEST(CodecTest, EveryMessageSurvivesTheWireInEveryVersion) {
#define CAMBIUM_X(Name)          \
  everyVersion<Name##Request>(); \
  everyVersion<Name##Response>();
  CAMBIUM_KAFKA_MESSAGES(CAMBIUM_X)
#undef CAMBIUM_X
}

// Bytes by hand: MetadataRequest 9 is flexible.
bool readsAsMetadata(std::initializer_list<kj::byte> bytes, Version version = 9) {
  MetadataRequest request;
  kj::String failure;
  return decode(kj::arrayPtr(bytes.begin(), bytes.size()), version, request, failure);
}

TEST(CodecTest, CountsAreBoundedByTheBytesThatAreLeft) {
  // One topic "a", allow = 1, cluster = 0, topic operations = 0, no tags.
  EXPECT_TRUE(readsAsMetadata({2, 2, 'a', 0, 1, 0, 0, 0}));
  EXPECT_FALSE(readsAsMetadata({3, 2, 'a', 0, 1, 0, 0, 0}));
  EXPECT_FALSE(readsAsMetadata({0xff, 0xff, 0xff, 0xff, 0x0f, 2, 'a', 0, 1, 0, 0, 0}));
  EXPECT_FALSE(readsAsMetadata({0x7f, 0xff, 0xff, 0xff}, 1));
}

TEST(CodecTest, NullIsTakenOnlyWhereTheVersionAllowsIt) {
  EXPECT_TRUE(readsAsMetadata({0, 1, 0, 0, 0}));               // all topics
  EXPECT_FALSE(readsAsMetadata({2, 0, 0, 1, 0, 0, 0}));        // a topic without a name
  EXPECT_FALSE(readsAsMetadata({0xff, 0xff, 0xff, 0xff}, 0));  // version 0 knows no null array
  EXPECT_FALSE(readsAsMetadata({0xff, 0xff, 0xff, 0xfe}, 1));  // and -2 is never null
}

TEST(CodecTest, OverlongNumbersAreRefused) {
  EXPECT_FALSE(readsAsMetadata({0x82, 0x80, 0x80, 0x80, 0x80, 0x00, 2, 'a', 0, 1, 0, 0, 0}));
  EXPECT_FALSE(readsAsMetadata({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
}

TEST(CodecTest, TaggedFieldsAreSkippedWhenUnknownAndAscend) {
  EXPECT_TRUE(readsAsMetadata({0, 1, 0, 0, 1, 7, 2, 'x', 'y'}));
  EXPECT_TRUE(readsAsMetadata({0, 1, 0, 0, 2, 7, 0, 9, 1, 'y'}));
  EXPECT_FALSE(readsAsMetadata({0, 1, 0, 0, 2, 9, 0, 7, 0}));
  EXPECT_FALSE(readsAsMetadata({0, 1, 0, 0, 2, 7, 0, 7, 0}));
  EXPECT_FALSE(readsAsMetadata({0, 1, 0, 0, 1, 7, 3, 'x', 'y'}));  // claims more than there is
}

TEST(CodecTest, AKnownTaggedFieldKeepsToItsSize) {
  FetchRequest request;
  request.clusterId = Text("cambium");
  auto bytes = encode(request, 12).flatten();
  // … tag count 1, tag 0, size 8, compact text of 7.
  auto size = bytes.size() - 9;
  ASSERT_EQ(bytes[size], 8);
  kj::String failure;
  for (kj::byte claimed : {kj::byte{7}, kj::byte{9}, kj::byte{0}}) {
    bytes[size] = claimed;
    FetchRequest read;
    EXPECT_FALSE(decode(bytes, 12, read, failure)) << int{claimed};
  }
}

TEST(CodecTest, TextsAreNoLongerThanAPlainStringCanBe) {
  for (size_t size : {size_t{0x7fff}, size_t{0x8000}}) {
    ByteWriter out;
    out.unsignedVarint32(2);
    out.unsignedVarint32(static_cast<uint32_t>(size) + 1);
    for (size_t i = 0; i < size + 5; ++i)
      out.int8(0);
    MetadataRequest request;
    kj::String failure;
    EXPECT_EQ(decode(out.written(), 9, request, failure), size == 0x7fff) << failure.cStr();
  }
}

TEST(CodecTest, LeftOverBytesAreRefused) {
  EXPECT_FALSE(readsAsMetadata({0, 1, 0, 0, 0, 0}));
  MetadataRequest request;
  kj::String failure;
  const kj::byte bytes[] = {0, 1, 0, 0, 0, 0};
  EXPECT_FALSE(decode(bytes, 9, request, failure));
  EXPECT_STREQ(failure.cStr(), "1 bytes are left over behind the last field");
  // A broker lets them be, as Kafka does.
  MetadataRequest tolerated;
  size_t elements = 0;
  EXPECT_TRUE(decodeRequest(bytes, 9, 10, tolerated, elements, failure));
}

TEST(CodecTest, ElementsOfAllListsAreCountedAndBounded) {
  ListOffsetsRequest request;
  for (int topic = 0; topic < 3; ++topic) {
    auto& one = request.topics.add();
    one.name = Text("words");
    for (int32_t i = 0; i < 4; ++i)
      one.partitions.add().partitionIndex = i;
  }
  auto bytes = encode(request, 7).flatten();
  kj::String failure;
  size_t elements = 0;
  ListOffsetsRequest fits;
  EXPECT_TRUE(decodeRequest(bytes, 7, 15, fits, elements, failure));
  EXPECT_EQ(elements, 15u);
  ListOffsetsRequest tooMany;
  EXPECT_FALSE(decodeRequest(bytes, 7, 14, tooMany, elements, failure));
  EXPECT_NE(std::string(failure.cStr()).find("more elements than a request may"), std::string::npos) << failure.cStr();
}

TEST(CodecTest, ManySmallElementsDoNotTakeEndlessMemory) {
  // A topic takes three bytes on the wire and far more in memory.
  constexpr size_t kTopics = 4'000'000;
  ByteWriter out(kTopics * 3 + 16);
  out.unsignedVarint32(kTopics + 1);
  for (size_t i = 0; i < kTopics; ++i) {
    out.unsignedVarint32(2);
    out.int8('a');
    out.int8(0);
  }
  for (int i = 0; i < 4; ++i)
    out.int8(0);
  MetadataRequest request;
  kj::String failure;
  EXPECT_FALSE(decode(out.written(), 9, request, failure));
  EXPECT_STREQ(failure.cStr(), "\"topics\" would take more memory than a request may");
}

TEST(CodecTest, RecordsAreSplicedNotCopied) {
  auto records = kj::heapArray<const kj::byte>({1, 2, 3});
  auto where = records.begin();
  FetchResponse response;
  auto& partition = response.responses.add().partitions.add();
  partition.records = Records(kj::mv(records));
  auto encoded = encode(response, 11);
  ASSERT_EQ(encoded.splices.size(), 1u);
  EXPECT_EQ(encoded.splices[0].records.begin(), where);
  EXPECT_EQ(encoded.size(), encoded.flatten().size());
}

}  // namespace
}  // namespace cambium::kafka
