#include "tests/broker/broker_fixture.h"

// Retention and compaction of a whole broker, as clients meet them. The time of day is the test's.

namespace cambium {
namespace {

constexpr int64_t kHour = 3'600'000;

class CleanupBrokerTest : public BrokerTest {
 protected:
  void SetUp() override {
    // The broker looks all the time.
    retentionCheckMs = 5;
    cleanerBackoffMs = 5;
    offsetsSegmentBytes = 500;
    BrokerTest::SetUp();
  }

  void put(kj::StringPtr topic, std::initializer_list<std::string> values) {
    // One batch each.
    for (auto& value : values)
      append(scope(), client().partition(topic), {value});
  }
  // A record with key and value; no value: a tombstone.
  void set(kj::StringPtr topic, kj::StringPtr key, kj::Maybe<kj::StringPtr> value) {
    auto request = otherClient().partition(topic).appendRequest();
    request.setAcks(rpc::Acks::ALL);
    auto record = request.initRecords(1)[0];
    record.setHasKey(true);
    record.setKey(key.asBytes());
    KJ_IF_MAYBE(text, value) {
      record.setValue(text->asBytes());
    } else {
      record.setHasNullValue(true);
    }
    auto response = request.send().wait(scope());
    KJ_REQUIRE(errorOf(response) == "", errorOf(response).c_str());
  }
  // "3 a=2; 5 b=null; ": every record that can be read, at its offset.
  std::string contents(kj::StringPtr topic) {
    auto partition = client().partition(topic);
    std::string all;
    for (auto next = describe(topic).logStart;;) {
      auto request = partition.readRecordsRequest();
      request.initRequest().setFrom(next);
      auto response = request.send().wait(scope());
      KJ_REQUIRE(errorOf(response) == "", errorOf(response).c_str());
      auto chunk = response.getChunk();
      for (auto record : chunk.getRecords()) {
        auto value = record.getHasNullValue() ? std::string("null") : text(record.getValue());
        all += std::to_string(record.getOffset()) + " " + text(record.getKey()) + "=" + value + "; ";
      }
      next = chunk.getNextOffset();
      if (next >= chunk.getHighWatermark()) return all;
    }
  }
  static std::string text(capnp::Data::Reader data) {
    return std::string(reinterpret_cast<const char*>(data.begin()), data.size());
  }

