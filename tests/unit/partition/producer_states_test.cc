#include "engine/partition/producer_states.h"

#include <gtest/gtest.h>
#include <string>

#include "engine/record/batch_builder.h"

namespace cambium {
namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;

struct Sent {
  int64_t producer = 7;
  int32_t sequence = 0;
  int records = 1;
  int16_t epoch = 0;
};

kj::Array<kj::byte> batchOf(const Sent& sent, bool control = false) {
  BatchBuilder builder(
      {.producerId = sent.producer, .producerEpoch = sent.epoch, .baseSequence = sent.sequence, .control = control});
  for (int i = 0; i < sent.records; ++i)
    builder.add(TimestampMs(1000 + i), nullptr, nullptr);
  return builder.finish();
}

// The rules by which Kafka's brokers decide, on a log that exists only as its next offset.
class ProducerStatesTest : public ::testing::Test {
 public:
  ~ProducerStatesTest() noexcept override = default;

 protected:
  // What send() would answer, without taking notice.
  std::string ask(const std::vector<Sent>& all) {
    kj::Vector<kj::byte> bytes;
    for (auto& sent : all)
      bytes.addAll(batchOf(sent));
    auto checked = states.check(bytes);
    if (!checked.ok()) return errorName(checked.error().code).cStr();
    KJ_IF_MAYBE(duplicate, checked.value()) {
      return kj::str("again ", duplicate->baseOffset, "..", duplicate->nextOffset).cStr();
    }
    return "append";
  }
  // "append", "again 3..5" (the offsets [3, 5) of the first time), or the name of the error.
  std::string send(const Sent& sent) {
    auto answer = ask({sent});
    if (answer == "append") note(sent);
    return answer;
  }
  void note(const Sent& sent) {
    auto bytes = batchOf(sent);
    stampBatch(bytes, end, LeaderEpoch(0));
    states.note(KJ_ASSERT_NONNULL(BatchView::first(bytes)), now);
    end += sent.records;
  }
  std::string known() {
    std::string all;
    for (auto& producer : states.describe()) {
      all += kj::str(producer.producerId, ":", producer.epoch, ":", producer.lastSequence, " ").cStr();
    }
    return all;
  }

  ProducerStates states;
  Offset end{0};
  TimestampMs now{1'700'000'000'000};
};

TEST_F(ProducerStatesTest, SequencesGoOnWithoutGaps) {
  EXPECT_EQ(send({.sequence = 0, .records = 3}), "append");
  EXPECT_EQ(send({.sequence = 3, .records = 2}), "append");
  EXPECT_EQ(send({.sequence = 6}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.sequence = 4}), "OUT_OF_ORDER_SEQUENCE_NUMBER") << "inside of what is there, but no batch of it";
  EXPECT_EQ(send({.sequence = 5}), "append") << "a refusal changes nothing";
  EXPECT_EQ(known(), "7:0:5 ");
}

TEST_F(ProducerStatesTest, ProducersDoNotMeetEachOther) {
  EXPECT_EQ(send({.producer = 1}), "append");
  EXPECT_EQ(send({.producer = 2}), "append");
  EXPECT_EQ(send({.producer = 1, .sequence = 1}), "append");
  EXPECT_EQ(send({.producer = 2, .sequence = 2}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.producer = 2, .sequence = 1}), "append");
}

TEST_F(ProducerStatesTest, TheLastFiveBatchesAreRecognised) {
  for (int i = 0; i < 6; ++i)
    ASSERT_EQ(send({.sequence = 2 * i, .records = 2}), "append");
  EXPECT_EQ(send({.sequence = 0, .records = 2}), "OUT_OF_ORDER_SEQUENCE_NUMBER") << "the sixth before";
  for (int i = 1; i < 6; ++i) {
    EXPECT_EQ(send({.sequence = 2 * i, .records = 2}), kj::str("again ", 2 * i, "..", 2 * i + 2).cStr());
  }
  EXPECT_EQ(send({.sequence = 10, .records = 1}), "OUT_OF_ORDER_SEQUENCE_NUMBER") << "begins alike, ends elsewhere";
  EXPECT_EQ(send({.sequence = 8, .records = 4}), "OUT_OF_ORDER_SEQUENCE_NUMBER") << "two that were sent as one";
  EXPECT_EQ(send({.sequence = 12, .records = 1}), "append");
}

