#include <cstring>

#include "engine/record/batch_builder.h"
#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

using Values = std::vector<std::string>;

kj::Array<kj::byte> batchOf(const Values& values, int64_t timestamp = 1000, Codec codec = Codec::kNone) {
  BatchBuilder builder({.codec = codec});
  for (auto& value : values)
    builder.add(TimestampMs(timestamp), nullptr, kj::StringPtr(value.c_str()).asBytes());
  return builder.finish();
}

// Appending and reading, through the loop that owns the partition and through another one.
class DataTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words", 2), "");
  }
  rpc::Partition::Client words(int index = 0) { return client().partition("words", index); }

  std::string appendBatches(rpc::Partition::Client partition, ByteView batches, rpc::Acks acks = rpc::Acks::ALL) {
    auto request = partition.appendBatchesRequest();
    request.setBatches(batches);
    request.setAcks(acks);
    return errorOf(request.send().wait(scope()));
  }
  std::string find(rpc::Partition::Client partition, std::function<void(rpc::Position::Builder)> what) {
    auto request = partition.findOffsetRequest();
    what(request.initPosition());
    auto response = request.send().wait(scope());
    if (response.hasError()) return errorOf(response);
    return kj::str(response.getFound().getOffset(), "@", response.getFound().getTimestamp()).cStr();
  }
  std::string deleteRecords(rpc::Partition::Client partition, int64_t before) {
    auto request = partition.deleteRecordsRequest();
    request.setBefore(before);
    auto response = request.send().wait(scope());
    return response.hasError() ? errorOf(response) : std::to_string(response.getLogStart());
  }
};
CAMBIUM_EVERY_DEPLOYMENT(DataTest);

TEST_P(DataTest, WhatIsAppendedIsRead) {
  for (int index = 0; index < 2; ++index) {
    EXPECT_EQ(append(scope(), words(index), {"a", "b"}), 0);
    EXPECT_EQ(append(scope(), words(index), {"c"}, rpc::Acks::LEADER), 2);
    EXPECT_EQ(append(scope(), words(index), {"d"}), 3);
    auto all = read(scope(), otherClient().partition("words", index), 0);
    EXPECT_EQ(all.values, (Values{"a", "b", "c", "d"}));
    EXPECT_EQ(all.nextOffset, 4);
    EXPECT_EQ(all.highWatermark, 4);
    auto some = read(scope(), words(index), 1, {.bytesMax = 1});
    EXPECT_EQ(some.values, Values{"b"}) << "records begin exactly where they were asked for";
    EXPECT_EQ(some.nextOffset, 2);
    EXPECT_EQ(read(scope(), words(index), 4).error, "");
    EXPECT_EQ(read(scope(), words(index), 4).nextOffset, 4);
  }
}

TEST_P(DataTest, WhoWasAnsweredByTheLeaderFindsTheOwnRecord) {
  for (int64_t offset = 0; offset < 50; ++offset) {
    auto& asked = offset % 2 == 0 ? client() : otherClient();
    EXPECT_EQ(append(scope(), words(0), {"a"}, rpc::Acks::LEADER), offset);
    EXPECT_EQ(read(scope(), asked.partition("words", 0), offset).values, Values{"a"}) << "without a wait";
    EXPECT_EQ(append(scope(), words(1), {"a"}, rpc::Acks::LEADER), offset);
    EXPECT_EQ(find(asked.partition("words", 1), [](auto position) { position.setLatest(); }),
              kj::str(offset + 1, "@-1").cStr());
  }
  for (int64_t offset = 50; offset < 100; ++offset) {
    EXPECT_EQ(append(scope(), words(1), {"a"}, rpc::Acks::LEADER), offset);
    EXPECT_EQ(deleteRecords(words(1), offset + 1), std::to_string(offset + 1));
  }
}

