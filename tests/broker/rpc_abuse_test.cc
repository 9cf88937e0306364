#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>
#include <capnp/serialize.h>

#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

// A client that speaks Cap'n Proto's protocol by hand and keeps to none of its manners.
class RawClient {
 public:
  using Message = capnp::rpc::Message::Builder;

  explicit RawClient(kj::Own<kj::AsyncIoStream> stream) : stream_(kj::mv(stream)) {}
  KJ_DISALLOW_COPY(RawClient);

  // --- What send() will send.
  void bootstrap(uint32_t id) {
    add([&](Message message) { message.initBootstrap().setQuestionId(id); });
  }
  // Gate.anonymous of what the bootstrap has returned: its answer holds a capability.
  void callGate(uint32_t id, uint32_t bootstrapId) {
    add([&](Message message) {
      auto call = message.initCall();
      call.setQuestionId(id);
      call.initTarget().initPromisedAnswer().setQuestionId(bootstrapId);
      call.setInterfaceId(capnp::typeId<rpc::Gate>());
      call.setMethodId(0);
      call.initParams().getContent().initAs<rpc::Gate::AnonymousParams>();
    });
  }
  void finish(uint32_t id, bool releases) {
    add([&](Message message) {
      auto finish = message.initFinish();
      finish.setQuestionId(id);
      finish.setReleaseResultCaps(releases);
    });
  }
  // Begins to send all of it.
  void send() {
    auto bytes = kj::heapArray<kj::byte>(outgoing_.asPtr());
    outgoing_.clear();
    auto& stream = *stream_;
    sending_ = stream.write(bytes.begin(), bytes.size()).attach(kj::mv(bytes)).eagerlyEvaluate([](kj::Exception&&) {});
  }
  // Reads until so many calls are answered, or the broker ends the connection; says why it did.
  kj::Promise<kj::String> readAnswers(size_t count) {
    while (answered < count) {
      auto received = co_await capnp::tryReadMessage(*stream_);
      KJ_IF_MAYBE(reader, received) {
        auto message = (*reader)->getRoot<capnp::rpc::Message>();
        if (message.isReturn()) ++answered;
        if (message.isAbort()) co_return kj::str(message.getAbort().getReason());
      } else {
        co_return kj::str("the end");
      }
    }
    co_return kj::str();
  }

  size_t answered = 0;

 private:
  void add(kj::FunctionParam<void(Message)> write) {
    capnp::MallocMessageBuilder builder;
    write(builder.initRoot<capnp::rpc::Message>());
    auto words = capnp::messageToFlatArray(builder);
    outgoing_.addAll(words.asBytes());
  }

  kj::Own<kj::AsyncIoStream> stream_;
  kj::Vector<kj::byte> outgoing_;
  kj::Promise<void> sending_ = kj::READY_NOW;
};

// Clients that take more than their share: others are served, and what they hold is bounded.
class RpcAbuseTest : public BrokerTest {
 public:
  ~RpcAbuseTest() noexcept override = default;

 protected:
  void SetUp() override {
    limits.sendBufferBytes = 16 << 10;
    limits.calls = {.callsMax = 1000, .capabilitiesMax = 500, .heldMax = 4000};
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words"), "");
    awaitQuiet();
  }
  void TearDown() override {
    EXPECT_EQ(client().listTopics(), "words/1");
    BrokerTest::TearDown();
  }
  kj::Own<RawClient> connectRaw() {
    auto address = io.provider->getNetwork().parseAddress(broker->address()).wait(scope());
    auto stream = address->connect().wait(scope());
    return kj::heap<RawClient>(kj::mv(stream));
  }
  // Until nobody but the clients of the test has anything.
  void awaitQuiet() {
    broker->awaitConnections(clients.size());
    broker->awaitTrue("calls", [&] { return calls().calls <= 2 * clients.size(); });
  }
  const CallCounts& calls() { return broker->rpcCounts().calls; }
};
CAMBIUM_EVERY_DEPLOYMENT(RpcAbuseTest);

TEST_P(RpcAbuseTest, AFloodOfCallsLeavesOthersTheirShare) {
  constexpr uint32_t kCalls = 20'000;
  auto flood = connectRaw();
  flood->bootstrap(0);
  for (uint32_t id = 1; id <= kCalls; ++id) {
    flood->callGate(id, 0);
    flood->finish(id, true);
  }
  flood->send();
  auto answers = flood->readAnswers(kCalls + 1).eagerlyEvaluate(nullptr);
  broker->awaitTrue("an answer", [&] { return flood->answered > 0; });
  EXPECT_LT(flood->answered, kCalls / 2) << "answers leave while further calls come";
  EXPECT_EQ(client().listTopics(), "words/1");
  EXPECT_LT(flood->answered, kCalls) << "others are served meanwhile";
  EXPECT_EQ(answers.wait(scope()), ""_kj);
  flood = nullptr;
  awaitQuiet();
}