TEST_F(ProducerStatesTest, WhoIsNotKnownBeginsAnywhere) {
  EXPECT_EQ(send({.sequence = 41}), "append");
  EXPECT_EQ(send({.sequence = 42}), "append");
  EXPECT_EQ(send({.producer = 8, .sequence = 9, .epoch = 5}), "append") << "with any epoch too";
}

TEST_F(ProducerStatesTest, ANewEpochBeginsAtZero) {
  ASSERT_EQ(send({.sequence = 0, .records = 5}), "append");
  EXPECT_EQ(send({.sequence = 5, .epoch = 1}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.sequence = 0, .records = 5, .epoch = 1}), "append") << "no duplicate of what the epoch before sent";
  EXPECT_EQ(send({.sequence = 0, .records = 5, .epoch = 1}), "again 5..10");
  EXPECT_EQ(send({.sequence = 5, .epoch = 1}), "append");
  EXPECT_EQ(known(), "7:1:5 ");
}

TEST_F(ProducerStatesTest, AnOldEpochIsRefused) {
  ASSERT_EQ(send({.sequence = 0}), "append");
  ASSERT_EQ(send({.sequence = 0, .epoch = 3}), "append");
  EXPECT_EQ(send({.sequence = 1, .epoch = 2}), "INVALID_PRODUCER_EPOCH");
  EXPECT_EQ(send({.sequence = 0, .epoch = 0}), "INVALID_PRODUCER_EPOCH") << "even what that epoch did send";
  EXPECT_EQ(send({.sequence = 1, .epoch = 3}), "append");
}

TEST_F(ProducerStatesTest, SequencesWrapAround) {
  EXPECT_EQ(send({.sequence = INT32_MAX - 1}), "append");
  EXPECT_EQ(send({.sequence = INT32_MAX, .records = 3}), "append") << "2147483647, 0, 1";
  EXPECT_EQ(known(), "7:0:1 ");
  EXPECT_EQ(send({.sequence = INT32_MAX, .records = 3}), "again 1..4");
  EXPECT_EQ(send({.sequence = 2}), "append");
  EXPECT_EQ(send({.producer = 8, .sequence = INT32_MAX}), "append");
  EXPECT_EQ(send({.producer = 8, .sequence = 1}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.producer = 8, .sequence = 0}), "append");
}

TEST_F(ProducerStatesTest, BatchesWithoutProducerAlwaysMay) {
  Sent plain{.producer = -1, .sequence = -1, .epoch = -1};
  EXPECT_EQ(send(plain), "append");
  EXPECT_EQ(send(plain), "append");
  auto control = batchOf({}, true);
  states.note(KJ_ASSERT_NONNULL(BatchView::first(control)), now);
  EXPECT_EQ(states.size(), 0u);
}

