#include "client/consumer.h"

#include "client/admin.h"
#include "client/producer.h"
#include "tests/unit/client/client_fixture.h"

namespace cambium::client {
namespace {

using Strings = std::vector<std::string>;

std::string textOf(const kj::Maybe<ByteView>& bytes) {
  KJ_IF_MAYBE(view, bytes) return {reinterpret_cast<const char*>(view->begin()), view->size()};
  return "(null)";
}

Assignment from(int partition, StartAt start, kj::StringPtr topic = "words"_kj) {
  return {kj::str(topic), PartitionIndex(partition), kj::mv(start)};
}

// Both ways of transfer must look the same.
class ConsumerTest : public ClientTest, public ::testing::WithParamInterface<Transfer> {
 public:
  ~ConsumerTest() noexcept override = default;

 protected:
  ConsumerTest() { broker.addTopic("words", 3); }

  kj::Own<Consumer> make(ConsumerOptions options = {}) {
    options.transfer = GetParam();
    return kj::heap<Consumer>(connection, kj::mv(options));
  }
  kj::Own<Consumer> reading(Assignment assignment, ConsumerOptions options = {}) {
    auto consumer = make(kj::mv(options));
    auto assigned = run(consumer->assign(kj::arr(kj::mv(assignment))));
    KJ_ASSERT(assigned.ok(), assigned.error());
    return consumer;
  }
  Strings poll(Consumer& consumer, PollOptions options = {}) {
    auto polled = run(consumer.poll(options));
    KJ_ASSERT(polled.ok(), polled.error());
    Strings values;
    for (auto& record : polled.value())
      values.push_back(textOf(record.value));
    return values;
  }
  Strings pollAll(Consumer& consumer) {
    Strings all;
    while (true) {
      auto some = poll(consumer, {.returnAtEnd = true});
      if (some.empty()) return all;
      all.insert(all.end(), some.begin(), some.end());
    }
  }
};

TEST_P(ConsumerTest, ReadsFromTheBeginningToTheEnd) {
  broker.append("words", 0, {"a", "b"});
  broker.append("words", 0, {"c"});
  auto consumer = reading(from(0, FromBeginning{}));
  EXPECT_FALSE(consumer->atEnd());
  EXPECT_EQ(pollAll(*consumer), (Strings{"a", "b", "c"}));
  EXPECT_TRUE(consumer->atEnd());
  EXPECT_EQ(consumer->positions()[0].position, Offset(3));
  EXPECT_EQ(consumer->positions()[0].highWatermark, Offset(3));
}

TEST_P(ConsumerTest, StartsWithinABatch) {
  broker.append("words", 0, {"a", "b", "c", "d"});
  auto consumer = reading(from(0, Offset(2)));
  auto polled = run(consumer->poll({}));
  ASSERT_EQ(polled.value().size(), 2u);
  EXPECT_EQ(polled.value()[0].offset, Offset(2));
  EXPECT_EQ(polled.value()[0].topic, "words"_kj);
  EXPECT_EQ(textOf(polled.value()[1].value), "d");
}

TEST_P(ConsumerTest, WaitsForRecordsThatCome) {
  auto consumer = reading(from(0, FromEnd{}));
  auto polled = consumer->poll({.waitMsMax = 60'000});
  pass(5'000);
  EXPECT_FALSE(polled.poll(waitScope));
  broker.append("words", 0, {"new"});
  auto records = run(kj::mv(polled));
  ASSERT_EQ(records.value().size(), 1u);
  EXPECT_EQ(nowMs(), 5'000);
}

TEST_P(ConsumerTest, PollGivesUpWhenItsTimeIsOver) {
  auto consumer = reading(from(0, FromBeginning{}));
  EXPECT_TRUE(poll(*consumer, {.waitMsMax = 300}).empty());
  EXPECT_EQ(nowMs(), 300);
}

TEST_P(ConsumerTest, PollTakesNoMoreThanAsked) {
  broker.append("words", 0, {"a", "b", "c", "d", "e"});
  auto consumer = reading(from(0, FromBeginning{}));
  EXPECT_EQ(poll(*consumer, {.recordsMax = 2}), (Strings{"a", "b"}));
  EXPECT_EQ(consumer->positions()[0].position, Offset(2));
  EXPECT_EQ(poll(*consumer, {.recordsMax = 2}), (Strings{"c", "d"}));
  EXPECT_EQ(poll(*consumer, {.recordsMax = 2}), (Strings{"e"}));
}

TEST_P(ConsumerTest, SharesAPollAmongPartitions) {
  for (int partition = 0; partition < 3; ++partition) {
    for (int i = 0; i < 10; ++i)
      broker.append("words", partition, Strings(100, std::to_string(partition)));
  }
  auto consumer = make();
  ASSERT_TRUE(run(consumer->assignTopic(kj::str("words"), FromBeginning{})).ok());
  pass(1);
  auto polled = run(consumer->poll({.recordsMax = 300}));
  int counts[3] = {0, 0, 0};
  for (auto& record : polled.value())
    ++counts[record.partition.value()];
  EXPECT_EQ(counts[0], 100);
  EXPECT_EQ(counts[1], 100);
  EXPECT_EQ(counts[2], 100);
}

TEST_P(ConsumerTest, ReadsCompressedBatchesWithKeysAndHeaders) {
  for (auto codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    Producer producer(connection, clock, {.codec = codec});
    Header headers[] = {{.key = "h"_kj.asBytes(), .value = ByteView("1"_kj.asBytes())},
                        {.key = "none"_kj.asBytes(), .value = nullptr}};
    auto sent = run(producer.send({.topic = "words"_kj,
                                   .partition = PartitionIndex(1),
                                   .key = ByteView("key"_kj.asBytes()),
                                   .value = nullptr,
                                   .headers = headers,
                                   .timestamp = TimestampMs(77)}));
    ASSERT_TRUE(sent.ok());
    auto consumer = reading(from(1, sent.value().offset));
    auto polled = run(consumer->poll({}));
    consumer = nullptr;  // the records do not need it
    ASSERT_EQ(polled.value().size(), 1u);
    auto& record = polled.value()[0];
    EXPECT_EQ(textOf(record.key), "key");
    EXPECT_EQ(textOf(record.value), "(null)");
    EXPECT_EQ(record.timestamp, TimestampMs(77));
    ASSERT_EQ(record.headers.size(), 2u);
    EXPECT_EQ(textOf(record.headers[0].key), "h");
    EXPECT_EQ(textOf(record.headers[0].value), "1");
    EXPECT_EQ(textOf(record.headers[1].value), "(null)");
  }
}

TEST_P(ConsumerTest, GoesOnWhereItWasAfterALostConnection) {
  broker.append("words", 0, {"a", "b", "c"});
  auto consumer = reading(from(0, FromBeginning{}));
  EXPECT_EQ(poll(*consumer, {.recordsMax = 2}), (Strings{"a", "b"}));
  broker.cut();
  broker.down = true;
  broker.append("words", 0, {"d"});
  pass(5'000);
  broker.down = false;
  EXPECT_EQ(poll(*consumer), (Strings{"c"}));
  EXPECT_EQ(poll(*consumer, {.waitMsMax = 10'000}), (Strings{"d"}));
  EXPECT_GE(broker.connections, 2);
}

TEST_P(ConsumerTest, ReadsAheadWithinItsBound) {
  for (int i = 0; i < 100; ++i)
    broker.append("words", 0, {std::string(10'000, 'x')});
  auto consumer = reading(from(0, FromBeginning{}), {.fetchBytesMax = 10'000, .prefetchBytesPerPartition = 25'000});
  pass(5'000);
  // Three chunks are above the bound; a push may be on its way besides (its window is kj's, 64 KiB on a pipe).
  EXPECT_LE(broker.reads + broker.pushes, GetParam() == Transfer::kRead ? 3 : 12);
  EXPECT_EQ(pollAll(*consumer).size(), 100u);
}

TEST_P(ConsumerTest, AllPartitionsTogetherHaveABoundToo) {
  for (int partition = 0; partition < 3; ++partition) {
    for (int i = 0; i < 50; ++i)
      broker.append("words", partition, {std::string(10'000, 'x')});
  }
  auto consumer = make({.fetchBytesMax = 10'000, .prefetchBytesMax = 50'000});
  ASSERT_TRUE(run(consumer->assignTopic(kj::str("words"), FromBeginning{})).ok());
  pass(5'000);
  if (GetParam() == Transfer::kRead) EXPECT_LE(broker.reads, 9);
  EXPECT_EQ(pollAll(*consumer).size(), 150u);
}

TEST_P(ConsumerTest, SeekAndPause) {
  broker.append("words", 0, {"a", "b", "c"});
  broker.append("words", 1, {"x"});
  auto consumer = make();
  ASSERT_TRUE(run(consumer->assign(kj::arr(from(0, FromBeginning{}), from(1, FromBeginning{})))).ok());
  ASSERT_TRUE(consumer->pause("words", PartitionIndex(1)).ok());
  EXPECT_EQ(pollAll(*consumer), (Strings{"a", "b", "c"}));
  ASSERT_TRUE(consumer->seek("words", PartitionIndex(0), Offset(1)).ok());
  EXPECT_EQ(pollAll(*consumer), (Strings{"b", "c"}));
  ASSERT_TRUE(consumer->resume("words", PartitionIndex(1)).ok());
  EXPECT_EQ(pollAll(*consumer), (Strings{"x"}));
  EXPECT_EQ(consumer->seek("words", PartitionIndex(2), Offset(1)).error().code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_P(ConsumerTest, DeletedTopicEndsItsPartitionsOnly) {
  broker.addTopic("other", 1);
  broker.append("words", 0, {"a"});
  auto consumer = make();
  ASSERT_TRUE(run(consumer->assign(kj::arr(from(0, FromBeginning{}), from(0, FromBeginning{}, "other")))).ok());
  EXPECT_EQ(poll(*consumer), (Strings{"a"}));
  broker.append("words", 0, {"b"});
  settle();
  for (auto& reader : broker.topics["words"].partitions[0].readers)
    reader->fulfill();
  broker.topics.erase("words");
  settle();
  Strings rest;
  kj::Maybe<Error> error;
  while (error == nullptr) {
    auto polled = run(consumer->poll({.waitMsMax = 2'000}));
    if (polled.ok()) {
      for (auto& record : polled.value())
        rest.push_back(textOf(record.value));
      EXPECT_FALSE(consumer->positions()[0].failed) << "before anybody was told why";
    } else {
      error = kj::mv(polled.error());
    }
  }
  EXPECT_EQ(rest, (Strings{"b"}));
  EXPECT_EQ(KJ_ASSERT_NONNULL(error).code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(std::string(KJ_ASSERT_NONNULL(error).message.cStr()).find("words-0: "), 0u);
  EXPECT_TRUE(consumer->positions()[0].failed);
  broker.append("other", 0, {"still here"});
  EXPECT_EQ(poll(*consumer), (Strings{"still here"}));
}

TEST_P(ConsumerTest, CommitsAndStartsFromCommitted) {
  broker.append("words", 0, {"a", "b", "c"});
  {
    auto consumer = reading(from(0, FromCommitted{}), {.group = kj::str("g")});
    EXPECT_EQ(poll(*consumer, {.recordsMax = 2}), (Strings{"a", "b"}));
    ASSERT_TRUE(run(consumer->commit()).ok());
    EXPECT_EQ(broker.committed["g/words/0"], 2);
  }
  EXPECT_EQ(pollAll(*reading(from(0, FromCommitted{}), {.group = kj::str("g")})), (Strings{"c"}));
  EXPECT_EQ(pollAll(*reading(from(0, FromCommitted{.elseEnd = true}), {.group = kj::str("other")})), Strings{});
}

TEST_P(ConsumerTest, WithoutAGroupThereIsNothingToCommit) {
  auto consumer = reading(from(0, FromBeginning{}));
  EXPECT_EQ(run(consumer->commit()).error().code, ErrorCode::kInvalidGroupId);
  EXPECT_EQ(run(consumer->assign(kj::arr(from(0, FromCommitted{})))).error().code, ErrorCode::kInvalidGroupId);
  EXPECT_EQ(consumer->positions().size(), 1u);
}

TEST_P(ConsumerTest, StartsAtATimestamp) {
  broker.append("words", 0, {"a"});  // its timestamp is its offset
  broker.append("words", 0, {"b"});
  broker.append("words", 0, {"c"});
  EXPECT_EQ(pollAll(*reading(from(0, FromTimestamp{TimestampMs(1)}))), (Strings{"b", "c"}));
  EXPECT_EQ(pollAll(*reading(from(0, FromTimestamp{TimestampMs(100)}))), Strings{});
}

INSTANTIATE_TEST_SUITE_P(Transfers, ConsumerTest, ::testing::Values(Transfer::kRead, Transfer::kPush),
                         [](auto& info) { return info.param == Transfer::kRead ? "Read" : "Push"; });

// --- What only the polling transfer shows.

class ReadingConsumerTest : public ConsumerTest {};
INSTANTIATE_TEST_SUITE_P(Transfers, ReadingConsumerTest, ::testing::Values(Transfer::kRead));

TEST_P(ReadingConsumerTest, OutOfRangeFailsOrMovesAsAsked) {
  broker.append("words", 0, {"a", "b"});
  auto failing = reading(from(0, Offset(99)));
  auto polled = run(failing->poll({}));
  ASSERT_FALSE(polled.ok());
  EXPECT_EQ(polled.error().code, ErrorCode::kOffsetOutOfRange);
  ASSERT_TRUE(failing->seek("words", PartitionIndex(0), Offset(1)).ok());
  EXPECT_EQ(pollAll(*failing), (Strings{"b"}));
  EXPECT_EQ(pollAll(*reading(from(0, Offset(99)), {.outOfRange = OutOfRange::kBeginning})), (Strings{"a", "b"}));
  auto atEnd = reading(from(0, Offset(99)), {.outOfRange = OutOfRange::kEnd});
  EXPECT_EQ(pollAll(*atEnd), Strings{});
  broker.append("words", 0, {"c"});
  EXPECT_EQ(poll(*atEnd), (Strings{"c"}));
}

TEST_P(ReadingConsumerTest, DamagedBatchIsRefused) {
  broker.append("words", 0, {"a", "b"});
  broker.damagedReads = true;
  auto consumer = reading(from(0, FromBeginning{}));
  auto polled = run(consumer->poll({}));
  ASSERT_FALSE(polled.ok());
  EXPECT_EQ(polled.error().code, ErrorCode::kCorruptMessage);
  EXPECT_EQ(consumer->positions()[0].position, Offset(0));
  broker.damagedReads = false;
  ASSERT_TRUE(consumer->seek("words", PartitionIndex(0), Offset(0)).ok());
  EXPECT_EQ(pollAll(*consumer), (Strings{"a", "b"}));
}

}  // namespace
}  // namespace cambium::client
