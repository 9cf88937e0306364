#include "engine/partition/intake.h"

#include "engine/base/crc32c.h"
#include "engine/record/record_reader.h"
#include "tests/unit/partition/partition_fixture.h"

// What is looked at before batches are appended, and how those that take long go by way of a thread.

namespace cambium {
namespace {

using namespace batch_layout;

class IntakeTest : public PartitionTest {
 protected:
  ~IntakeTest() noexcept override = default;

  // A gzip batch of one record of zeros: small as it is sent.
  static kj::Array<kj::byte> zeros(size_t bytes, Codec codec = Codec::kGzip) {
    return batchOf(std::vector<Record>{{std::string(bytes, '\0'), 1000, false}}, codec);
  }
  static void resign(kj::ArrayPtr<kj::byte> batch) {
    storeBigEndian(batch.begin() + kLength, static_cast<int32_t>(batch.size() - kLengthFrom));
    storeBigEndian(batch.begin() + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
  }
  // A batch that nobody can read: compressed, and its last bytes are missing.
  static kj::Array<kj::byte> cutOff(Codec codec) {
    auto whole = batchOf({{"a"}, {"b"}}, codec);
    auto cut = kj::heapArray<kj::byte>(whole.slice(0, whole.size() - 5));
    resign(cut);
    return cut;
  }
  // An append as a client's: "3..5", the name of the error, or "" while it waits.
  struct Sending {
    kj::Maybe<Result<AppendOutcome>> done;
    kj::Maybe<kj::Promise<Result<AppendOutcome>>> later;
  };
  Sending sendNow(kj::Array<kj::byte> batches) {
    Sending sending{partition->appendNow(batches), nullptr};
    if (sending.done == nullptr) sending.later = partition->appendLater(kj::mv(batches));
    return sending;
  }
  std::string state(Sending& sending) {
    KJ_IF_MAYBE(later, sending.later) {
      settle();
      if (sending.done == nullptr) sending.done = ready(*later);
    }
    KJ_IF_MAYBE(done, sending.done) {
      if (!done->ok()) return errorName(done->error().code).cStr();
      return kj::str(done->value().baseOffset, "..", done->value().nextOffset).cStr();
    }
    return "";
  }
  std::string sendAndSettle(kj::Array<kj::byte> batches) {
    auto sending = sendNow(kj::mv(batches));
    return state(sending);
  }
  BatchView stored(int64_t offset) {
    settle();
    lastRead_ = kj::mv(partition->read(Offset(offset), Bytes(1)).value().batches);
    return KJ_ASSERT_NONNULL(BatchView::first(lastRead_));
  }

 private:
  kj::Array<const kj::byte> lastRead_;
};

TEST_F(IntakeTest, WhatNobodyCanReadIsRefusedOnEveryTopic) {
  PartitionConfig plain, compacted, converting, headers;
  compacted.keysRequired = true;
  converting.codec = Codec::kLz4;
  headers.readsCompressed = false;
  for (auto codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    for (auto* config : {&plain, &compacted, &converting}) {
      open(*config);
      auto before = partition->status().end;
      EXPECT_EQ(sendAndSettle(cutOff(codec)), "INVALID_RECORD") << codecName(codec).cStr();
      EXPECT_EQ(partition->status().end, before);
    }
    open(headers);
    EXPECT_NE(sendAndSettle(cutOff(codec)), "INVALID_RECORD") << "only the header is looked at";
  }
  // An uncompressed one is always looked at, also where headers would do.
  auto wrong = batchOf({{"a"}, {"b"}});
  wrong[kHeaderBytes + 1 + 1 + 1 + 1] = 0x7d;  // the length of the first key
  resign(wrong);
  EXPECT_EQ(sendAndSettle(kj::mv(wrong)), "INVALID_RECORD");
}

TEST_F(IntakeTest, TheMaxTimestampIsThatOfTheRecords) {
  open();
  for (auto codec : {Codec::kNone, Codec::kGzip, Codec::kZstd}) {
    for (int64_t claimed : {int64_t{-1}, int64_t{0}, int64_t{400}, int64_t{9000}, INT64_MAX, INT64_MIN}) {
      auto batch = batchOf({{"a", 1000}, {"b", 500}, {"c", 2000}}, codec);
      storeBigEndian(batch.begin() + kMaxTimestamp, claimed);
      resign(batch);
      auto base = partition->status().end.value();
      ASSERT_EQ(sendAndSettle(kj::mv(batch)), kj::str(base, "..", base + 3).cStr()) << claimed;
      EXPECT_EQ(stored(base).maxTimestamp(), TimestampMs(2000));
      EXPECT_TRUE(stored(base).crcMatches());
    }
  }
  EXPECT_EQ(since(1500), "2@2000");
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "2@2000");
  EXPECT_EQ(since(0), "0@1000");
}

TEST_F(IntakeTest, EveryRecordIsHeldAgainstTheClock) {
  open();
  auto now = clock.nowMs;
  auto batch = batchOf({{"a", now}, {"b", now + 10LL * 24 * 3600 * 1000}});
  storeBigEndian(batch.begin() + kMaxTimestamp, now);
  resign(batch);
  EXPECT_EQ(sendAndSettle(kj::mv(batch)), "INVALID_TIMESTAMP");
}

TEST_F(IntakeTest, TimesBefore1970AreTaken) {
  open();
  EXPECT_EQ(append({{"a", -220'924'800'000}, {"b", 5}}), 2);
  EXPECT_EQ(append({{"c", -220'924'800'000}}), 3);
  EXPECT_EQ(stored(0).maxTimestamp(), TimestampMs(5));
  EXPECT_EQ(stored(2).maxTimestamp(), kNoTimestamp) << "as in Kafka";
  EXPECT_EQ(find({OffsetQuery::Kind::kMaxTimestamp}), "1@5");
}

TEST_F(IntakeTest, BatchesOfTransactionsAreRefused) {
  open();
  auto batch = batchOf({{"a"}});
  storeBigEndian(batch.begin() + kAttributes, int16_t{0x10});
  resign(batch);
  EXPECT_EQ(sendAndSettle(kj::mv(batch)), "INVALID_TXN_STATE");
}

// Small ones never leave the loop, however many come.
TEST_F(IntakeTest, OnlyLargeBatchesAreCheckedOnAThread) {
  open();
  checkPool.holding = true;
  EXPECT_EQ(sendAndSettle(batchOf({{"a"}}, Codec::kGzip)), "0..1");
  std::string text(300'000, ' ');  // twice: also as the key
  uint32_t random = 1;
  for (auto& c : text)
    c = static_cast<char>('a' + ((random = random * 1664525 + 1013904223) >> 28));
  EXPECT_EQ(sendAndSettle(batchOf({{text}}, Codec::kGzip)), "1..2");
  EXPECT_EQ(checkPool.held(), 0u);
  auto large = sendNow(zeros(5'000'000));
  EXPECT_EQ(state(large), "");
  EXPECT_EQ(checkPool.held(), 1u);
  checkPool.runOne();
  EXPECT_EQ(state(large), "2..3");
  // A small one that becomes much is a large one: a request may hold thousands of them.
  auto dense = sendNow(zeros(200'000));
  EXPECT_EQ(checkPool.held(), 1u);
  checkPool.runOne();
  EXPECT_EQ(state(dense), "3..4");
}

TEST_F(IntakeTest, WhoComesLaterWaitsForItsTurn) {
  open();
  checkPool.holding = true;
  auto first = sendNow(zeros(5'000'000));
  auto second = sendNow(batchOf({{"b"}}));
  auto third = sendNow(cutOff(Codec::kGzip));
  auto fourth = sendNow(zeros(6'000'000));
  auto fifth = sendNow(batchOf({{"e"}}));
  for (auto* one : {&first, &second, &third, &fourth, &fifth})
    EXPECT_EQ(state(*one), "");
  EXPECT_EQ(checkPool.held(), 1u) << "one of a partition at a time";
  checkPool.runOne();
  EXPECT_EQ(state(first), "0..1");
  EXPECT_EQ(state(second), "1..2");
  EXPECT_EQ(state(third), "INVALID_RECORD");
  EXPECT_EQ(state(fourth), "");
  checkPool.runOne();
  EXPECT_EQ(state(fourth), "2..3");
  EXPECT_EQ(state(fifth), "3..4");
  EXPECT_EQ(sendAndSettle(batchOf({{"f"}})), "4..5");
}

// What else the loop has to do is not held up by them.
TEST_F(IntakeTest, ManyThatWaitAreLetInBitByBit) {
  open();
  checkPool.holding = true;
  auto first = sendNow(zeros(5'000'000));
  kj::Vector<Sending> many;
  for (int i = 0; i < 200; ++i)
    many.add(sendNow(batchOf({{"b"}})));
  checkPool.runOne();
  for (int64_t seen = 0; seen < 201;) {
    settle();
    auto end = partition->status().end.value();
    ASSERT_GT(end, seen);
    EXPECT_LE(end - seen, 50);
    seen = end;
    timer.advanceTo(timer.now());
  }
  EXPECT_EQ(state(many[199]), "200..201");
}

TEST_F(IntakeTest, SequencesHoldWhenTheTurnHasCome) {
  open();
  checkPool.holding = true;
  auto large = Sent{.sequence = 0, .records = 3, .codec = Codec::kGzip, .valueBytes = 1'000'000};
  auto first = sendNow(batchOf(large));
  auto again = sendNow(batchOf(large));
  auto next = sendNow(batchOf(Sent{.sequence = 3}));
  auto gap = sendNow(batchOf(Sent{.sequence = 5}));
  while (checkPool.held() > 0) {
    checkPool.runOne();
    settle();
  }
  EXPECT_EQ(state(first), "0..3");
  EXPECT_EQ(state(again), "0..3") << "a duplicate";
  EXPECT_EQ(state(next), "3..4");
  EXPECT_EQ(state(gap), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(partition->status().end.value(), 4);
}

// While the log is exchanged a check may go on, and what comes of it waits.
TEST_F(IntakeTest, HeldAppendsWaitAlsoWhenTheyAreChecked) {
  open();
  checkPool.holding = true;
  auto first = sendNow(zeros(5'000'000));
  partition->holdAppends();
  auto second = sendNow(batchOf({{"b"}}));
  checkPool.runOne();
  EXPECT_EQ(state(first), "");
  EXPECT_EQ(partition->status().end.value(), 0);
  partition->releaseAppends();
  EXPECT_EQ(state(first), "0..1");
  EXPECT_EQ(state(second), "1..2");
}

TEST_F(IntakeTest, ClosingWaitsForTheCheckAndAnswersEverybody) {
  open();
  checkPool.holding = true;
  auto first = sendNow(zeros(5'000'000));
  auto second = sendNow(zeros(5'000'000));
  auto closed = partition->close();
  settle();
  EXPECT_FALSE(closed.poll(scope));
  checkPool.runOne();
  settle();
  EXPECT_TRUE(closed.poll(scope));
  EXPECT_EQ(state(first), "0..1") << "its check was under way";
  EXPECT_EQ(state(second), "REQUEST_TIMED_OUT");
}

TEST_F(IntakeTest, WhatWaitsAtOnePartitionIsBounded) {
  open();
  checkPool.holding = true;
  auto first = sendNow(zeros(5'000'000));
  kj::Vector<Sending> many;
  std::string value(30 << 20, 'x');
  for (int i = 0; i < 3; ++i)
    many.add(sendNow(batchOf(std::vector<Record>{{value, 1000, false}})));
  EXPECT_EQ(state(many[2]), "REQUEST_TIMED_OUT");
  EXPECT_EQ(state(many[0]), "");
}

// One record of 20 MB of zeros is 700 bytes: taken, and read. The bound is one of size.
TEST_F(IntakeTest, TheSizeOfTheRecordsIsBoundedAndNotTheirRatio) {
  PartitionConfig compacted;
  for (bool converts : {false, true}) {
    PartitionConfig config;
    config.batchBytesMax = 40 << 20;
    if (converts) config.codec = Codec::kNone;
    open(kj::mv(config));
    for (auto codec : {Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
      auto base = partition->status().end.value();
      EXPECT_EQ(sendAndSettle(zeros(20'000'000, codec)), kj::str(base, "..", base + 1).cStr());
      RecordReader records(stored(base));
      auto* record = records.next();
      ASSERT_NE(record, nullptr);
      EXPECT_EQ(KJ_ASSERT_NONNULL(record->value).size(), 20'000'000u);
    }
    EXPECT_EQ(sendAndSettle(zeros(60'000'000)), "MESSAGE_TOO_LARGE");
  }
}

TEST_F(IntakeTest, TheTopicsLimitHoldsForTheStoredBatch) {
  PartitionConfig config;
  config.codec = Codec::kNone;
  config.batchBytesMax = 1 << 20;
  open(config);
  EXPECT_EQ(sendAndSettle(zeros(30'000'000, Codec::kZstd)), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(sendAndSettle(zeros(1'048'600, Codec::kZstd)), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(sendAndSettle(zeros(1'048'000, Codec::kZstd)), "0..1");
  EXPECT_LE(stored(0).size(), config.batchBytesMax);
  EXPECT_EQ(partition->status().end.value(), 1);
}

TEST_F(IntakeTest, ConversionsGoByThreadAsWell) {
  PartitionConfig config;
  config.codec = Codec::kGzip;
  open(config);
  checkPool.holding = true;
  EXPECT_EQ(sendAndSettle(batchOf({{"small"}})), "0..1");
  EXPECT_EQ(stored(0).codec(), Codec::kGzip);
  auto large = sendNow(batchOf(std::vector<Record>{{std::string(100'000, 'x')}}));
  EXPECT_EQ(state(large), "");
  checkPool.runOne();
  EXPECT_EQ(state(large), "1..2");
  EXPECT_EQ(stored(1).codec(), Codec::kGzip);
}

}  // namespace
}  // namespace cambium