TEST_P(DataTest, RecordsKeepTheirPartsThroughEveryCodec) {
  for (uint16_t codec = 0; codec < 5; ++codec) {
    auto request = words().appendRequest();
    auto records = request.initRecords(2);
    records[0].setHasKey(true);
    records[0].setTimestamp(77);
    records[0].setHasNullValue(true);
    auto headers = records[0].initHeaders(2);
    headers[0].setKey(kj::StringPtr("h").asBytes());
    headers[0].setHasNullValue(true);
    headers[1].setValue(kj::StringPtr("v").asBytes());
    request.setCodec(static_cast<rpc::Codec>(codec));
    auto appended = request.send().wait(scope());
    ASSERT_EQ(errorOf(appended), "");
    auto reading = words().readRecordsRequest();
    reading.initRequest().setFrom(appended.getAppended().getBaseOffset());
    auto response = reading.send().wait(scope());
    auto stored = response.getChunk().getRecords();
    ASSERT_EQ(stored.size(), 2u);
    EXPECT_TRUE(stored[0].getHasKey());
    EXPECT_EQ(stored[0].getKey().size(), 0u);
    EXPECT_TRUE(stored[0].getHasNullValue());
    EXPECT_EQ(stored[0].getTimestamp(), 77);
    ASSERT_EQ(stored[0].getHeaders().size(), 2u);
    EXPECT_TRUE(stored[0].getHeaders()[0].getHasNullValue());
    EXPECT_EQ(stored[0].getHeaders()[1].getValue().size(), 1u);
    EXPECT_FALSE(stored[1].getHasKey());
    EXPECT_FALSE(stored[1].getHasNullValue());
    EXPECT_GT(stored[1].getTimestamp(), 1'600'000'000'000) << "the broker's clock";
  }
}

TEST_P(DataTest, BatchesComeBackAsTheyWereSentButForTheirPlace) {
  auto batch = batchOf({"a", "b", "c"}, 1000, Codec::kZstd);
  EXPECT_EQ(appendBatches(words(), batch), "");
  EXPECT_EQ(appendBatches(otherClient().partition("words"), batch), "");
  auto request = words().readRequest();
  request.initRequest().setFrom(4);
  auto response = request.send().wait(scope());
  auto bytes = response.getChunk().getBatches();
  ASSERT_EQ(bytes.size(), batch.size());
  auto view = KJ_ASSERT_NONNULL(BatchView::first(bytes));
  EXPECT_EQ(view.baseOffset().value(), 3) << "the batch with offset 4 in it, whole";
  EXPECT_EQ(response.getChunk().getNextOffset(), 6);
  EXPECT_TRUE(view.crcMatches());
}

TEST_P(DataTest, NothingIsAskedBackWithoutAcks) {
  auto request = words().appendBatchesRequest();
  request.setBatches(batchOf({"a"}));
  request.setAcks(rpc::Acks::NONE);
  auto response = request.send().wait(scope());
  EXPECT_EQ(errorOf(response), "");
  EXPECT_EQ(response.getAppended().getBaseOffset(), -1);
  EXPECT_EQ(appendBatches(words(), kj::StringPtr("no batch").asBytes(), rpc::Acks::NONE), "")
      << "failures are not reported";
  EXPECT_EQ(append(scope(), words(), {"b"}), 1);
}

TEST_P(DataTest, AnAppenderStreamsAndTellsTheWhole) {
  auto opening = otherClient().partition("words", 1).openAppenderRequest();
  auto appender = opening.send().getAppender();
  for (int i = 0; i < 50; ++i) {
    auto request = appender.appendRequest();
    request.setBatches(batchOf({"a", "b"}));
    wait(request.send());
  }
  auto flushed = appender.flushRequest().send().wait(scope());
  EXPECT_EQ(errorOf(flushed), "");
  EXPECT_EQ(flushed.getAppended().getBaseOffset(), 0);
  EXPECT_EQ(flushed.getAppended().getNextOffset(), 100);
  EXPECT_EQ(read(scope(), words(1), 0).highWatermark, 100) << "flushed is committed";
  // After a failure nothing more is taken.
  auto bad = appender.appendRequest();
  bad.setBatches(kj::StringPtr("no batch").asBytes());
  wait(bad.send());
  auto good = appender.appendRequest();
  good.setBatches(batchOf({"c"}));
  wait(good.send());
  EXPECT_PRED2(startsWith, errorOf(appender.flushRequest().send().wait(scope())), "corruptMessage: ");
  EXPECT_EQ(read(scope(), words(1), 0).highWatermark, 100);
}

