#include <filesystem>

#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

class GroupTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words", 2), "");
  }
  struct Commit {
    const char* topic;
    int partition;
    int64_t offset;
    std::string metadata = "";
  };
  std::string commit(rpc::GroupOffsets::Client group, const std::vector<Commit>& commits) {
    auto request = group.commitRequest();
    auto list = request.initOffsets(static_cast<unsigned>(commits.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setTopic(commits[i].topic);
      list[i].setPartition(commits[i].partition);
      list[i].setOffset(commits[i].offset);
      list[i].setMetadata(commits[i].metadata.c_str());
    }
    return errorOf(request.send().wait(scope()));
  }
  // Everything the group has: "words-0=7(note) ".
  std::string fetch(rpc::GroupOffsets::Client group) {
    auto response = group.fetchRequest().send().wait(scope());
    std::string all = errorOf(response);
    for (auto one : response.getOffsets()) {
      all +=
          kj::str(one.getTopic(), '-', one.getPartition(), '=', one.getOffset(), '(', one.getMetadata(), ") ").cStr();
    }
    return all;
  }
  std::string groups() {
    auto response = otherClient().broker().listGroupsRequest().send().wait(scope());
    std::string all;
    for (auto name : response.getGroups())
      all += std::string(name.cStr()) + " ";
    return all;
  }
};
CAMBIUM_EVERY_DEPLOYMENT(GroupTest);

TEST_P(GroupTest, CommittedOffsetsAreFetchedAlsoAfterARestart) {
  EXPECT_EQ(commit(client().group("readers"), {{"words", 0, 7, "note"}, {"words", 1, 9}}), "");
  EXPECT_EQ(commit(otherClient().group("readers"), {{"words", 0, 8}}), "");
  EXPECT_EQ(commit(otherClient().group("alpha"), {{"words", 0, 1}}), "");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(fetch(otherClient().group("readers")), "words-0=8() words-1=9() ");
    EXPECT_EQ(groups(), "alpha readers ");
    restart();
  }
  auto request = otherClient().group("readers").fetchRequest();
  auto asked = request.initPartitions(2);
  asked[0].setTopic("words");
  asked[0].setPartition(1);
  asked[1].setTopic("unknown");
  auto response = request.send().wait(scope());
  ASSERT_EQ(response.getOffsets().size(), 2u);
  EXPECT_EQ(response.getOffsets()[0].getOffset(), 9);
  EXPECT_GT(response.getOffsets()[0].getCommitTimestamp(), 1'600'000'000'000);
  EXPECT_EQ(response.getOffsets()[1].getOffset(), -1);
}

// Offsets that cannot be told are not told as none.
TEST_P(GroupTest, AGroupWhoseLogIsGoneIsNotServedWithoutItsOffsets) {
  EXPECT_EQ(commit(client().group("readers"), {{"words", 0, 7}}), "");
  disconnect();
  broker = nullptr;
  namespace fs = std::filesystem;
  std::vector<fs::path> logs;
  bool isNative = GetParam().logEngine == kj::StringPtr("native");
  for (auto& entry : fs::directory_iterator(folder.path(isNative ? "native" : "").cStr())) {
    if (startsWith(entry.path().filename().string(), "__consumer_offsets-")) logs.push_back(entry.path());
  }
  for (auto& log : logs)
    fs::remove_all(log);
  start();
  auto fetched = fetch(client().group("readers"));
  // Those of RocksDB have no folders that could be gone.
  EXPECT_EQ(logs.empty(), !isNative);
  EXPECT_NE(fetched, "");
  EXPECT_EQ(contains(fetched, "words-0="), !isNative) << fetched;
}

TEST_P(GroupTest, DeletedOffsetsAndTopicsAreForgotten) {
  ASSERT_EQ(client().createTopic("letters"), "");
  EXPECT_EQ(commit(client().group("readers"), {{"words", 0, 7}, {"words", 1, 9}, {"letters", 0, 3}}), "");
  auto removal = otherClient().group("readers").deleteRequest();
  auto one = removal.initPartitions(1);
  one[0].setTopic("words");
  EXPECT_EQ(errorOf(removal.send().wait(scope())), "");
  EXPECT_EQ(fetch(client().group("readers")), "letters-0=3() words-1=9() ");
  EXPECT_EQ(client().deleteTopic("words"), "");
  EXPECT_EQ(client().createTopic("words", 2), "");
  EXPECT_EQ(fetch(client().group("readers")), "letters-0=3() ") << "a topic made anew starts without offsets";
}