TEST_P(RpcAbuseTest, CallsThatAreNeverFinishedEndTheConnectionWithAReason) {
  auto greedy = connectRaw();
  greedy->bootstrap(0);
  for (uint32_t id = 1; id <= 2000; ++id)
    greedy->callGate(id, 0);
  greedy->send();
  auto reason = greedy->readAnswers(3000).wait(scope());
  // Each of them has returned a capability as well.
  EXPECT_TRUE(contains(reason.cStr(), "--rpc_capabilities_max")) << reason.cStr();
  EXPECT_EQ(calls().connectionsClosed, 1u);
  awaitQuiet();
}

TEST_P(RpcAbuseTest, AnswersThatNobodyReadsStopTheReadingOfCalls) {
  auto deaf = connectRaw();
  deaf->bootstrap(0);
  for (uint32_t id = 1; id <= 20'000; ++id) {
    deaf->callGate(id, 0);
    deaf->finish(id, true);
  }
  deaf->send();
  constexpr uint64_t kHalfOfTheLimit = 500;
  broker->awaitTrue("calls without an answer", [&] { return calls().calls >= kHalfOfTheLimit; });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client().listTopics(), "words/1");
    EXPECT_LE(calls().calls, kHalfOfTheLimit + 2 * clients.size());
  }
  EXPECT_EQ(calls().connectionsClosed, 0u);
  EXPECT_EQ(client().listTopics(), "words/1");
  EXPECT_EQ(deaf->readAnswers(20'001).wait(scope()), ""_kj) << "it goes on when they are read";
  deaf = nullptr;
  awaitQuiet();
}

TEST_P(RpcAbuseTest, WhatAClientHeldIsGivenBackWhenItGoes) {
  for (int round = 0; round < 3; ++round) {
    auto holder = connectRaw();
    holder->bootstrap(0);
    for (uint32_t id = 1; id <= 400; ++id)
      holder->callGate(id, 0);
    holder->send();
    EXPECT_EQ(holder->readAnswers(401).wait(scope()), ""_kj);
    EXPECT_GE(calls().capabilities, 400u);
    EXPECT_GE(calls().calls, 400u);
    holder = nullptr;
    awaitQuiet();
    EXPECT_LT(calls().capabilities, 100u);
  }
  EXPECT_EQ(calls().connectionsClosed, 0u);
}

class FewConnectionsTest : public BrokerTest {
 public:
  ~FewConnectionsTest() noexcept override = default;

 protected:
  FewConnectionsTest() { connectionsPerAddressMax = 10; }
};
CAMBIUM_EVERY_DEPLOYMENT(FewConnectionsTest);

// The clients of the test have the same address as those that come in numbers.
TEST_P(FewConnectionsTest, AnAddressHasItsShareAndItsIdleConnectionsGoFirst) {
  ASSERT_EQ(client().createTopic("words"), "");
  std::vector<kj::Own<kafka::KafkaClient>> kafkas;
  std::vector<kj::Own<RpcClient>> rpcs;
  for (int i = 0; i < 30; ++i) {
    kafkas.push_back(broker->connectKafka());
    EXPECT_GT(kafkas.back()->call(kafka::MetadataRequest{}, 9).wait(scope())->brokers.size(), 0u);
    rpcs.push_back(broker->connect());
    EXPECT_EQ(rpcs.back()->listTopics(), "words/1") << "the latest one is served";
  }
  broker->awaitKafkaConnections(10);
  broker->awaitConnections(10);
  EXPECT_EQ(broker->kafkaCounts().closedIdle, 20u);
  EXPECT_EQ(broker->rpcCounts().connections.refused, 0u);
  EXPECT_EQ(kafkas[0]->readToEnd().wait(scope()), 0u);
  // Whoever waits for records is not idle.
  auto waiting = readLater(rpcs.back()->partition("words"), 0, {.waitMsMax = 60'000}).eagerlyEvaluate(nullptr);
  broker->awaitWaiting(1);
  for (int i = 0; i < 20; ++i)
    rpcs.push_back(broker->connect());
  broker->awaitConnections(10);
  append(scope(), rpcs.back()->partition("words"), {"a"});
  EXPECT_EQ(waiting.wait(scope()).values.size(), 1u);
  // Those that were closed are of no use any more.
  clients.clear();
}

}  // namespace
}  // namespace cambium