  struct Description {
    int64_t logStart, end, cleanedUpTo;
    std::string compactionFailure;
    uint32_t extents;
  };
  Description describe(kj::StringPtr topic) {
    auto response = client().partition(topic).describeRequest().send().wait(scope());
    auto partition = response.getPartition();
    return {partition.getLogStart(), partition.getEnd(), partition.getCleanedUpTo(),
            partition.getCompactionFailure().cStr(), partition.getExtents()};
  }
  void awaitStart(kj::StringPtr topic, int64_t offset) {
    broker->awaitTrue("the start of the log", [&] { return describe(topic).logStart == offset; });
  }
  void awaitCleaned(kj::StringPtr topic, int64_t offset) {
    broker->awaitTrue("compaction", [&] { return describe(topic).cleanedUpTo == offset; });
  }
};
CAMBIUM_EVERY_DEPLOYMENT(CleanupBrokerTest);

TEST_P(CleanupBrokerTest, RecordsGoWhenTheirTimeIsOver) {
  ASSERT_EQ(client().createTopic("words", 1, {{"retention.ms", "3600000"}, {"segment.bytes", "150"}}), "");
  put("words", {"a", "b", "c"});
  clockShiftMs = kHour / 2;
  put("words", {"d", "e"});
  EXPECT_EQ(describe("words").logStart, 0);
  clockShiftMs = kHour + 60'000;
  broker->awaitTrue("retention", [&] { return describe("words").logStart > 0; });
  // Whole segments: what they hold is at least as old.
  EXPECT_LE(describe("words").logStart, 3);
  EXPECT_EQ(read(scope(), client().partition("words"), 0).error.find("offsetOutOfRange"), 0u);
  // All of it, the active segment as well.
  clockShiftMs = 2 * kHour;
  awaitStart("words", 5);
  put("words", {"f"});
  EXPECT_EQ(contents("words"), "5 f=f; ");
  EXPECT_GT(broker->total().gone.deletedExtents, 0u);
  restart();
  EXPECT_EQ(contents("words"), "5 f=f; ");
}

TEST_P(CleanupBrokerTest, ConfigsActAsTheyAreAltered) {
  ASSERT_EQ(client().createTopic("words", 1, {{"segment.bytes", "150"}}), "");
  put("words", {"a", "b", "c", "d", "e", "f", "g", "h"});
  ASSERT_EQ(client().alterTopic("words", {{"retention.bytes", "1"}}), "");
  broker->awaitTrue("retention", [&] { return describe("words").logStart > 0; });
  EXPECT_LT(describe("words").logStart, 8) << "at least a byte stays";
  ASSERT_EQ(client().alterTopic("words", {{"retention.bytes", "0"}}), "");
  awaitStart("words", 8);
  ASSERT_EQ(client().alterTopic("words", {{"retention.bytes", "reset"}, {"cleanup.policy", ""}}), "");
  put("words", {"i"});
  clockShiftMs = 10'000 * kHour;
  // Neither deleted nor compacted: several looks later it is there still.
  for (int i = 0; i < 20; ++i)
    wait(io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS));
  EXPECT_EQ(describe("words").logStart, 8);
  ASSERT_EQ(client().alterTopic("words", {{"cleanup.policy", "delete"}}), "");
  awaitStart("words", 9);
}

TEST_P(CleanupBrokerTest, TheNewestOfEachKeyStays) {
  ASSERT_EQ(client().createTopic("state", 1,
                                 {{"cleanup.policy", "compact"},
                                  {"segment.ms", "3600000"},
                                  {"min.cleanable.dirty.ratio", "0.1"},
                                  {"delete.retention.ms", "7200000"}}),
            "");
  set("state", "a", "1"_kj);
  set("state", "b", "1"_kj);
  set("state", "a", "2"_kj);
  set("state", "b", nullptr);
  set("state", "c", "1"_kj);
  EXPECT_EQ(describe("state").cleanedUpTo, -1) << "all of it is in the active segment";
  clockShiftMs = kHour + 60'000;
  awaitCleaned("state", 5);
  EXPECT_EQ(contents("state"), "2 a=2; 3 b=null; 4 c=1; ");
  EXPECT_EQ(describe("state").logStart, 0);
  clockShiftMs = 4 * kHour;
  broker->awaitTrue("the tombstone goes", [&] { return contents("state") == "2 a=2; 4 c=1; "; });
  restart();
  EXPECT_EQ(contents("state"), "2 a=2; 4 c=1; ");
  set("state", "c", "2"_kj);
  clockShiftMs = 6 * kHour;
  awaitCleaned("state", 6);
  EXPECT_EQ(contents("state"), "2 a=2; 5 c=2; ");
  EXPECT_GT(broker->total().gone.compactedRecords, 0u);
  EXPECT_EQ(broker->total().gone.compactionFailures, 0u);
}

TEST_P(CleanupBrokerTest, AWaitingReaderGetsWhatComesNext) {
  ASSERT_EQ(client().createTopic("state", 1,
                                 {{"cleanup.policy", "compact"}, {"segment.ms", "3600000"}, {"segment.bytes", "150"}}),
            "");
  for (int i = 0; i < 5; ++i)
    set("state", "a", kj::str(i).asPtr());
  clockShiftMs = kHour + 60'000;
  awaitCleaned("state", 5);
  EXPECT_EQ(contents("state"), "4 a=4; ");
  // From within the gap.
  auto got = read(scope(), client().partition("state"), 1);
  EXPECT_EQ(got.firstOffset, 4);
  auto waiting = readLater(client().partition("state"), 5, {.waitMsMax = 10'000});
  set("state", "b", "x"_kj);
  EXPECT_EQ(wait(kj::mv(waiting)).firstOffset, 5);
}

// Commits of a group are one key, over and over.
TEST_P(CleanupBrokerTest, CommittedOffsetsAreCompactedAndStayRight) {
  ASSERT_EQ(client().createTopic("words", 1), "");
  auto commit = [&](const std::string& group, int64_t offset) {
    CommitOffsetsRequest request{.who = {.group = group, .member = ""}, .offsets = {}};
    request.offsets.add(OffsetToCommit{.topic = "words", .partition = 0, .offset = Offset(offset), .metadata = ""});
    ASSERT_TRUE(wait(broker->local().commitOffsets(kj::mv(request)))[0] == nullptr);
  };
  auto committed = [&](const std::string& group) {
    auto found = wait(broker->local().fetchOffsets({.who = {.group = group, .member = ""}}));
    KJ_REQUIRE(found.ok() && found.value().size() == 1, group.c_str());
    return found.value()[0].offset.offset.value();
  };
  for (int64_t offset = 0; offset <= 20; ++offset) {
    commit("g", offset);
    commit("h", 100 + offset);
  }
  // A few stay where they are: in the active segment.
  broker->awaitTrue("compaction", [&] { return broker->total().gone.compactedRecords >= 20; });
  EXPECT_EQ(committed("g"), 20);
  EXPECT_EQ(committed("h"), 120);
  restart();
  EXPECT_EQ(committed("g"), 20);
  EXPECT_EQ(committed("h"), 120);
}

TEST_P(CleanupBrokerTest, AStopInTheMiddleIsNoMatter) {
  ASSERT_EQ(client().createTopic("state", 2, {{"cleanup.policy", "compact"}, {"segment.bytes", "200"}}), "");
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i)
      set("state", kj::str("k", i % 3), kj::str(round * 10 + i).asPtr());
    restart();
  }
  std::map<std::string, std::string> newest;
  auto all = contents("state");
  for (size_t at = 0; at < all.size();) {
    auto key = all.find(' ', at) + 1, value = all.find('=', key) + 1, end = all.find(';', value);
    newest[all.substr(key, value - key - 1)] = all.substr(value, end - value);
    at = end + 2;
  }
  EXPECT_EQ(newest["k0"], "49");
  EXPECT_EQ(newest["k1"], "47");
  EXPECT_EQ(newest["k2"], "48");
}

}  // namespace
}  // namespace cambium
