#include <random>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/broker/kafka_fixture.h"

namespace cambium::kafka {
namespace {

// Clients that are broken or mean: each is cut off or served, and nobody else notices.
class KafkaAbuseTest : public KafkaTest {
 protected:
  KafkaAbuseTest() {
    kafkaLimits.frameBytesMax = mebibytes(4);
    kafkaLimits.requestBytesMax = mebibytes(8);
    kafkaLimits.unsentBytesMax = kibibytes(256);
    kafkaLimits.frameStepMsMax = 50;
    kafkaLimits.sendBufferBytes = 16 << 10;
  }
  void SetUp() override {
    KafkaTest::SetUp();
    createTopic("words");
    ASSERT_EQ(produce("words", 0, batchOf({"a"})), (Produced{0, 0}));
  }
  // Honest clients are served, those that were there and new ones.
  void TearDown() override {
    for (auto& kafka : kafkas)
      EXPECT_EQ(show(kafka->call(fetchOf({{"words", 0, 0, 1}}), 11).wait(scope()).body), "0:[0..0]");
    auto late = broker->connectKafka();
    EXPECT_EQ(late->call(MetadataRequest{}, 9).wait(scope())->topics[0].errorCode, 0);
    late = nullptr;
    KafkaTest::TearDown();
  }

