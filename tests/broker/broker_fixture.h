#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <optional>

#include "tests/support/temporary_folder.h"
#include "tests/support/test_broker.h"

namespace cambium {

inline constexpr Deployment kDeployments[] = {
    {"native1", "native", "native", 1}, {"rocksdb1", "rocksdb", "rocksdb", 1}, {"hybrid1", "native", "rocksdb", 1},
    {"native2", "native", "native", 2}, {"rocksdb2", "rocksdb", "rocksdb", 2}, {"hybrid2", "native", "rocksdb", 2},
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// EXPECT_PRED2(startsWith, …) prints both.
inline bool startsWith(const std::string& text, const std::string& prefix) {
  return text.rfind(prefix, 0) == 0;
}

// A broker in a temporary folder, and a client connected to each of its loops. What a loop owns is asked for through
// the other one as well: partitions 0 and 1 of a topic are on different loops when there are two.
class BrokerTest : public ::testing::TestWithParam<Deployment> {
 public:
  ~BrokerTest() noexcept override = default;

 protected:
  void SetUp() override { start(); }
  void TearDown() override {
    disconnect();
    broker = nullptr;
  }

  void start() {
    broker = kj::heap<TestBroker>(io, folder.path(),
                                  TestBroker::Options{.deployment = GetParam(),
                                                      .partitionsMax = partitionsMax,
                                                      .limits = limits,
                                                      .kafkaLimits = kafkaLimits,
                                                      .answers = answers,
                                                      .connectionsPerAddressMax = connectionsPerAddressMax,
                                                      .moveBytesPerSecond = moveBytesPerSecond,
                                                      .retentionCheckMs = retentionCheckMs,
                                                      .cleanerBackoffMs = cleanerBackoffMs,
                                                      .offsetsSegmentBytes = offsetsSegmentBytes,
                                                      .segmentBytesMin = segmentBytesMin,
                                                      .autoCreateBurst = autoCreateBurst,
                                                      .clockShiftMs = &clockShiftMs});
    for (unsigned loop = 0; loop < GetParam().cores; ++loop)
      clients.push_back(broker->connect(loop));
  }
  void disconnect() { clients.clear(); }
  void restart() {
    TearDown();
    start();
  }

  kj::WaitScope& scope() { return io.waitScope; }
  RpcClient& client() { return *clients.front(); }
  // Of another loop than client(), when there are two.
  RpcClient& otherClient() { return *clients.back(); }

  // How a test asks: lets the loop run until `promise` is done.
  template <class T>
  T wait(kj::Promise<T> promise) {
    return promise.wait(io.waitScope);
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder{TemporaryFolder::inMemory()};
  int32_t partitionsMax = 1000;
  RpcLimits limits{};
  SharedBudget::Limits answers{};
  kafka::KafkaLimits kafkaLimits{};
  size_t connectionsPerAddressMax = 10'000;
  int64_t retentionCheckMs = 300'000;
  int64_t cleanerBackoffMs = 15'000;
  int32_t offsetsSegmentBytes = 16 << 20;
  int64_t segmentBytesMin = 1;
  int32_t autoCreateBurst = 1000;
  std::atomic<int64_t> clockShiftMs{0};
  Bytes moveBytesPerSecond{0};
  kj::Own<TestBroker> broker;
  std::vector<kj::Own<RpcClient>> clients;
};

#define CAMBIUM_EVERY_DEPLOYMENT(Suite)                                     \
  INSTANTIATE_TEST_SUITE_P(Every, Suite, ::testing::ValuesIn(kDeployments), \
                           [](const auto& info) { return std::string(info.param.name); })

}  // namespace cambium