TEST_F(ProducerStatesTest, SeveralBatchesAreJudgedTogether) {
  EXPECT_EQ(ask({{.sequence = 0, .records = 2}, {.sequence = 2}, {.producer = 8}, {.sequence = 3}}), "append");
  EXPECT_EQ(ask({{.sequence = 0}, {.sequence = 2}}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(ask({{.sequence = 0}, {.sequence = 0}}), "OUT_OF_ORDER_SEQUENCE_NUMBER") << "twice in one request";
  EXPECT_EQ(ask({{.sequence = 4}, {.sequence = 0, .epoch = 1}, {.sequence = 1, .epoch = 1}}), "append");
  EXPECT_EQ(ask({{.sequence = 0, .epoch = 1}, {.sequence = 1}}), "INVALID_PRODUCER_EPOCH");
  EXPECT_EQ(states.size(), 0u) << "asking changes nothing";
}

TEST_F(ProducerStatesTest, SeveralBatchesAreDuplicatesTogetherOrNotAtAll) {
  note({.sequence = 0, .records = 2});
  note({.sequence = 2});
  note({.producer = 8});
  note({.sequence = 3});
  EXPECT_EQ(ask({{.sequence = 0, .records = 2}, {.sequence = 2}}), "again 0..3");
  EXPECT_EQ(ask({{.sequence = 2}, {.producer = 8}, {.sequence = 3}}), "again 2..5");
  EXPECT_EQ(ask({{.sequence = 2}, {.sequence = 3}}), "DUPLICATE_SEQUENCE_NUMBER") << "another's lies in between";
  EXPECT_EQ(ask({{.sequence = 3}, {.sequence = 4}}), "DUPLICATE_SEQUENCE_NUMBER") << "one is new";
  EXPECT_EQ(ask({{.producer = -1, .sequence = -1, .epoch = -1}, {.sequence = 3}}), "DUPLICATE_SEQUENCE_NUMBER");
}

TEST_F(ProducerStatesTest, WhoIsSilentIsForgotten) {
  send({.producer = 1});
  now += kDayMs - 1;
  send({.producer = 2});
  states.expire(now);
  EXPECT_EQ(known(), "1:0:0 2:0:0 ");
  now += 1;
  states.expire(now);
  EXPECT_EQ(known(), "2:0:0 ");
  EXPECT_EQ(send({.producer = 1, .sequence = 77}), "append");
  now += kDayMs - 1;
  send({.producer = 1, .sequence = 78});
  now += 1;
  states.expire(now);
  EXPECT_EQ(known(), "1:0:78 ") << "each batch keeps its producer for another day";
}

TEST_F(ProducerStatesTest, BeyondTheLimitTheOneLongestSilentGoes) {
  states = ProducerStates({.producersMax = 3});
  for (int64_t producer : {1, 2, 3})
    send({.producer = producer});
  send({.producer = 1, .sequence = 1});
  send({.producer = 4});
  EXPECT_EQ(known(), "1:0:1 3:0:0 4:0:0 ");
  send({.producer = 5});
  EXPECT_EQ(known(), "1:0:1 4:0:0 5:0:0 ");
}

TEST_F(ProducerStatesTest, TruncationTakesWhatReachesBeyond) {
  note({.producer = 1});                               // 0
  note({.producer = 2, .sequence = 0, .records = 3});  // 1..3
  note({.producer = 2, .sequence = 3});                // 4
  note({.producer = 3});                               // 5
  EXPECT_TRUE(states.truncateFrom(Offset(6)));
  EXPECT_FALSE(states.truncateFrom(Offset(5)));
  EXPECT_EQ(known(), "1:0:0 2:0:3 ");
  EXPECT_FALSE(states.truncateFrom(Offset(4)));
  EXPECT_EQ(ask({{.producer = 2, .sequence = 3}}), "append");
  EXPECT_EQ(ask({{.producer = 2, .sequence = 0, .records = 3}}), "again 1..4");
  EXPECT_FALSE(states.truncateFrom(Offset(2)));
  EXPECT_EQ(known(), "1:0:0 ") << "a batch goes as a whole";
}

TEST_F(ProducerStatesTest, ASnapshotHoldsEverything) {
  for (int i = 0; i < 7; ++i)
    send({.producer = 1, .sequence = i});
  now += 1000;
  send({.producer = 2, .sequence = INT32_MAX, .records = 2, .epoch = 9});
  send({.producer = 1, .sequence = 7});
  auto bytes = states.encode(end);
  auto snapshot = KJ_ASSERT_NONNULL(ProducerStates::decode(bytes, {.producersMax = 2}));
  EXPECT_EQ(snapshot.upTo, end);
  states = kj::mv(snapshot.states);
  EXPECT_EQ(known(), "1:0:7 2:9:0 ");
  EXPECT_EQ(states.describe()[0].lastTimestamp.value(), 1000);
  EXPECT_EQ(states.describe()[1].lastTimestamp.value(), 1001);
  EXPECT_EQ(send({.producer = 1, .sequence = 3}), "again 3..4");
  EXPECT_EQ(send({.producer = 2, .sequence = INT32_MAX, .records = 2, .epoch = 9}), "again 7..9");
  EXPECT_EQ(states.encode(snapshot.upTo).asPtr(), bytes.asPtr());
  send({.producer = 3});
  EXPECT_EQ(known(), "1:0:7 3:0:0 ") << "who came last is still known";
  now += kDayMs - 1;
  states.expire(now);
  EXPECT_EQ(states.size(), 2u);
  states.expire(now + 1);
  EXPECT_EQ(states.size(), 0u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(ProducerStates::decode(states.encode(Offset(5)), {})).states.size(), 0u);
}

TEST_F(ProducerStatesTest, ADamagedSnapshotIsNone) {
  send({.producer = 1});
  send({.producer = 2});
  auto good = states.encode(end);
  ASSERT_TRUE(ProducerStates::decode(good, {}) != nullptr);
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_TRUE(ProducerStates::decode(good.slice(0, size), {}) == nullptr) << size;
  for (size_t at = 0; at < good.size(); ++at) {
    auto bad = kj::heapArray<kj::byte>(good);
    bad[at] ^= 0x10;
    EXPECT_TRUE(ProducerStates::decode(bad, {}) == nullptr) << at;
  }
}

}  // namespace
}  // namespace cambium
