#include <gtest/gtest.h>
#include <sys/resource.h>

#include "engine/record/batch_builder.h"
#include "tests/crash/broker_process.h"
#include "tests/support/kafka_client.h"
#include "tests/support/rpc_client.h"
#include "tests/support/temporary_folder.h"

// A broker that has few file descriptors, more segments than that, and more clients than that: a client that asks for
// something is served, the crowd that asks for nothing is not kept, and nothing fails for want of a descriptor.

namespace cambium {
namespace {

constexpr int kSegments = 300;
constexpr int kConnections = 500;

struct Engines {
  const char* log;
  const char* state;
};

class DescriptorTest : public ::testing::TestWithParam<Engines> {
 public:
  ~DescriptorTest() noexcept override = default;

 protected:
  void SetUp() override {
    // This process needs more of them than the other one.
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    ASSERT_GE(limit.rlim_max, kConnections + 100u) << "the test itself needs more descriptors than it may have";
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    auto command = kj::str("ulimit -n 128; exec ", CAMBIUMD, " --data_dir=", folder.path(),
                           " --rpc_listen=127.0.0.1:0 --kafka_listen=127.0.0.1:0 --http_listen=127.0.0.1:0",
                           " --disk_reserve_bytes=0 --segment_bytes_min=14 --log_engine=", GetParam().log,
                           " --state_engine=", GetParam().state);
    broker = kj::heap<BrokerProcess>(io, "/bin/sh", std::vector<std::string>{"-c", command.cStr()});
  }

  kj::Own<kj::AsyncIoStream> connect(kj::StringPtr address) {
    return io.provider->getNetwork().parseAddress(address).wait(scope())->connect().wait(scope());
  }
  kj::WaitScope& scope() { return io.waitScope; }

  std::string append(RpcClient& client) {
    BatchBuilder builder({});
    auto value = kj::heapArray<kj::byte>(20'000);
    memset(value.begin(), 'x', value.size());
    builder.add(TimestampMs(1000), nullptr, ByteView(value));
    auto request = client.partition("words").appendBatchesRequest();
    request.setBatches(builder.finish());
    return errorOf(request.send().wait(scope()));
  }
  int64_t readAll(RpcClient& client) {
    int64_t next = 0;
    for (;;) {
      auto some = read(scope(), client.partition("words"), next);
      EXPECT_EQ(some.error, "");
      if (some.error != "" || some.nextOffset == next) return next;
      next = some.nextOffset;
    }
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder{TemporaryFolder::inMemory()};
  kj::Own<BrokerProcess> broker;
};

TEST_P(DescriptorTest, ACrowdPushesNobodyOutAndLogsWorkOn) {
  auto client = kj::heap<RpcClient>(scope(), connect(broker->address()));
  ASSERT_EQ(client->createTopic("words", 1, {{"segment.bytes", "16384"}}), "");
  for (int i = 0; i < kSegments; ++i)
    ASSERT_EQ(append(*client), "");

  {
    kj::Vector<kj::Own<kj::AsyncIoStream>> crowd;
    auto kafka = broker->address("Kafka");
    auto http = broker->address("HTTP");
    for (int i = 0; i < kConnections; ++i)
      crowd.add(connect(i % 5 == 0 ? http.asPtr() : i % 2 == 0 ? kafka.asPtr() : broker->address()));
    // Whoever is in is served, whatever files that takes.
    EXPECT_EQ(readAll(*client), kSegments);
    EXPECT_EQ(append(*client), "");
    EXPECT_EQ(client->createTopic("others", 4), "");
    EXPECT_EQ(readAll(*client), kSegments + 1);
  }
  // The crowd has gone; who comes now is let in.
  RpcClient later(scope(), connect(broker->address()));
  EXPECT_EQ(later.listTopics(), "others/4 words/1");
  EXPECT_EQ(append(later), "");
  auto page = connect(broker->address("HTTP"));
  auto asked = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"_kj;
  page->write(asked.begin(), asked.size()).wait(scope());
  auto answer = page->readAllText().wait(scope());
  EXPECT_TRUE(answer.startsWith("HTTP/1.1 200 OK")) << answer.cStr();
  client = nullptr;
}

// Some clients compare the name that they are told with the one that they connected to.
TEST_P(DescriptorTest, TheNameInAListenersAddressIsTheNameThatClientsAreTold) {
  broker = nullptr;
  broker = kj::heap<BrokerProcess>(
      io, CAMBIUMD,
      std::vector<std::string>{kj::str("--data_dir=", folder.path()).cStr(), "--rpc_listen=127.0.0.1:0",
                               "--kafka_listen=localhost:0",
                               "--http_listen=", kj::str("--log_engine=", GetParam().log).cStr(),
                               kj::str("--state_engine=", GetParam().state).cStr()});
  auto address = broker->address("Kafka");
  EXPECT_TRUE(address.startsWith("localhost:")) << address.cStr();
  kafka::KafkaClient client(connect(address));
  auto told = client.call(kafka::MetadataRequest{}, 9).wait(scope());
  ASSERT_EQ(told->brokers.size(), 1u);
  EXPECT_STREQ(address.cStr(), kj::str(told->brokers[0].host.str().c_str(), ":", told->brokers[0].port).cStr());
}

INSTANTIATE_TEST_SUITE_P(Every, DescriptorTest,
                         ::testing::Values(Engines{"native", "native"}, Engines{"native", "rocksdb"},
                                           Engines{"rocksdb", "rocksdb"}),
                         [](const auto& info) { return std::string(info.param.log) + "_" + info.param.state; });

}  // namespace
}  // namespace cambium