TEST_P(DataTest, ALongPollWakesForARecord) {
  for (int index = 0; index < 2; ++index) {
    auto polled = readLater(otherClient().partition("words", index), 0, {.waitMsMax = 60'000});
    broker->awaitWaiting(1);
    append(scope(), words(index), {"a"});
    EXPECT_EQ(wait(kj::mv(polled)).values, Values{"a"});
  }
}

TEST_P(DataTest, ALongPollWaitsForEnoughBytesOrItsTime) {
  auto& timer = io.provider->getTimer();
  auto begun = timer.now();
  auto some = read(scope(), words(), 0, {.bytesMin = 1, .waitMsMax = 30});
  EXPECT_EQ(some.values, Values{});
  EXPECT_GE(timer.now() - begun, 30 * kj::MILLISECONDS);
  auto enough = readLater(words(), 0, {.bytesMin = 400, .waitMsMax = 60'000});
  append(scope(), otherClient().partition("words"), {"a"});
  broker->awaitWaiting(1);
  append(scope(), words(), {std::string(500, 'b')});
  EXPECT_EQ(wait(kj::mv(enough)).values.size(), 2u);
}

TEST_P(DataTest, ALongPollThatIsDroppedLeavesNothingBehind) {
  for (int index = 0; index < 2; ++index) {
    auto polled = readLater(words(index), 0, {.waitMsMax = 60'000});
    broker->awaitWaiting(1);
    {
      auto dropped = kj::mv(polled);
    }
    broker->awaitWaiting(0);
  }
}

TEST_P(DataTest, ALongPollEndsWithItsConnection) {
  auto other = broker->connect();
  auto polled = readLater(other->partition("words", 0), 0, {.waitMsMax = 60'000});
  auto polledToo = readLater(other->partition("words", 1), 0, {.waitMsMax = 60'000});
  broker->awaitWaiting(2);
  polled = nullptr;
  polledToo = nullptr;
  other = nullptr;
  broker->awaitWaiting(0);
  broker->awaitConnections(clients.size());
}

TEST_P(DataTest, OffsetsAreFoundByTime) {
  ASSERT_EQ(appendBatches(words(), batchOf({"a", "b"}, 1000)), "");
  ASSERT_EQ(appendBatches(words(), batchOf({"c", "d"}, 3000)), "");
  ASSERT_EQ(appendBatches(words(), batchOf({"e"}, 2000)), "");
  auto other = otherClient().partition("words");
  EXPECT_EQ(find(other, [](auto position) { position.setEarliest(); }), "0@-1");
  EXPECT_EQ(find(other, [](auto position) { position.setLatest(); }), "5@-1");
  EXPECT_EQ(find(other, [](auto position) { position.setTimestamp(1001); }), "2@3000");
  EXPECT_EQ(find(other, [](auto position) { position.setTimestamp(3001); }), "-1@-1");
  EXPECT_EQ(find(other, [](auto position) { position.setMaxTimestamp(); }), "2@3000");
}

TEST_P(DataTest, DeletedRecordsAreGoneForReadersAndSearches) {
  ASSERT_EQ(appendBatches(words(), batchOf({"a", "b"}, 3000)), "");
  ASSERT_EQ(appendBatches(words(), batchOf({"c", "d"}, 1000)), "");
  EXPECT_EQ(deleteRecords(otherClient().partition("words"), 1), "1");
  EXPECT_PRED2(startsWith, read(scope(), words(), 0).error, "offsetOutOfRange: ");
  EXPECT_EQ(read(scope(), words(), 1).values, (Values{"b", "c", "d"}));
  EXPECT_EQ(deleteRecords(words(), 2), "2");
  EXPECT_EQ(find(words(), [](auto position) { position.setTimestamp(500); }), "2@1000") << "not one that is gone";
  EXPECT_EQ(find(words(), [](auto position) { position.setMaxTimestamp(); }), "2@1000");
  EXPECT_EQ(deleteRecords(words(), -1), "4");
  EXPECT_PRED2(startsWith, deleteRecords(words(), 5), "offsetOutOfRange: ");
  EXPECT_PRED2(startsWith, deleteRecords(words(), -2), "offsetOutOfRange: ");
  restart();
  EXPECT_EQ(read(scope(), words(), 4).logStart, 4);
  EXPECT_EQ(append(scope(), words(), {"e"}), 4);
}

TEST_P(DataTest, AppendsOfTooManyRecordsAreRefused) {
  limits.recordsPerAppendMax = 100;
  restart();
  auto request = words().appendRequest();
  request.initRecords(limits.recordsPerAppendMax + 1);
  EXPECT_PRED2(startsWith, errorOf(request.send().wait(scope())), "invalidRequest: a request has 101 records, at most");
  request = words().appendRequest();
  auto records = request.initRecords(2);
  records[0].initHeaders(limits.recordsPerAppendMax);
  records[1].initHeaders(1);
  EXPECT_PRED2(startsWith, errorOf(request.send().wait(scope())), "invalidRequest: a request has 101 headers");
  request = words().appendRequest();
  request.initRecords(limits.recordsPerAppendMax);
  EXPECT_EQ(errorOf(request.send().wait(scope())), "");
}

TEST_P(DataTest, BadInputIsRefusedWithItsReason) {
  EXPECT_PRED2(startsWith, read(scope(), words(), -1).error, "offsetOutOfRange: offsets are not negative: -1");
  EXPECT_PRED2(startsWith, read(scope(), words(), 1).error,
               "offsetOutOfRange: offset 1 of partition words-0 is outside 0");
  auto empty = words().appendRequest();
  EXPECT_PRED2(startsWith, errorOf(empty.send().wait(scope())), "invalidRequest: an append needs at least one record");
  auto codec = words().appendRequest();
  codec.initRecords(1);
  codec.setCodec(static_cast<rpc::Codec>(9));
  EXPECT_PRED2(startsWith, errorOf(codec.send().wait(scope())), "unsupportedCompressionType: ");
  EXPECT_PRED2(startsWith, appendBatches(words(), nullptr), "invalidRecord: partition words-0: no batch was sent");
  auto good = batchOf({"a"});
  EXPECT_PRED2(startsWith, appendBatches(words(), good.slice(0, good.size() - 1)),
               "corruptMessage: partition words-0: the batch at byte 0 is torn");
  auto damaged = batchOf({"a"});
  damaged.back() = static_cast<kj::byte>(damaged.back() ^ 1);
  EXPECT_PRED2(contains, appendBatches(words(), damaged), "does not match its checksum");
  EXPECT_PRED2(startsWith, appendBatches(words(), batchOf({std::string(2 << 20, 'x')})), "messageTooLarge: ");
  EXPECT_EQ(read(scope(), words(), 0).highWatermark, 0) << "nothing of all that was stored";
  EXPECT_EQ(append(scope(), words(), {"a"}), 0);
}

// 40 MiB of records in a batch of a few KiB: each answer stays below what a reader takes, and all of them come.
TEST_P(DataTest, WhatUnpacksToMuchComesInPieces) {
  Values values(40, std::string(1 << 20, 'x'));
  ASSERT_EQ(appendBatches(words(), batchOf(values, 1000, Codec::kZstd)), "");
  int64_t next = 0;
  size_t answers = 0, records = 0;
  while (next < 40) {
    auto piece = read(scope(), words(), next);
    ASSERT_EQ(piece.error, "");
    ASSERT_EQ(piece.firstOffset, next);
    records += piece.values.size();
    next = piece.nextOffset;
    ++answers;
  }
  EXPECT_EQ(records, 40u);
  EXPECT_GE(answers, 2u);
}

TEST_P(DataTest, ManyAppendsAtOnceKeepTheirOrder) {
  kj::Vector<kj::Promise<int64_t>> appending;
  for (int i = 0; i < 200; ++i)
    appending.add(appendLater(otherClient().partition("words"), {std::to_string(i)}));
  auto offsets = wait(kj::joinPromises(appending.releaseAsArray()));
  for (size_t i = 0; i < offsets.size(); ++i)
    ASSERT_EQ(offsets[i], static_cast<int64_t>(i));
  auto all = read(scope(), words(), 0);
  ASSERT_EQ(all.values.size(), 200u);
  for (size_t i = 0; i < all.values.size(); ++i)
    ASSERT_EQ(all.values[i], std::to_string(i));
  EXPECT_EQ(broker->total().gone.appends, 200u);
}

TEST_P(DataTest, ARefusedBatchNamesItsRecords) {
  ASSERT_EQ(client().createTopic("latest", 2, {{"cleanup.policy", "compact"}}), "");
  // One partition of this loop, one of another where there is one.
  for (int index = 0; index < 2; ++index) {
    auto request = client().partition("latest", index).appendBatchesRequest();
    request.setBatches(batchOf({"a", "b"}));
    auto response = request.send().wait(scope());
    auto error = response.getError();
    EXPECT_EQ(error.getCode(), rpc::ErrorCode::INVALID_RECORD);
    ASSERT_EQ(error.getRecordFaults().size(), 2u);
    EXPECT_EQ(error.getRecordFaults()[1].getIndex(), 1);
    EXPECT_EQ(kj::StringPtr(error.getRecordFaults()[1].getMessage()),
              "has no key; a compacted topic needs one in every record"_kj);
  }
}

}  // namespace
}  // namespace cambium
