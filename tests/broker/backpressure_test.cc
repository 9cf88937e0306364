#include <sys/socket.h>

#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

// A stream whose user does not read while it is shut.
class GatedStream final : public kj::AsyncIoStream {
 public:
  GatedStream(kj::Own<kj::AsyncIoStream> inner, kj::ForkedPromise<void>& open) : inner_(kj::mv(inner)), open_(open) {}

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override {
    if (*shut)
      return open_.addBranch().then(
          [this, buffer, minBytes, maxBytes] { return inner_->tryRead(buffer, minBytes, maxBytes); });
    return inner_->tryRead(buffer, minBytes, maxBytes);
  }
  kj::Promise<void> write(const void* buffer, size_t size) override { return inner_->write(buffer, size); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return inner_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }

  std::shared_ptr<bool> shut = std::make_shared<bool>(false);

 private:
  kj::Own<kj::AsyncIoStream> inner_;
  kj::ForkedPromise<void>& open_;
};

// Clients that ask for much and take nothing: what the broker holds for them is bounded.
class BackpressureTest : public BrokerTest {
 public:
  ~BackpressureTest() noexcept override = default;

 protected:
  static constexpr size_t kBatch = 1 << 20;
  static constexpr uint64_t kAsked = 100;
  // What the limit lets through, and what lies in the buffers of the system.
  static constexpr uint64_t kHeldMax = 40;

  void SetUp() override {
    limits.unsentBytesMax = mebibytes(8);
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words", 2, {{"max.message.bytes", "2000000"}}), "");
    for (int index = 0; index < 2; ++index)
      append(scope(), client().partition("words", index), {std::string(kBatch / 2, 'x')});  // and as many in the key
    auto address = io.provider->getNetwork().parseAddress(broker->address()).wait(scope());
    auto stream = kj::heap<GatedStream>(address->connect().wait(scope()), open_);
    shut_ = stream->shut;
    greedy = kj::heap<RpcClient>(scope(), kj::mv(stream));
  }
  void TearDown() override {
    greedy = nullptr;
    BrokerTest::TearDown();
  }
  void stopReading() { *shut_ = true; }
  void readOn() {
    *shut_ = false;
    opener_.fulfiller->fulfill();
  }
  kj::Promise<void> askFor(rpc::Partition::Client partition, uint32_t waitMsMax) {
    auto request = partition.readRequest();
    request.initRequest().setWaitMsMax(waitMsMax);
    return request.send().then([this](auto&& response) {
      if (!response.hasError() && response.getChunk().getBatches().size() > kBatch) ++answered;
    });
  }
  void askForMuch(kj::Vector<kj::Promise<void>>& asked, uint32_t waitMsMax) {
    auto first = greedy->partition("words", 0), second = greedy->partition("words", 1);
    stopReading();
    for (uint64_t i = 0; i < kAsked; ++i)
      asked.add(askFor(i % 2 == 0 ? first : second, waitMsMax).eagerlyEvaluate(nullptr));
  }
  uint64_t readsDone() { return broker->total().gone.reads; }
  // Until no more is read: what is asked of the broker meanwhile gives it the time.
  uint64_t settledReads() {
    uint64_t before = 0;
    for (int quiet = 0; quiet < 100;) {
      io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(scope());
      uint64_t now = readsDone();
      quiet = now == before && now > 0 ? quiet + 1 : 0;
      before = now;
    }
    return before;
  }

  kj::PromiseFulfillerPair<void> opener_ = kj::newPromiseAndFulfiller<void>();
  kj::ForkedPromise<void> open_ = opener_.promise.fork();
  std::shared_ptr<bool> shut_;
  kj::Own<RpcClient> greedy;
  uint64_t answered = 0;
};
CAMBIUM_EVERY_DEPLOYMENT(BackpressureTest);

TEST_P(BackpressureTest, AnswersThatNobodyTakesAreBounded) {
  kj::Vector<kj::Promise<void>> asked;
  askForMuch(asked, 0);
  EXPECT_LE(settledReads(), kHeldMax);
  EXPECT_EQ(answered, 0u);
  EXPECT_EQ(read(scope(), otherClient().partition("words"), 0, {.bytesMax = 1}).values.size(), 1u) << "others go on";
  readOn();
  for (auto& one : asked)
    one.wait(scope());
  EXPECT_EQ(answered, kAsked);
}