  static kj::Array<kj::byte> lengthOf(int32_t length, size_t followedBy = 0) {
    ByteWriter out;
    out.int32(length);
    for (size_t i = 0; i < followedBy; ++i)
      out.int8(0);
    return out.finish();
  }
  static kj::Array<kj::byte> frameOf(int16_t key, Version version, bool flexible, ByteView body) {
    ByteWriter out;
    out.int32(0);
    out.int16(key);
    out.int16(version);
    out.int32(1);
    out.int16(-1);
    if (flexible) out.int8(0);
    out.bytes(body);
    storeBigEndian(out.written().begin(), static_cast<int32_t>(out.size() - 4));
    return out.finish();
  }
  static kj::Array<kj::byte> metadataOf(std::initializer_list<kj::byte> body) {
    return frameOf(3, 9, true, kj::arrayPtr(body.begin(), body.size()));
  }
  // Sends bytes on a connection of their own and expects that the broker ends it without a word.
  void expectCutOff(kj::Array<kj::byte> bytes) {
    auto bad = broker->connectKafka();
    bad->write(kj::mv(bytes));
    EXPECT_EQ(bad->readToEnd().wait(scope()), 0u);
  }
  void awaitHonestOnly() { broker->awaitKafkaConnections(kafkas.size()); }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaAbuseTest);

TEST_P(KafkaAbuseTest, LengthsThatMakeNoSense) {
  for (int32_t length : {0x7fffffff, -1, INT32_MIN, 0, 1, 2, 3, 4, 5, 6, 7, (4 << 20) + 1})
    expectCutOff(lengthOf(length));
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, HeadersThatMakeNoSense) {
  expectCutOff(lengthOf(8, 8));                     // Produce 0
  expectCutOff(frameOf(32767, 0, false, nullptr));  // no such API
  expectCutOff(frameOf(-1, 0, false, nullptr));
  expectCutOff(frameOf(3, -1, false, nullptr));
  kj::byte clientId[] = {0, 0, 0, 12, 0, 3, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 0, 0};  // claims 32767 bytes
  expectCutOff(kj::heapArray<kj::byte>(clientId));
  clientId[12] = 0xff;
  clientId[13] = 0xfe;  // -2
  expectCutOff(kj::heapArray<kj::byte>(clientId));
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, CountsOfTwoBillion) {
  for (Version version = 0; version <= 8; ++version) {
    const kj::byte body[] = {0x7f, 0xff, 0xff, 0xff, 0, 1, 'a', 1, 1, 1};
    expectCutOff(frameOf(3, version, false, body));
  }
  expectCutOff(metadataOf({0xff, 0xff, 0xff, 0xff, 0x07, 2, 'a', 0, 1, 0, 0}));
  expectCutOff(metadataOf({0xff, 0xff, 0xff, 0xff, 0x0f, 2, 'a', 0, 1, 0, 0}));
  const kj::byte produce[] = {0xff, 0xff, 0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff};
  expectCutOff(frameOf(0, 3, false, produce));
  const kj::byte fetch[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0x7f, 0xff, 0xff, 0xff};
  expectCutOff(frameOf(1, 4, false, fetch));
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, VarintsWithoutEnd) {
  expectCutOff(metadataOf({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
  expectCutOff(metadataOf({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}));
  // And in the header.
  ByteWriter out;
  for (int i = 0; i < 10; ++i)
    out.int8(-1);
  auto frame = frameOf(3, 9, false, out.written());
  expectCutOff(kj::mv(frame));
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, TaggedFieldsWithoutEnd) {
  expectCutOff(metadataOf({0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}));
  expectCutOff(metadataOf({0, 1, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x07}));
  expectCutOff(metadataOf({0, 1, 0, 0, 2, 5, 0, 5, 0}));  // twice the same
  // A million fields that nobody knows are skipped.
  ByteWriter out;
  for (kj::byte b : {0, 1, 0, 0})
    out.int8(static_cast<int8_t>(b));
  constexpr uint32_t kFields = 500'000;
  out.unsignedVarint32(kFields);
  for (uint32_t tag = 0; tag < kFields; ++tag) {
    out.unsignedVarint32(tag);
    out.unsignedVarint32(0);
  }
  auto odd = broker->connectKafka();
  EXPECT_GT(odd->exchange(frameOf(3, 9, true, out.written())).wait(scope()).size(), 4u);
}

TEST_P(KafkaAbuseTest, FramesThatAreCutOffByAClose) {
  auto whole = requestFrame(produceOf("words", 0, batchOf({"torn"})), 11, 1);
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    auto bad = broker->connectKafka(static_cast<unsigned>(cut) % GetParam().cores);
    bad->write(kj::heapArray<kj::byte>(whole.slice(0, cut)));
    bad->shutdownWrite();
    EXPECT_EQ(bad->readToEnd().wait(scope()), 0u);
  }
  awaitHonestOnly();
  EXPECT_EQ(fetch({{"words"}}), "0:[0..0]");
}

TEST_P(KafkaAbuseTest, BytesThatMeanNothing) {
  std::mt19937_64 random(4711);
  for (int i = 0; i < 200; ++i) {
    auto bad = broker->connectKafka(static_cast<unsigned>(i) % GetParam().cores);
    auto noise = kj::heapArray<kj::byte>(1 + random() % 4000);
    for (auto& byte : noise)
      byte = static_cast<kj::byte>(random());
    // Half of them get beyond the length and to an API that there is.
    if (i % 2 == 0 && noise.size() > 16) {
      storeBigEndian(noise.begin(), static_cast<int32_t>(noise.size() - 4));
      auto all = apis();
      auto& api = all[random() % all.size()];
      storeBigEndian(noise.begin() + 4, api.key);
      storeBigEndian(noise.begin() + 6, api.served.last);
      storeBigEndian(noise.begin() + 12, int16_t{-1});
    }
    bad->write(kj::mv(noise));
    bad->shutdownWrite();
    bad->readToEnd().wait(scope());
  }
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, EveryByteOfARequestMayBeWrong) {
  auto whole = requestFrame(produceOf("words", 0, batchOf({"torn"})), 11, 1);
  std::mt19937_64 random(42);
  for (size_t at = 4; at < whole.size(); ++at) {
    auto bad = broker->connectKafka();
    auto damaged = kj::heapArray<kj::byte>(whole.asPtr());
    damaged[at] ^= static_cast<kj::byte>(1 + random() % 255);
    bad->write(kj::mv(damaged));
    bad->shutdownWrite();
    bad->readToEnd().wait(scope());
  }
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, ASenderThatStopsInsideAFrameIsCutOff) {
  expectCutOff(lengthOf(1000, 999));
  expectCutOff(lengthOf(3 << 20, 100'000));
  awaitHonestOnly();
}

// Nothing but what a test does makes anybody's time run out.
class KafkaSlowClientTest : public KafkaAbuseTest {
 protected:
  KafkaSlowClientTest() { kafkaLimits.frameStepMsMax = 600'000; }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaSlowClientTest);

TEST_P(KafkaSlowClientTest, LargeFramesThatComeSlowlyDoNotHoldUpOthers) {
  // As many as the budget of all requests can hold, and more: each has sent enough to be given its room.
  kj::Vector<kj::Own<KafkaClient>> slow;
  for (int i = 0; i < 6; ++i) {
    slow.add(broker->connectKafka());
    slow.back()->write(lengthOf(4 << 20, 100'000));
    slow.back()->written().wait(scope());
  }
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(produced(kafka().call(produceOf("words", 0, batchOf({"b"})), 11).wait(scope()).body).error, 0);
}

class KafkaTricklingClientTest : public KafkaSlowClientTest {
 protected:
  KafkaTricklingClientTest() { kafkaLimits.slowMsMax = 100; }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaTricklingClientTest);

TEST_P(KafkaTricklingClientTest, LargeRequestsOfOthersAreServed) {
  // Their room is full with what they have sent, and they send no more.
  kj::Vector<kj::Own<KafkaClient>> slow;
  for (int i = 0; i < 6; ++i) {
    slow.add(broker->connectKafka());
    slow.back()->write(lengthOf(4 << 20, 100'000));
    slow.back()->written().wait(scope());
  }
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(produce("words", 0, batchOfSize(1'500'000)).error, 10)
        << "it is served, which is to say that it is too large";
}

class KafkaDeafClientTest : public KafkaAbuseTest {
 protected:
  KafkaDeafClientTest() { kafkaLimits.untakenMsMax = 100; }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaDeafClientTest);

TEST_P(KafkaDeafClientTest, AClientThatNeverReadsIsCutOff) {
  for (int i = 0; i < 4; ++i)
    ASSERT_EQ(produce("words", 0, batchOfSize(1'000'000)).error, 0);
  auto deaf = broker->connectKafka();
  int small = 4096;
  deaf->stream().setsockopt(SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  for (int i = 0; i < 10; ++i)
    deaf->send(fetchOf({{"words", 0, 1, 8 << 20}}), 11);
  deaf->written().wait(scope());
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, AClientThatNeverReadsHoldsLittle) {
  for (int i = 0; i < 4; ++i)
    ASSERT_EQ(produce("words", 0, batchOfSize(60'000)).error, 0);
  auto deaf = broker->connectKafka();
  int small = 4096;
  deaf->stream().setsockopt(SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  // 240 KB of answers for each request; read are no more than fill the limit.
  constexpr int kRequests = 2000;
  for (int i = 0; i < kRequests; ++i)
    deaf->send(fetchOf({{"words", 0, 1}}), 11);
  uint64_t read = 0;
  for (int settled = 0; settled < 20;) {
    io.provider->getTimer().afterDelay(5 * kj::MILLISECONDS).wait(scope());
    auto now = broker->total().gone.readBytes;
    settled = now == read ? settled + 1 : 0;
    read = now;
  }
  EXPECT_GT(read, 0u);
  EXPECT_LT(read, 3u << 20);
  deaf = nullptr;
  awaitHonestOnly();
}

class KafkaLateReaderTest : public KafkaAbuseTest {
 protected:
  KafkaLateReaderTest() { kafkaLimits.afterEndMsMax = 600'000; }
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaLateReaderTest);

// What a client has a right to does not get lost in what its connection is closed for, even if it reads late and has
// sent more behind.
TEST_P(KafkaLateReaderTest, AnswersBeforeABadRequestArriveWhole) {
  ASSERT_EQ(produce("words", 0, batchOfSize(10'000)).error, 0);
  kj::Array<kj::byte> badOnes[] = {lengthOf(-1), metadataOf({0xff, 0xff, 0xff, 0xff, 0x0f, 2, 'a', 0, 1, 0, 0})};
  for (auto& bad : badOnes) {
    auto before = broker->total().gone.readBytes;
    auto client = broker->connectKafka();
    int small = 32 << 10;
    client->stream().setsockopt(SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    // More than the system takes for a client that does not read, less than makes the broker wait for it.
    constexpr int kRequests = 30;
    size_t wanted = 0;
    for (int i = 0; i < kRequests; ++i)
      client->send(fetchOf({{"words", 0, 1}}), 11);
    client->write(kj::mv(bad));
    client->write(lengthOf(0x7fffffff, 1 << 20));
    while (broker->total().gone.readBytes - before < kRequests * uint64_t{10'000})
      io.provider->getTimer().afterDelay(5 * kj::MILLISECONDS).wait(scope());
    for (int i = 0; i < kRequests; ++i) {
      kj::byte length[4];
      ASSERT_EQ(client->stream().tryRead(length, 4, 4).wait(scope()), 4u) << "of answer " << i;
      auto answer = kj::heapArray<kj::byte>(static_cast<size_t>(loadBigEndian<int32_t>(length)));
      ASSERT_EQ(client->stream().tryRead(answer.begin(), answer.size(), answer.size()).wait(scope()), answer.size())
          << "answer " << i << " is cut off";
      wanted += answer.size();
    }
    EXPECT_GT(wanted, kRequests * size_t{10'000});
    EXPECT_EQ(client->readToEnd().wait(scope()), 0u);
  }
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, HalfOpenConnectionsGo) {
  kj::Vector<kj::Own<KafkaClient>> halfOpen;
  for (int i = 0; i < 50; ++i) {
    halfOpen.add(broker->connectKafka());
    halfOpen.back()->shutdownWrite();
  }
  awaitHonestOnly();
}

TEST_P(KafkaAbuseTest, ThousandsOfIdleConnections) {
  constexpr unsigned kConnections = 2000;
  rlimit descriptors{};
  KJ_SYSCALL(getrlimit(RLIMIT_NOFILE, &descriptors));
  auto before = descriptors;
  descriptors.rlim_cur = descriptors.rlim_max;
  KJ_SYSCALL(setrlimit(RLIMIT_NOFILE, &descriptors));
  KJ_DEFER(setrlimit(RLIMIT_NOFILE, &before));
  ASSERT_GE(descriptors.rlim_cur, 2 * kConnections + 200) << "too few descriptors are allowed for this test";
  {
    kj::Vector<kj::Own<KafkaClient>> idle(kConnections);
    for (unsigned i = 0; i < kConnections; ++i)
      idle.add(broker->connectKafka(i % GetParam().cores));
    broker->awaitKafkaConnections(kConnections + kafkas.size());
    EXPECT_EQ(produce("words", 0, batchOf({"b"})), (Produced{0, 1}));
    // Each of them may wake up.
    EXPECT_EQ(idle[kConnections / 2]->call(MetadataRequest{}, 9).wait(scope())->topics.size(), 1u);
  }
  awaitHonestOnly();
}

}  // namespace
}  // namespace cambium::kafka
