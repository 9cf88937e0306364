#include "engine/base/crc32c.h"
#include "engine/record/record_reader.h"
#include "tests/broker/kafka_fixture.h"
#include "tests/broker/kafka_requests.h"

// What the door takes and refuses of the records in a batch.

namespace cambium::kafka {
namespace {

using namespace batch_layout;

constexpr int16_t kMessageTooLarge = 10;
constexpr int16_t kInvalidTimestamp = 32;
constexpr int16_t kInvalidTxnState = 48;
constexpr int16_t kTransactionalIdAuthorizationFailed = 53;
constexpr int16_t kInvalidRecord = 87;

class KafkaRecordsTest : public KafkaTest {
 protected:
  static void resign(kj::ArrayPtr<kj::byte> batch) {
    storeBigEndian(batch.begin() + kLength, static_cast<int32_t>(batch.size() - kLengthFrom));
    storeBigEndian(batch.begin() + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
  }
  template <class T>
  static kj::Array<kj::byte> with(size_t position, T value, kj::Array<kj::byte> batch) {
    storeBigEndian(batch.begin() + position, value);
    resign(batch);
    return batch;
  }
  // Two records whose last bytes are missing.
  static kj::Array<kj::byte> cutOff(Codec codec) {
    auto whole = batchOf({"one", "two"}, {.codec = codec});
    auto cut = kj::heapArray<kj::byte>(whole.slice(0, whole.size() - 5));
    resign(cut);
    return cut;
  }
  // One record of zeros with a key, small as it is sent.
  static kj::Array<kj::byte> zeros(size_t bytes, Codec codec) {
    auto value = kj::heapArray<kj::byte>(bytes);
    memset(value.begin(), 0, bytes);
    BatchBuilder builder({.codec = codec});
    builder.add(TimestampMs(1000), "k"_kj.asBytes(), ByteView(value));
    return builder.finish();
  }
  std::pair<int64_t, int64_t> listed(kj::StringPtr topic, int64_t timestamp) {
    auto answer = call(listOffsetsOf(topic, 0, timestamp), 7);
    auto& one = answer->topics[0].partitions[0];
    EXPECT_EQ(one.errorCode, 0);
    return {one.offset, one.timestamp};
  }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaRecordsTest);

TEST_P(KafkaRecordsTest, WhatNobodyCanReadIsRefusedWhateverTheTopic) {
  createTopic("plain");
  createTopic("compacted", 1, {{"cleanup.policy", "compact"}});
  createTopic("converted", 1, {{"compression.type", "lz4"}});
  createTopic("headers", 1, {{"record.validation", "headers"}});
  for (auto topic : {"plain"_kj, "compacted"_kj, "converted"_kj}) {
    for (auto codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd})
      EXPECT_EQ(produce(topic, 0, cutOff(codec)).error, kInvalidRecord)
          << topic.cStr() << ' ' << codecName(codec).cStr();
    for (int16_t codec : {5, 6, 7})
      EXPECT_EQ(produce(topic, 0, with(kAttributes, codec, batchOf({"a"}))).error, kInvalidRecord);
    // One record less, one more than there are.
    for (int32_t count : {1, 3}) {
      auto batch = with(kRecordCount, count, batchOf({"one", "two"}));
      EXPECT_EQ(produce(topic, 0, with(kLastOffsetDelta, count - 1, kj::mv(batch))).error, kInvalidRecord);
    }
    EXPECT_EQ(listed(topic, -1).first, 0) << "nothing was appended";
  }
  EXPECT_EQ(produce("headers", 0, cutOff(Codec::kGzip)), (Produced{0, 0}));
  auto batch = with(kRecordCount, int32_t{3}, batchOf({"one", "two"}));
  EXPECT_EQ(produce("headers", 0, with(kLastOffsetDelta, int32_t{2}, kj::mv(batch))).error, kInvalidRecord)
      << "uncompressed ones are always looked at";
}

TEST_P(KafkaRecordsTest, TimesAreTakenFromTheRecords) {
  createTopic("words");
  constexpr int64_t kTime = 1'700'000'000'000;
  for (int64_t claimed : {int64_t{-1}, int64_t{0}, kTime - 1500}) {
    BatchBuilder builder;
    for (int64_t back : {0, 500, 1000})
      builder.add(TimestampMs(kTime - back), nullptr, "x"_kj.asBytes());
    EXPECT_EQ(produce("words", 0, with(kMaxTimestamp, claimed, builder.finish())).error, 0) << claimed;
  }
  EXPECT_EQ(listed("words", -3), (std::pair<int64_t, int64_t>(0, kTime)));
  EXPECT_EQ(listed("words", kTime), (std::pair<int64_t, int64_t>(0, kTime)));
  EXPECT_EQ(listed("words", 0), (std::pair<int64_t, int64_t>(0, kTime)));

  auto now = broker->local().now().value();
  BatchBuilder late;
  late.add(TimestampMs(now), nullptr, "x"_kj.asBytes());
  late.add(TimestampMs(now + 10LL * 24 * 3600 * 1000), nullptr, "x"_kj.asBytes());
  EXPECT_EQ(produce("words", 0, with(kMaxTimestamp, now, late.finish())).error, kInvalidTimestamp);
  BatchBuilder old;
  old.add(TimestampMs(-220'924'800'000), nullptr, "1963"_kj.asBytes());
  EXPECT_EQ(produce("words", 0, old.finish()), (Produced{0, 9}));
  EXPECT_EQ(fetch({{"words", 0, 9}}), "0:[9..9]");
}

TEST_P(KafkaRecordsTest, WhatIsTakenIsReadAtEveryDoor) {
  createTopic("plain");
  createTopic("compacted", 1, {{"cleanup.policy", "compact"}});
  for (auto topic : {"plain"_kj, "compacted"_kj}) {
    int64_t offset = 0;
    for (auto codec : {Codec::kGzip, Codec::kZstd}) {
      ASSERT_EQ(produce(topic, 0, zeros(20'000'000, codec)), (Produced{0, offset}));
      EXPECT_EQ(fetch({{topic, 0, offset}}), kj::str("0:[", offset, "..", offset, "]").cStr());
      EXPECT_EQ(read(scope(), client().partition(topic), offset).nextOffset, offset + 1);
      EXPECT_EQ(listed(topic, 1000).first, 0);
      ++offset;
    }
    EXPECT_EQ(produce(topic, 0, zeros(125 << 20, Codec::kGzip)).error, kMessageTooLarge);
  }
}

TEST_P(KafkaRecordsTest, TheLimitHoldsForWhatIsStored) {
  createTopic("words", 1, {{"compression.type", "uncompressed"}, {"max.message.bytes", "1048576"}});
  EXPECT_EQ(produce("words", 0, zeros(30'000'000, Codec::kZstd)).error, kMessageTooLarge);
  EXPECT_EQ(produce("words", 0, zeros(1'000'000, Codec::kZstd)), (Produced{0, 0}));
}

// Large ones are checked on a thread; what comes behind them on the same partition waits, and answers keep their order.
TEST_P(KafkaRecordsTest, OffsetsFollowTheOrderOfTheRequests) {
  createTopic("words", 2);
  constexpr int kRequests = 40;
  ByteWriter frames;
  for (int i = 0; i < kRequests; ++i) {
    auto batch = i % 5 == 0   ? zeros(3'000'000, Codec::kGzip)
                 : i % 7 == 0 ? cutOff(Codec::kGzip)
                              : batchOf({kj::str(i)}, {.codec = Codec::kLz4});
    frames.bytes(requestFrame(produceOf("words", i % 2, kj::mv(batch), 1), 11, i));
  }
  auto answers = exchangeTogether(frames.finish(), kRequests);
  int64_t expected[] = {0, 0};
  for (int i = 0; i < kRequests; ++i) {
    auto answer = readAnswer<ProduceResponse>(answers[static_cast<size_t>(i)].wait(scope()), 11, i);
    bool refused = i % 5 != 0 && i % 7 == 0;
    EXPECT_EQ(produced(answer.body), refused ? (Produced{kInvalidRecord, -1}) : (Produced{0, expected[i % 2]++})) << i;
  }
}

TEST_P(KafkaRecordsTest, ThereAreNoTransactions) {
  createTopic("words");
  auto transactional = [] {
    return batchOf({"a"}, {.producerId = 7, .producerEpoch = 0, .baseSequence = 0, .transactional = true});
  };
  EXPECT_EQ(produce("words", 0, transactional(), 9).error, kTransactionalIdAuthorizationFailed);
  auto named = produceOf("words", 0, transactional());
  named.transactionalId = Text("mine");
  EXPECT_EQ(produced(call(named, 9).body).error, kInvalidTxnState);
  auto control =
      batchOf({"a"}, {.producerId = 7, .producerEpoch = 0, .baseSequence = 0, .transactional = true, .control = true});
  named = produceOf("words", 0, kj::mv(control));
  named.transactionalId = Text("mine");
  EXPECT_EQ(produced(call(named, 9).body).error, kInvalidRecord);

  auto request = client().partition("words").appendBatchesRequest();
  request.setBatches(transactional());
  EXPECT_PRED2(startsWith, errorOf(request.send().wait(scope())), "invalidTxnState: ");

  for (Version version = 0; version <= 5; ++version) {
    InitProducerIdRequest init;
    init.transactionalId = Text("mine");
    init.transactionTimeoutMs = 1000;
    auto answer = call(init, version);
    EXPECT_EQ(answer->errorCode, kTransactionalIdAuthorizationFailed);
    EXPECT_EQ(answer->producerId, -1);
  }
  EXPECT_EQ(listed("words", -1).first, 0) << "nothing was appended";
}

}  // namespace
}  // namespace cambium::kafka
