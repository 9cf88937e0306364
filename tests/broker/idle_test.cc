#include <netinet/in.h>
#include <sys/socket.h>

#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <kj/io.h>

#include "tests/broker/broker_fixture.h"
#include "tests/support/allocated_bytes.h"

namespace cambium {
namespace {

// Connections that have asked once and then say nothing. Their clients' ends are plain sockets, which take no memory of
// this process.
class IdleConnectionTest : public BrokerTest {
 public:
  ~IdleConnectionTest() noexcept override = default;

 protected:
  static constexpr int64_t kConnections = 200;

  kj::AutoCloseFd ask(kj::StringPtr address, kj::ArrayPtr<const kj::byte> request) {
    kj::AutoCloseFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto colon = KJ_ASSERT_NONNULL(address.findLast(':'));
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.slice(colon + 1).cStr())));
    KJ_SYSCALL(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)));
    KJ_SYSCALL(send(fd, request.begin(), request.size(), 0));
    kj::byte answer[4096];
    broker->awaitTrue("an answer", [&] { return recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0; });
    return fd;
  }

  void open(kj::Vector<kj::AutoCloseFd>& fds, kj::StringPtr address, kj::ArrayPtr<const kj::byte> request) {
    fds.reserve(kConnections);
    for (int64_t i = 0; i < kConnections; ++i)
      fds.add(ask(address, request));
  }

  // Each costs bytesMax at most, and nothing when it has gone.
  void expectCost(kj::StringPtr address, kj::ArrayPtr<const kj::byte> request, int64_t bytesMax,
                  kj::Function<uint64_t()> connections) {
    auto others = connections();
    auto allGone = [&] { return connections() == others; };
    // The first ones make what the door needs once.
    {
      kj::Vector<kj::AutoCloseFd> fds;
      open(fds, address, request);
    }
    broker->awaitTrue("the first ones to go", allGone);
    auto before = allocatedBytes();
    {
      kj::Vector<kj::AutoCloseFd> fds;
      open(fds, address, request);
      EXPECT_EQ(connections(), others + kConnections);
      auto each = (allocatedBytes() - before) / kConnections;
      EXPECT_LE(each, bytesMax);
      // It is an upper bound of something.
      EXPECT_GT(each, 512);
    }
    broker->awaitTrue("all to go", allGone);
    EXPECT_LT((allocatedBytes() - before) / kConnections, 128);
  }
};
INSTANTIATE_TEST_SUITE_P(Every, IdleConnectionTest, ::testing::Values(kDeployments[0], kDeployments[3]),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(IdleConnectionTest, OneOfTheKafkaDoorCostsLittle) {
  // ApiVersions, version 0, correlation id 1, no client id.
  const kj::byte request[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
  expectCost(broker->kafkaAddress(), request, 8 << 10, [&] { return broker->kafkaCounts().open.load(); });
}

// 9.2 KiB of this are Cap'n Proto's own: its two-party network takes 2.9 KiB, its RPC system 6.3 KiB. The frames of
// coroutines are larger with sanitizers.
TEST_P(IdleConnectionTest, OneOfTheRpcDoorCostsLittle) {
  broker->awaitConnections(clients.size());
  capnp::MallocMessageBuilder builder;
  builder.initRoot<capnp::rpc::Message>().initBootstrap().setQuestionId(0);
  auto request = capnp::messageToFlatArray(builder);
  expectCost(broker->address(), request.asBytes(), 17 << 10,
             [&] { return broker->rpcCounts().connections.open.load(); });
}

}  // namespace
}  // namespace cambium
