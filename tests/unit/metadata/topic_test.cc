#include "engine/metadata/topic.h"

#include <gtest/gtest.h>
#include <string>

#include "engine/metadata/metadata_image.h"
#include "engine/metadata/topic_name.h"

namespace cambium {
namespace {

Uuid idOf(kj::byte first) {
  kj::byte bytes[16] = {first, 2, 3};
  return Uuid::fromBytes(bytes);
}
// Of a name of up to 16 characters.
Uuid idOf(kj::StringPtr name) {
  kj::byte bytes[16] = {};
  memcpy(bytes, name.begin(), kj::min(name.size(), sizeof(bytes)));
  return Uuid::fromBytes(bytes);
}

kj::Own<const Topic> topicNamed(kj::StringPtr name, int64_t revision = 1) {
  Topic::Spec spec{.name = kj::str(name),
                   .id = idOf(name),
                   .partitions = {},
                   .settings = {},
                   .createdAt = TimestampMs(5),
                   .engine = kj::str("native")};
  spec.partitions.add(PartitionAssignment{.leaderEpoch = LeaderEpoch(0)});
  return kj::atomicRefcounted<const Topic>(kj::mv(spec), Revision(revision));
}

std::string nameError(kj::StringPtr name) {
  auto checked = checkTopicName(name);
  if (checked.ok()) return "";
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalidTopic);
  return checked.error().message.cStr();
}

TEST(TopicNameTest, KafkasRules) {
  for (auto good : {"a", "A.b_c-9", "...", "-", "_"})
    EXPECT_EQ(nameError(good), "") << good;
  EXPECT_EQ(nameError(std::string(249, 'x').c_str()), "");
  EXPECT_NE(nameError(std::string(250, 'x').c_str()).find("250 characters, at most 249"), std::string::npos);
  EXPECT_NE(nameError("").find("must not be empty"), std::string::npos);
  for (auto dots : {".", ".."})
    EXPECT_NE(nameError(dots).find("cannot be named"), std::string::npos);
  for (auto bad : {"a/b", "a b", "a\\b", "a\xc3\xa4", "a:b", "a\nb"})
    EXPECT_NE(nameError(bad).find("position 1"), std::string::npos) << bad;
  EXPECT_NE(nameError(kj::StringPtr("a\0b", 3)).find("position 1"), std::string::npos);
}

TEST(TopicTest, KnowsWhereEachLogIs) {
  auto topic = topicNamed("words");
  EXPECT_STREQ(topic->partition(0).engine.cStr(), "native") << "where the topic belongs, when nothing else is said";
  auto spec = topic->copySpec();
  spec.engine = kj::str("rocksdb");
  spec.moveAttempt = 3;
  spec.partitions[0].otherEngine = kj::str("rocksdb");
  spec.partitions.resize(2);
  auto moving = kj::atomicRefcounted<const Topic>(kj::mv(spec), Revision(0));
  for (auto& each : {kj::atomicAddRef(*moving), Topic::decode(moving->encode(), Revision(1))}) {
    EXPECT_STREQ(each->engine().cStr(), "rocksdb");
    EXPECT_EQ(each->moveAttempt(), 3u);
    EXPECT_STREQ(each->partition(0).engine.cStr(), "native");
    EXPECT_STREQ(each->partition(0).otherEngine.cStr(), "rocksdb");
    EXPECT_STREQ(each->partition(1).engine.cStr(), "rocksdb") << "new ones begin where the topic belongs";
    EXPECT_STREQ(each->partition(1).otherEngine.cStr(), "");
  }
}

TEST(TopicTest, ComesBackFromItsBytes) {
  Topic::Spec spec{.name = kj::str("words"),
                   .id = idOf(7),
                   .partitions = {},
                   .settings = {},
                   .createdAt = TimestampMs(123),
                   .engine = kj::str("rocksdb")};
  for (int i = 0; i < 3000; ++i)
    spec.partitions.add(PartitionAssignment{.leaderEpoch = LeaderEpoch(i)});
  spec.settings.add(ConfigSetting{kj::str("flush.ms"), kj::str("9")});
  auto topic = kj::atomicRefcounted<const Topic>(kj::mv(spec), Revision(0));
  auto again = Topic::decode(topic->encode(), Revision(42));
  EXPECT_STREQ(again->name().cStr(), "words");
  EXPECT_EQ(again->id(), idOf(7));
  ASSERT_EQ(again->partitionCount(), 3000);
  EXPECT_EQ(again->partition(2999).leaderEpoch.value(), 2999);
  EXPECT_EQ(again->config().partition.flushMs, 9);
  EXPECT_EQ(again->createdAt().value(), 123);
  EXPECT_STREQ(again->engine().cStr(), "rocksdb");
  EXPECT_EQ(again->revision().value(), 42);
  EXPECT_STREQ(again->logId(2).name.cStr(), "words-2");
  EXPECT_EQ(again->logId(2).incarnation, idOf(7));
}

TEST(TopicTest, BytesThatAreNoTopicThrow) {
  auto bytes = topicNamed("words")->encode();
  EXPECT_ANY_THROW(Topic::decode(nullptr, Revision(1)));
  EXPECT_ANY_THROW(Topic::decode(bytes.slice(0, bytes.size() - 3), Revision(1)));
  EXPECT_ANY_THROW(Topic::decode(bytes.slice(0, 16), Revision(1)));
}

std::string namesOf(const MetadataImage& image) {
  std::string names;
  for (auto& topic : image.topics())
    names += kj::str(topic->name(), "@", topic->revision(), " ").cStr();
  return names;
}

// The cost is counted in what two images do not have in common.
TEST(MetadataImageTest, AChangeCostsTheSameWithManyTopics) {
  for (int count : {10, 20'000}) {
    kj::Vector<kj::Own<const Topic>> topics;
    for (int i = 0; i < count; ++i)
      topics.add(topicNamed(kj::str("topic-", 100'000 + i)));
    auto image = kj::atomicRefcounted<const MetadataImage>(Revision(1), kj::mv(topics));
    EXPECT_EQ(image->partitionTotal(), count);
    auto cost = [&](const MetadataImage& other) { return other.topics().nodesApartFrom(image->topics()); };
    size_t most = count == 10 ? 8 : 24;
    auto more = image->with(Revision(2), "topic-x", topicNamed("topic-x"));
    EXPECT_LE(cost(*more), most);
    EXPECT_EQ(more->partitionTotal(), count + 1);
    EXPECT_LE(cost(*image->with(Revision(2), "topic-100005", topicNamed("topic-100005", 2))), most);
    auto fewer = image->with(Revision(2), "topic-100005", nullptr);
    EXPECT_LE(cost(*fewer), most);
    EXPECT_EQ(fewer->partitionTotal(), count - 1);
    EXPECT_TRUE(fewer->find(idOf("topic-100005")) == nullptr);
    EXPECT_STREQ(KJ_ASSERT_NONNULL(image->find(idOf("topic-100005"))).name().cStr(), "topic-100005");
  }
}

TEST(MetadataImageTest, TopicsArePutReplacedAndRemovedInOrder) {
  auto image = kj::atomicRefcounted<const MetadataImage>(Revision(0), kj::Vector<kj::Own<const Topic>>());
  auto put = [&](kj::StringPtr name, int64_t revision) {
    image = image->with(Revision(revision), name, topicNamed(name, revision));
  };
  put("m", 1);
  put("z", 2);
  put("a", 3);
  put("n", 4);
  EXPECT_EQ(namesOf(*image), "a@3 m@1 n@4 z@2 ");
  auto before = kj::atomicAddRef(*image);
  put("m", 5);
  put("z", 6);
  EXPECT_EQ(namesOf(*image), "a@3 m@5 n@4 z@6 ");
  EXPECT_EQ(namesOf(*before), "a@3 m@1 n@4 z@2 ") << "an image never changes";
  image = image->with(Revision(7), "a", nullptr);
  image = image->with(Revision(8), "nothing", nullptr);
  EXPECT_EQ(namesOf(*image), "m@5 n@4 z@6 ");
  EXPECT_EQ(image->revision().value(), 8);
  EXPECT_STREQ(KJ_ASSERT_NONNULL(image->find("n")).name().cStr(), "n");
  EXPECT_TRUE(image->find("a") == nullptr);
  EXPECT_TRUE(image->find("zz") == nullptr);
}

}  // namespace
}  // namespace cambium
