#include "tests/unit/group/coordinator_fixture.h"

namespace cambium {
namespace {

TEST_F(CoordinatorTest, CommitsAreAnsweredWhenDurableAndShareTheSync) {
  pool.holding = true;
  auto first = coordinator->commitOffsets(commitRequest("g", {{"words", 0, 1}}));
  settle();
  ASSERT_EQ(pool.held(), 1u);
  auto second = coordinator->commitOffsets(commitRequest("g", {{"words", 0, 2}, {"words", 1, 5, "note"}}));
  auto third = coordinator->commitOffsets(commitRequest("h", {{"words", 0, 3}}));
  EXPECT_EQ(fetch("g"), "") << "what is not durable is not shown";
  EXPECT_FALSE(first.poll(scope));
  pool.runOne();
  EXPECT_EQ(errorsOf(first.wait(scope)), "ok ");
  EXPECT_EQ(fetch("g"), "words-0=1() ");
  EXPECT_FALSE(second.poll(scope));
  ASSERT_EQ(pool.held(), 1u) << "one sync for both";
  pool.holding = false;
  pool.runAll();
  EXPECT_EQ(errorsOf(second.wait(scope)), "ok ok ");
  EXPECT_EQ(errorsOf(third.wait(scope)), "ok ");
  EXPECT_EQ(fetch("g"), "words-0=2() words-1=5(note) ");
  EXPECT_EQ(end(), 4);
}

TEST_F(CoordinatorTest, EveryOffsetHasItsOwnAnswer) {
  EXPECT_EQ(commit("g", {{"words", 0, 1}, {"nothing", 0, 1}, {"words", 1, 2, std::string(4097, 'm')}, {"words", 2, 3}}),
            "ok UNKNOWN_TOPIC_OR_PARTITION OFFSET_METADATA_TOO_LARGE ok ");
  EXPECT_EQ(fetch("g"), "words-0=1() words-2=3() ");
  EXPECT_EQ(commit("g", {{"words", 0, 9, std::string(4096, 'm')}}), "ok ");
  EXPECT_EQ(commit("g", {}), "");
  EXPECT_EQ(commit(std::string(40'000, 'x'), {{"words", 0, 1}}), "INVALID_GROUP_ID ");
}

TEST_F(CoordinatorTest, TheMetadataOfAllOffsetsOfAGroupIsBounded) {
  settings.groupMetadataBytesMax = 10'000;
  std::string text(4'000, 'm');
  EXPECT_EQ(commit("g", {{"words", 0, 1, text}, {"words", 1, 1, text}, {"words", 2, 1, text}, {"words", 3, 1}}),
            "ok ok OFFSET_METADATA_TOO_LARGE ok ");
  EXPECT_EQ(commit("h", {{"words", 0, 1, text}}), "ok ") << "each group has its own";
  EXPECT_EQ(commit("g", {{"words", 0, 2, text}}), "ok ") << "in place of what was there";
  restart();
  EXPECT_EQ(commit("g", {{"words", 2, 1, text}}), "OFFSET_METADATA_TOO_LARGE ");
  EXPECT_EQ(commit("g", {{"words", 0, 3, "less"}}), "ok ");
  EXPECT_EQ(commit("g", {{"words", 2, 1, text}}), "ok ");
  // Commits under way count.
  EXPECT_EQ(commit("g", {{"words", 1, 3, ""}}), "ok ");
  pool.holding = true;
  auto first = coordinator->commitOffsets(commitRequest("g", {{"words", 4, 1, text}}));
  auto second = coordinator->commitOffsets(commitRequest("g", {{"words", 5, 1, text}}));
  pool.holding = false;
  pool.runAll();
  settle();
  EXPECT_EQ(errorsOf(first.wait(scope)), "ok ");
  EXPECT_EQ(errorsOf(second.wait(scope)), "OFFSET_METADATA_TOO_LARGE ");
}

TEST_F(CoordinatorTest, MetadataOfACommitWhoseClientHasGoneCountsOnce) {
  settings.groupMetadataBytesMax = 10'000;
  std::string text(4'000, 'm');
  pool.holding = true;
  {
    auto dropped = coordinator->commitOffsets(commitRequest("g", {{"words", 0, 1, text}}));
  }
  pool.holding = false;
  pool.runAll();
  settle();
  EXPECT_EQ(fetch("g"), "words-0=1(" + text + ") ");
  EXPECT_EQ(commit("g", {{"words", 1, 1, text}}), "ok ");
  EXPECT_EQ(commit("g", {{"words", 2, 1, text}}), "OFFSET_METADATA_TOO_LARGE ");
}

// More than fits into one batch: still all or nothing.
TEST_F(CoordinatorTest, ManyOffsetsAtOnce) {
  std::vector<Commit> many;
  for (int i = 0; i < 99; ++i) {
    for (int t = 0; t < 10; ++t)
      many.push_back({"topic" + std::to_string(t), i, i, std::string(4000, 'm')});
  }
  auto answers = coordinator->commitOffsets(commitRequest("g", many)).wait(scope);
  for (auto& error : answers)
    EXPECT_TRUE(error == nullptr);
  crash();
  EXPECT_EQ(coordinator->report().offsets, many.size());
}

TEST_F(CoordinatorTest, AStartReadsTheLogFromWhereTheTablesEnd) {
  EXPECT_EQ(commit("g", {{"words", 0, 1}, {"words", 1, 1}}), "ok ok ");
  crash();
  EXPECT_EQ(fetch("g"), "words-0=1() words-1=1() ");
  EXPECT_EQ(coordinator->report().replayedFrom.value(), 0) << "there were no rows yet";
  auto written = end();
  EXPECT_EQ(commit("g", {{"words", 0, 2}}), "ok ");
  crash();
  EXPECT_EQ(coordinator->report().replayedFrom.value(), written) << "only what came since";
  EXPECT_EQ(coordinator->report().replayedTo.value(), written + 1);
  EXPECT_EQ(fetch("g"), "words-0=2() words-1=1() ");
  // After a while the rows follow.
  EXPECT_EQ(commit("g", {{"words", 0, 3}}), "ok ");
  advance(5000);
  EXPECT_EQ(coordinator->report().writtenUpTo.value(), end());
  EXPECT_EQ(commit("g", {{"words", 0, 4}}), "ok ");
  crash();
  EXPECT_EQ(coordinator->report().replayedFrom.value(), end() - 1);
  EXPECT_EQ(fetch("g"), "words-0=4() words-1=1() ");
  EXPECT_EQ(commit("g", {{"words", 1, 5}}), "ok ");
  restart();
  EXPECT_EQ(coordinator->report().replayedFrom.value(), end()) << "a clean stop leaves nothing to read";
  EXPECT_EQ(fetch("g"), "words-0=4() words-1=5() ");
}

TEST_F(CoordinatorTest, RowsAreWrittenAfterAThousandChanges) {
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(commit("g", {{"words", 0, i}}), "ok ");
  settle();
  EXPECT_EQ(coordinator->report().writtenUpTo.value(), 1000);
}

// A data directory from before there was the topic: rows without a position.
TEST_F(CoordinatorTest, RowsFromBeforeAreBroughtIntoTheLog) {
  GroupRowChanges rows;
  rows.put(OffsetKey{"old", "words", 0}, CommittedOffset{Offset(7), kNoLeaderEpoch, kj::str("note"), TimestampMs(5)});
  rows.put(OffsetKey{"old", "words", 1}, CommittedOffset{Offset(8), kNoLeaderEpoch, kj::str(), TimestampMs(5)});
  // Written to the log before the crash that took the position.
  EXPECT_EQ(commit("old", {{"words", 1, 9}}), "ok ");
  rows.commitTo(*engine);
  crash();
  EXPECT_EQ(fetch("old"), "words-0=7(note) words-1=9() ") << "where the log says something, it is right";
  EXPECT_EQ(end(), 2) << "only what the log did not know";
  crash();
  EXPECT_EQ(fetch("old"), "words-0=7(note) words-1=9() ");
  EXPECT_EQ(end(), 2);
  EXPECT_EQ(coordinator->report().replayedFrom.value(), 2);
}

TEST_F(CoordinatorTest, LostTablesAreMadeAnewFromTheLog) {
  EXPECT_EQ(commit("g", {{"words", 0, 1}, {"words", 1, 2}}), "ok ok ");
  auto joined = joinAlone("members");
  restart();
  engine->commit({TableChange{"offsets", encodeOffsetKey({"g", "words", 0}), nullptr},
                  TableChange{"groups", "members"_kj.asBytes(), nullptr},
                  TableChange{"offsets", "k"_kj.asBytes(), ByteView("v"_kj.asBytes())}});
  crash();
  EXPECT_EQ(coordinator->report().replayedFrom.value(), 0);
  EXPECT_EQ(fetch("g"), "words-0=1() words-1=2() ");
  EXPECT_EQ(errorOf(coordinator->heartbeat(identity("members", joined))), "");
}

// The log was lost, and with it its identity: the rows are all there is.
TEST_F(CoordinatorTest, ALogOfAnotherTopicIsFilledFromTheRows) {
  EXPECT_EQ(commit("g", {{"words", 0, 1}}), "ok ");
  restart();
  auto old = topic;
  topic = Uuid::random(entropy);
  coordinator = nullptr;
  partition = nullptr;
  engine->drop({kj::str("offsets-0"), old});
  open();
  EXPECT_EQ(fetch("g"), "words-0=1() ");
  EXPECT_EQ(end(), 1);
  crash();
  EXPECT_EQ(fetch("g"), "words-0=1() ");
  EXPECT_EQ(coordinator->report().replayedFrom.value(), 1);
}

TEST_F(CoordinatorTest, MembersAndGenerationsSurvive) {
  auto joined = joinAlone("g");
  EXPECT_EQ(commit("g", {{"words", 0, 1}}), "UNKNOWN_MEMBER_ID ") << "of somebody else, while there are members";
  auto request = [&](int32_t generation) {
    auto request = commitRequest("g", {{"words", 0, generation}});
    request.who = identity("g", {joined.member, generation});
    return request;
  };
  EXPECT_EQ(errorsOf(coordinator->commitOffsets(request(joined.generation)).wait(scope)), "ok ");
  for (int round = 0; round < 3; ++round) {
    if (round == 1) crash();
    if (round == 2) restart();
    EXPECT_EQ(groups(), "g:Stable ");
    auto described = coordinator->describe("g");
    ASSERT_EQ(described.members.size(), 1u);
    EXPECT_EQ(described.members[0].member, joined.member);
    EXPECT_EQ(described.protocol, "range");
    EXPECT_EQ(errorOf(coordinator->heartbeat(identity("g", joined))), "");
    EXPECT_EQ(errorsOf(coordinator->commitOffsets(request(joined.generation - 1)).wait(scope)), "ILLEGAL_GENERATION ");
    EXPECT_EQ(errorsOf(coordinator->commitOffsets(request(joined.generation)).wait(scope)), "ok ");
  }
  // Who never comes back is put out.
  advance(10'001);
  EXPECT_EQ(groups(), "g:Empty ");
  EXPECT_EQ(errorsOf(coordinator->commitOffsets(request(joined.generation)).wait(scope)), "UNKNOWN_MEMBER_ID ");
  EXPECT_EQ(commit("g", {{"words", 0, 9}}), "ok ");
  crash();
  EXPECT_EQ(groups(), "g:Empty ");
  EXPECT_EQ(fetch("g"), "words-0=9() ");
}

TEST_F(CoordinatorTest, UnknownGroupsAreTold) {
  Joined nobody{"nobody", 3};
  EXPECT_EQ(errorOf(coordinator->heartbeat(identity("g", nobody))), "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(errorOf(coordinator->heartbeat(identity("", nobody))), "INVALID_GROUP_ID");
  auto request = commitRequest("g", {{"words", 0, 1}});
  request.who.generation = 3;
  EXPECT_EQ(errorsOf(coordinator->commitOffsets(kj::mv(request)).wait(scope)), "GROUP_ID_NOT_FOUND ");
  EXPECT_EQ(coordinator->describe("g").state, GroupState::kDead);
  EXPECT_EQ(groups(), "");
  EXPECT_EQ(errorOf(coordinator->deleteGroup("g").wait(scope)), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(end(), 0);
}

TEST_F(CoordinatorTest, ADroppedJoinIsForgotten) {
  auto first = joinAlone("g");
  {
    // Waits for the first member to join again.
    auto second = coordinator->join(joinRequest("g"));
    EXPECT_FALSE(second.poll(scope));
  }
  auto again = coordinator->join(joinRequest("g", first.member));
  for (int second = 0; second < 30; ++second)
    advance(1000);
  ASSERT_TRUE(again.poll(scope)) << "nobody waits for who has gone";
  EXPECT_TRUE(again.wait(scope).error == nullptr);
}

TEST_F(CoordinatorTest, WhoWaitsIsAnsweredAtTheEnd) {
  joinAlone("g");
  auto waiting = coordinator->join(joinRequest("g"));
  EXPECT_FALSE(waiting.poll(scope));
  coordinator->close().wait(scope);
  auto answer = waiting.wait(scope);
  EXPECT_EQ(KJ_ASSERT_NONNULL(answer.error).code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(commit("h", {{"words", 0, 1}}), "COORDINATOR_NOT_AVAILABLE ");
}

TEST_F(CoordinatorTest, AFullDeviceRefusesAndGoesOn) {
  EXPECT_EQ(commit("g", {{"words", 0, 1}}), "ok ");
  store.setCapacity(Bytes(1));
  EXPECT_EQ(commit("g", {{"words", 0, 2}}), "COORDINATOR_NOT_AVAILABLE ");
  // The rows cannot be written either: that is tried again.
  advance(5000);
  EXPECT_EQ(coordinator->report().writtenUpTo.value(), -1);
  store.setCapacity(mebibytes(1));
  EXPECT_EQ(commit("g", {{"words", 0, 3}}), "ok ");
  advance(5000);
  EXPECT_EQ(coordinator->report().writtenUpTo.value(), 2);
  EXPECT_EQ(fetch("g"), "words-0=3() ");
}

// Offsets that cannot be read are not the same as none.
TEST_F(CoordinatorTest, AnOfflineLogIsNotAnEmptyOne) {
  EXPECT_EQ(commit("g", {{"words", 0, 1}}), "ok ");
  coordinator = nullptr;
  partition = kj::refcounted<Partition>(kj::str("offsets-0"), kj::str("it is damaged"), LeaderEpoch(0),
                                        PartitionContext{pool, timer, clock, metrics, checkPool});
  coordinator = kj::heap<GroupCoordinator>(topic, 0, kj::addRef(*partition), *surroundings);
  auto loaded = coordinator->load({}).wait(scope);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, ErrorCode::kCoordinatorNotAvailable);
}

TEST_F(CoordinatorTest, AFailedSyncEndsTheService) {
  store.failNextSync("the cable is out");
  EXPECT_EQ(commit("g", {{"words", 0, 1}}), "COORDINATOR_NOT_AVAILABLE ");
  EXPECT_EQ(fetch("g"), "");
  EXPECT_EQ(commit("g", {{"words", 0, 1}}), "COORDINATOR_NOT_AVAILABLE ");
}

}  // namespace
}  // namespace cambium
