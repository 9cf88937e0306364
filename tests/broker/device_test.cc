#include <filesystem>

#include "engine/record/batch_builder.h"
#include "server/kafka/wire/all_messages.h"
#include "tests/broker/broker_fixture.h"
#include "tests/support/limited_file_system.h"

// A device that can suddenly not be written, a data directory that goes, and one that comes back without what it held:
// what is refused, what goes on, and what people are told.

namespace cambium {
namespace {

namespace fs = std::filesystem;

constexpr int16_t kKafkaStorageError = 56;

class DeviceTest : public ::testing::TestWithParam<Deployment> {
 public:
  ~DeviceTest() noexcept override = default;

 protected:
  void SetUp() override {
    start(folder.path());
    ASSERT_EQ(client->createTopic("words"), "");
    ASSERT_EQ(append(), "");
  }
  void TearDown() override { stop(); }

  void start(kj::StringPtr path) {
    inner = kj::heap<DiskFileSystem>(path, 256);
    files = kj::heap<LimitedFileSystem>(*inner, uint64_t{1} << 40);
    broker = kj::heap<TestBroker>(io, path, TestBroker::Options{.deployment = GetParam(), .files = *files});
    client = broker->connect();
    kafka = broker->connectKafka();
  }
  void stop() {
    kafka = nullptr;
    client = nullptr;
    broker = nullptr;
  }
  kj::WaitScope& scope() { return io.waitScope; }

  // "" or the refusal.
  std::string append() {
    BatchBuilder builder({});
    builder.add(TimestampMs(1000), nullptr, "word"_kj.asBytes());
    auto request = client->partition("words").appendBatchesRequest();
    request.setBatches(builder.finish());
    return errorOf(request.send().wait(scope()));
  }
  int64_t endOfWhatCanBeRead() { return read(scope(), client->partition("words"), 0, {}).nextOffset; }
  std::string shownReadOnly() {
    return client->broker().infoRequest().send().wait(scope()).getInfo().getDisk().getReadOnly().cStr();
  }

  int16_t createOverKafka(kj::StringPtr name) {
    kafka::CreateTopicsRequest request;
    auto& topic = request.topics.add();
    topic.name = kafka::Text(kj::str(name));
    topic.numPartitions = 1;
    topic.replicationFactor = 1;
    auto answer = kafka->call(request, 7).wait(scope());
    if (answer->topics[0].errorCode == kKafkaStorageError) EXPECT_TRUE(answer->topics[0].errorMessage != nullptr);
    return answer->topics[0].errorCode;
  }
  int16_t deleteOverKafka(kj::StringPtr name) {
    kafka::DeleteTopicsRequest request;
    request.topics.add().name = kafka::Text(kj::str(name));
    return kafka->call(request, 6).wait(scope())->responses[0].errorCode;
  }
  int16_t alterOverKafka(kj::StringPtr name) {
    kafka::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.add();
    resource.resourceType = 2;
    resource.resourceName = kafka::Text(kj::str(name));
    auto& config = resource.configs.add();
    config.name = kafka::Text(kj::str("retention.ms"));
    config.value = kafka::Text(kj::str("60000"));
    return kafka->call(request, 1).wait(scope())->responses[0].errorCode;
  }
  int16_t createByAsking(kj::StringPtr name) {
    kafka::MetadataRequest request;
    request.topics.emplace().add().name = kafka::Text(kj::str(name));
    request.allowAutoTopicCreation = true;
    return kafka->call(request, 9).wait(scope())->topics[0].errorCode;
  }
  void expectChangesRefused() {
    auto end = endOfWhatCanBeRead();
    EXPECT_GE(end, 1);
    EXPECT_EQ(createOverKafka("more"), kKafkaStorageError);
    EXPECT_EQ(createByAsking("asked"), kKafkaStorageError);
    EXPECT_EQ(deleteOverKafka("words"), kKafkaStorageError);
    EXPECT_EQ(alterOverKafka("words"), kKafkaStorageError);
    EXPECT_PRED2(startsWith, client->addPartitions("words", 2), "kafkaStorageError: ");
    EXPECT_EQ(client->listTopics(), "words/1");
    EXPECT_EQ(endOfWhatCanBeRead(), end) << "reads go on";
  }

  // What starting on a copy of the running broker's files, as a killed process leaves them, says after some damage.
  std::string startOnDamaged(const std::function<void(const fs::path&)>& damage) {
    auto copy = copies.path("copy");
    fs::remove_all(copy.cStr());
    fs::copy(folder.path().cStr(), copy.cStr(), fs::copy_options::recursive);
    damage(copy.cStr());
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                  TestBroker other(io, copy, {.deployment = GetParam()});
                  other.stop();
                })) {
      return exception->getDescription().cStr();
    }
    return "";
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder{TemporaryFolder::inMemory()};
  TemporaryFolder copies{TemporaryFolder::inMemory()};
  kj::Own<DiskFileSystem> inner;
  kj::Own<LimitedFileSystem> files;
  kj::Own<TestBroker> broker;
  kj::Own<RpcClient> client;
  kj::Own<kafka::KafkaClient> kafka;
};

