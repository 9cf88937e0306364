#include <filesystem>

#include "tests/broker/broker_fixture.h"

// Data directories as older versions left them (tests/fixtures): each version reads them all, and goes on with them.

namespace cambium {
namespace {

namespace fs = std::filesystem;

struct Fixture {
  const char* format;
  Deployment deployment;
};

class FixtureTest : public ::testing::TestWithParam<Fixture> {
 public:
  ~FixtureTest() noexcept override = default;

 protected:
  void SetUp() override {
    auto& fixture = GetParam();
    fs::copy(fs::path(CAMBIUM_FIXTURES) / fixture.format / fixture.deployment.name, folder.path().cStr(),
             fs::copy_options::recursive);
    start();
  }
  void TearDown() override { stop(); }
  void start() {
    broker = kj::heap<TestBroker>(io, folder.path(), TestBroker::Options{.deployment = GetParam().deployment});
    client = broker->connect();
  }
  void stop() {
    client = nullptr;
    broker = nullptr;
  }

  // What fill() of tests/fixtures/make.py produced into each partition of "words".
  static std::vector<std::string> words(size_t from) {
    std::vector<std::string> all;
    for (auto* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
      for (int i = 0; i < 20; ++i)
        all.push_back(kj::str(codec, "-", i, "-", kj::repeat('x', 40)).cStr());
    }
    all.erase(all.begin(), all.begin() + static_cast<long>(from));
    return all;
  }
  int64_t committed(kj::StringPtr topic) {
    auto response = client->group("readers").fetchRequest().send().wait(io.waitScope);
    for (auto one : response.getOffsets())
      if (one.getTopic() == topic) return one.getOffset();
    return -1;
  }
  void expectEverything() {
    EXPECT_EQ(client->listTopics(), "__consumer_offsets/1 events/1 words/2");
    auto whole = read(io.waitScope, client->partition("words", 0), 0);
    EXPECT_EQ(whole.error, "");
    EXPECT_EQ(whole.values, words(0));
    auto shortened = read(io.waitScope, client->partition("words", 1), 30);
    EXPECT_EQ(shortened.error, "");
    EXPECT_EQ(shortened.values, words(30));
    EXPECT_EQ(shortened.logStart, 30);
    EXPECT_EQ(read(io.waitScope, client->partition("events"), 0).values, (std::vector<std::string>{"1", "2", "3"}));
    EXPECT_EQ(committed("events"), 3);
    auto info = client->broker().infoRequest().send().wait(io.waitScope);
    EXPECT_EQ(info.getInfo().getPartitionsOffline(), 0u);
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder{TemporaryFolder::inMemory()};
  kj::Own<TestBroker> broker;
  kj::Own<RpcClient> client;
};

TEST_P(FixtureTest, EverythingIsReadAndTheBrokerGoesOn) {
  expectEverything();
  EXPECT_EQ(append(io.waitScope, client->partition("events"), {"4"}), 3);
  EXPECT_EQ(append(io.waitScope, client->partition("words", 1), {"more"}), 100);
  stop();
  start();
  EXPECT_EQ(read(io.waitScope, client->partition("events"), 3).values, std::vector<std::string>{"4"});
  EXPECT_EQ(read(io.waitScope, client->partition("words", 1), 100).values, std::vector<std::string>{"more"});
  EXPECT_EQ(client->deleteTopic("words"), "");
}

constexpr Fixture kFixtures[] = {
    {"format-1", {"native", "native", "native", 1}},
    {"format-1", {"rocksdb", "rocksdb", "rocksdb", 1}},
};
INSTANTIATE_TEST_SUITE_P(Every, FixtureTest, ::testing::ValuesIn(kFixtures), [](const auto& info) {
  return std::string(info.param.deployment.name) + "_" + std::to_string(info.index);
});

}  // namespace
}  // namespace cambium