TEST_P(BackpressureTest, LongPollsGoOnWhenTheClientReads) {
  kj::Vector<kj::Promise<void>> asked;
  askForMuch(asked, 60'000);
  settledReads();
  readOn();
  for (auto& one : asked)
    one.wait(scope());
  EXPECT_EQ(answered, kAsked);
}

// What waits for room can be given up; the connection is as good as before.
TEST_P(BackpressureTest, WaitsForRoomAreDropped) {
  auto partition = greedy->partition("words");
  kj::Vector<kj::Promise<void>> asked;
  askForMuch(asked, 0);
  settledReads();
  asked.clear();
  readOn();
  for (uint64_t i = 0; i < 20; ++i)
    askFor(partition, 0).wait(scope());
  EXPECT_EQ(answered, 20u);
  EXPECT_LT(readsDone(), kAsked + 20) << "nobody read for those who gave up";
}

TEST_P(BackpressureTest, WaitsForRoomEndWithTheConnection) {
  kj::Vector<kj::Promise<void>> asked;
  askForMuch(asked, 0);
  auto done = settledReads();
  greedy = nullptr;
  broker->awaitConnections(clients.size());
  EXPECT_LE(readsDone(), done);
}

// A client that takes nothing of its answers while others wait for their room is cut off.
class OverdueClientTest : public BackpressureTest {
 public:
  ~OverdueClientTest() noexcept override = default;

 protected:
  OverdueClientTest() {
    answers = {.all = mebibytes(8), .perAddress = mebibytes(4)};
    limits.pressedUntakenMsMax = 100;
  }
};
CAMBIUM_EVERY_DEPLOYMENT(OverdueClientTest);

TEST_P(OverdueClientTest, GivesItsRoomToOthers) {
  kj::Vector<kj::Promise<void>> asked;
  askForMuch(asked, 0);
  broker->awaitConnections(clients.size());
  EXPECT_EQ(answered, 0u);
  EXPECT_EQ(read(scope(), otherClient().partition("words"), 0, {.bytesMax = 1}).values.size(), 1u);
  asked.clear();
  greedy = nullptr;
  broker->awaitTrue("all room is given back", [&] { return broker->answers().held() == Bytes(0); });
}

// The requests of all clients together are bounded as well: a large one waits while another one is under way, and small
// ones go on.
class RequestRoomTest : public BrokerTest {
 public:
  ~RequestRoomTest() noexcept override = default;

 protected:
  static constexpr size_t kLarge = 1'500'000;

  void SetUp() override {
    limits.requestBytesMax = mebibytes(4);
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words", 1, {{"max.message.bytes", "2000000"}}), "");
  }
};
CAMBIUM_EVERY_DEPLOYMENT(RequestRoomTest);

TEST_P(RequestRoomTest, LargeRequestsWaitForTheirRoom) {
  auto partition = client().partition("words");
  auto slow = io.provider->getNetwork().parseAddress(broker->address()).wait(scope())->connect().wait(scope());
  int size = 16 << 10;
  slow->setsockopt(SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  // A message of one segment, all but its last byte: far more than the system takes for a server that does not read.
  uint32_t head[2] = {0, kLarge / sizeof(uint64_t)};
  slow->write(head, sizeof(head)).wait(scope());
  auto body = kj::heapArray<kj::byte>(kLarge / sizeof(uint64_t) * sizeof(uint64_t) - 1);
  memset(body.begin(), 0, body.size());
  slow->write(body.begin(), body.size()).wait(scope());

  auto large = appendLater(partition, {std::string(kLarge / 2, 'x')}).eagerlyEvaluate(nullptr);  // and its key
  auto fresh = broker->connect();
  for (int i = 0; i < 50; ++i)
    read(scope(), fresh->partition("words"), 0);
  EXPECT_EQ(append(scope(), fresh->partition("words"), {"small"}), 0);
  EXPECT_FALSE(large.poll(scope()));
  slow = nullptr;
  EXPECT_EQ(large.wait(scope()), 1);
}

}  // namespace
}  // namespace cambium