// Commits on their way while the topic goes: nothing is left for the next topic of that name.
TEST_P(GroupTest, CommitsDuringADeletionLeaveNothing) {
  for (int round = 0; round < 5; ++round) {
    kj::Vector<kj::Promise<void>> racing;
    for (int i = 0; i < 20; ++i) {
      auto request = (i % 2 == 0 ? client() : otherClient()).group("readers").commitRequest();
      auto list = request.initOffsets(1);
      list[0].setTopic("words");
      list[0].setOffset(i);
      racing.add(request.send().ignoreResult());
      if (i != 10) continue;
      auto removal = otherClient().admin().deleteTopicRequest();
      removal.setName("words");
      racing.add(removal.send().ignoreResult());
    }
    wait(kj::joinPromises(racing.releaseAsArray()));
    ASSERT_EQ(client().createTopic("words", 2), "");
    EXPECT_EQ(fetch(client().group("readers")), "");
  }
}

// A list of empty structs has a few bytes whatever its length: its size is checked before it is copied.
TEST_P(GroupTest, LongListsAreRefused) {
  auto group = client().group("readers");
  auto many = limits.listEntriesMax + 1;
  auto committing = group.commitRequest();
  committing.initOffsets(many);
  EXPECT_PRED2(startsWith, errorOf(committing.send().wait(scope())), "invalidRequest: a request has 10001 offsets");
  auto fetching = group.fetchRequest();
  fetching.initPartitions(many);
  EXPECT_PRED2(startsWith, errorOf(fetching.send().wait(scope())), "invalidRequest: a request has 10001 partitions");
  auto deleting = group.deleteRequest();
  deleting.initPartitions(many);
  EXPECT_PRED2(startsWith, errorOf(deleting.send().wait(scope())), "invalidRequest: a request has 10001 partitions");
  // As many as are allowed, none of which is there.
  deleting = group.deleteRequest();
  deleting.initPartitions(many - 1);
  EXPECT_EQ(errorOf(deleting.send().wait(scope())), "");
}

TEST_P(GroupTest, BadInputIsRefusedAndStopsNobody) {
  auto group = client().group("readers");
  auto unnamed = client().broker().groupOffsetsRequest();
  EXPECT_PRED2(startsWith, errorOf(unnamed.send().wait(scope())), "invalidGroupId: ");
  auto endless = client().broker().groupOffsetsRequest();
  endless.setGroup(std::string(256, 'x').c_str());
  EXPECT_PRED2(startsWith, errorOf(endless.send().wait(scope())), "invalidGroupId: ");
  EXPECT_PRED2(startsWith, commit(group, {{"nothing", 0, 1}}),
               "unknownTopicOrPartition: there is no topic named nothing");
  EXPECT_PRED2(startsWith, commit(group, {{"words", 2, 1}}),
               "unknownTopicOrPartition: topic words has partitions 0 to 1, not 2");
  EXPECT_PRED2(startsWith, commit(group, {{"words", 0, -3}}), "offsetOutOfRange: ");
  EXPECT_PRED2(startsWith, commit(group, {{"words", 0, 1, std::string(4097, 'm')}}), "offsetMetadataTooLarge: ");
  EXPECT_PRED2(startsWith, commit(group, {{"words", 0, 1}, {"words", 9, 1}}), "unknownTopicOrPartition: ");
  EXPECT_EQ(fetch(group), "") << "all or none";
  // A topic name that is too long for any key: nothing is there.
  auto removal = group.deleteRequest();
  removal.initPartitions(1)[0].setTopic(std::string(40'000, 'x').c_str());
  EXPECT_EQ(errorOf(removal.send().wait(scope())), "");
  EXPECT_EQ(commit(group, {{"words", 0, 1}}), "");
  EXPECT_EQ(commit(group, {}), "");
}

}  // namespace
}  // namespace cambium