TEST_P(DeviceTest, ThatTurnsReadOnlyRefusesChangesAndServesReads) {
  EXPECT_EQ(shownReadOnly(), "");
  files->setReadOnly(true);
  expectChangesRefused();
  EXPECT_PRED2(startsWith, append(), "kafkaStorageError: ");
  EXPECT_PRED2(contains, shownReadOnly(), "read-only");
  files->setReadOnly(false);
  broker->awaitTrue("appends to go on", [this] { return append() == ""; });
  EXPECT_EQ(shownReadOnly(), "");
  EXPECT_EQ(createOverKafka("more"), 0);
  EXPECT_EQ(createByAsking("asked"), 0);
  EXPECT_EQ(alterOverKafka("words"), 0);
  EXPECT_EQ(deleteOverKafka("words"), 0);
}

// Only files that are written through the broker's file layer can be made to fail here.
class FailingDeviceTest : public DeviceTest {
 public:
  ~FailingDeviceTest() noexcept override = default;
};

// Writes fail and the system does not say why.
TEST_P(FailingDeviceTest, IsToldAndServesReads) {
  files->failWrites(true);
  EXPECT_EQ(createOverKafka("more"), kKafkaStorageError);
  expectChangesRefused();
  EXPECT_PRED2(contains, shownReadOnly(), "metadata");
  files->failWrites(false);
}

TEST_P(DeviceTest, WhoseDirectoryGoesIsNoticed) {
  auto elsewhere = kj::str(folder.path(), "-moved");
  fs::rename(folder.path().cStr(), elsewhere.cStr());
  // Until it is noticed the device may say something else.
  broker->awaitTrue("the refusal", [this] { return contains(append(), "was removed or renamed"); });
  expectChangesRefused();
  EXPECT_PRED2(contains, shownReadOnly(), "was removed or renamed");
  fs::create_directory(folder.path().cStr());
  EXPECT_PRED2(contains, append(), "another directory");
  fs::remove(folder.path().cStr());
  fs::rename(elsewhere.cStr(), folder.path().cStr());
  broker->awaitTrue("appends to go on", [this] { return append() == ""; });
}

TEST_P(DeviceTest, ThatLostTheMetadataIsNotServedEmpty) {
  bool isHybrid = GetParam().stateEngine != kj::StringPtr(GetParam().logEngine);
  if (isHybrid) {
    // The store of a broker that never had a topic.
    auto empty = copies.path("empty");
    TestBroker(io, empty, {.deployment = GetParam()}).stop();
    auto told = startOnDamaged([&](const fs::path& copy) {
      fs::remove_all(copy / "rocksdb");
      fs::copy(fs::path(empty.cStr()) / "rocksdb", copy / "rocksdb", fs::copy_options::recursive);
    });
    EXPECT_PRED2(contains, told, "words-0 (native)");
    EXPECT_PRED2(contains, told, "nothing was changed");
  }
  if (GetParam().stateEngine == "rocksdb"_kj) {
    auto newest = [](const fs::path& copy) {
      fs::path found;
      for (auto& entry : fs::directory_iterator(copy / "rocksdb")) {
        if (entry.path().extension() == ".log" && entry.path() > found) found = entry.path();
      }
      return found;
    };
    for (uint64_t part : {0, 1, 2}) {
      auto told = startOnDamaged([&](const fs::path& copy) {
        auto log = newest(copy);
        if (part == 0) {
          fs::remove(log);
        } else {
          fs::resize_file(log, fs::file_size(log) / part / 2);
        }
      });
      EXPECT_PRED2(contains, told, ".log");
      EXPECT_PRED2(contains, told, "nothing was changed");
    }
  }
  EXPECT_EQ(startOnDamaged([](const fs::path&) {}), "");
}

INSTANTIATE_TEST_SUITE_P(Native, FailingDeviceTest, ::testing::Values(Deployment{"native", "native", "native", 1}),
                         [](const auto& info) { return std::string(info.param.name); });
INSTANTIATE_TEST_SUITE_P(Every, DeviceTest,
                         ::testing::Values(Deployment{"native", "native", "native", 1},
                                           Deployment{"rocksdb", "rocksdb", "rocksdb", 2},
                                           Deployment{"hybrid", "native", "rocksdb", 1}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace cambium
