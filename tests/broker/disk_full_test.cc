#include <cstdio>
#include <filesystem>

#include "engine/record/batch_builder.h"
#include "tests/broker/broker_fixture.h"
#include "tests/crash/broker_process.h"
#include "tests/support/limited_file_system.h"
#include "tests/support/small_device.h"

// A device of 64 MiB that a producer fills: what is refused, what goes on, and how it ends. Once on a real file system
// of that size, where one can be mounted, and once on one that only says so.

namespace cambium {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kDeviceMiB = 64;
constexpr uint64_t kReserveMiB = 8;
constexpr size_t kBatchBytes = 256 << 10;
constexpr int16_t kKafkaStorageError = 56;

struct Variant {
  Deployment deployment;
  bool mounted;
};

constexpr Deployment kThree[] = {
    {"native", "native", "native", 1}, {"rocksdb", "rocksdb", "rocksdb", 1}, {"hybrid", "native", "rocksdb", 2}};

// Before any thread.
const bool kOwnView = SmallDevice::takeOwnView();

class DiskFullTest : public ::testing::TestWithParam<Variant> {
 public:
  ~DiskFullTest() noexcept override = default;

 protected:
  void SetUp() override {
    if (GetParam().mounted) {
      auto& device = small.emplace(folder.path(), kDeviceMiB);
      KJ_IF_MAYBE(problem, device.problem()) FAIL() << problem->cStr();
      start();
    } else {
      inner = kj::heap<DiskFileSystem>(folder.path(), 256);
      limited = kj::heap<LimitedFileSystem>(*inner, kDeviceMiB * kMiB);
      start();
    }
  }
  void TearDown() override {
    stop();
    process = nullptr;
    small = nullptr;
  }

  void start() {
    TestBroker::Options options{.deployment = GetParam().deployment, .diskReserve = Bytes(kReserveMiB * kMiB)};
    if (limited.get() != nullptr) options.files = *limited;
    broker = kj::heap<TestBroker>(io, folder.path(), options);
    client = broker->connect();
  }
  void stop() {
    client = nullptr;
    broker = nullptr;
  }
  kj::WaitScope& scope() { return io.waitScope; }

  // Everything but what the broker has is taken by somebody else; and given back.
  void fillTheRest() {
    if (limited.get() != nullptr) {
      limited->setCapacity(limited->used());
    } else {
      KJ_ASSERT_NONNULL(small).fill();
    }
  }
  void giveBack() {
    if (limited.get() != nullptr) {
      limited->setCapacity(kDeviceMiB * kMiB);
    } else {
      KJ_ASSERT_NONNULL(small).removeFiller();
    }
  }
  uint64_t freeBytes() {
    return limited.get() != nullptr ? limited->space().free.value()
                                    : DiskFileSystem(folder.path(), 16).space().free.value();
  }

  static kj::Array<kj::byte> batch() {
    BatchBuilder builder({});
    auto value = kj::heapArray<kj::byte>(kBatchBytes);
    memset(value.begin(), 'x', value.size());
    builder.add(TimestampMs(1000), nullptr, ByteView(value));
    return builder.finish();
  }
  // "" or the refusal.
  std::string append(kj::StringPtr topic) {
    auto request = client->partition(topic).appendBatchesRequest();
    request.setBatches(batch());
    return errorOf(request.send().wait(scope()));
  }
  // Appends until it is refused for good: an engine that writes what it holds in memory may make some room once more.
  // How many were taken, and the refusal.
  int64_t fill(kj::StringPtr topic, std::string& refusal) {
    auto& timer = io.provider->getTimer();
    int64_t count = 0;
    for (int refused = 0; refused < 3 && count < 1000;) {
      refusal = append(topic);
      refused = refusal == "" ? 0 : refused + 1;
      if (refused == 0) ++count;
      // Longer than the broker takes to look at the device again.
      if (refused > 0) timer.afterDelay(700 * kj::MILLISECONDS).wait(scope());
    }
    return count;
  }
  int16_t produceOverKafka(kj::StringPtr topic) {
    kafka::ProduceRequest request;
    request.acks = -1;
    request.timeoutMs = 1000;
    auto& wanted = request.topicData.add();
    wanted.name = kafka::Text(kj::str(topic));
    auto& data = wanted.partitionData.add();
    data.index = 0;
    data.records = kafka::Records(batch());
    auto kafka = broker->connectKafka();
    auto answer = kafka->call(request, 9).wait(scope());
    auto& partition = answer.body.responses[0].partitionResponses[0];
    if (partition.errorCode != 0) {
      EXPECT_TRUE(partition.errorMessage != nullptr);
    }
    return partition.errorCode;
  }
  // Offsets that can be read.
  int64_t countRecords(kj::StringPtr topic) {
    int64_t next = 0;
    for (;;) {
      auto some = read(scope(), client->partition(topic), next, {.bytesMax = 4 << 20});
      EXPECT_EQ(some.error, "");
      if (some.error != "" || some.nextOffset == next) return next;
      next = some.nextOffset;
    }
  }
  std::string commit(int64_t offset) {
    auto request = client->group("readers").commitRequest();
    auto list = request.initOffsets(1);
    list[0].setTopic("words");
    list[0].setOffset(offset);
    return errorOf(request.send().wait(scope()));
  }
  std::string deleteRecords(kj::StringPtr topic) {
    auto request = client->partition(topic).deleteRecordsRequest();
    request.setBefore(-1);
    return errorOf(request.send().wait(scope()));
  }
  bool isFull() { return client->broker().infoRequest().send().wait(scope()).getInfo().getDisk().getFull(); }
  // A producer that does not give up is taken again, without anybody's help.
  void expectToResume(kj::StringPtr topic) {
    auto& timer = io.provider->getTimer();
    auto deadline = timer.now() + 20 * kj::SECONDS;
    for (;;) {
      auto refusal = append(topic);
      if (refusal == "") return;
      ASSERT_PRED2(startsWith, refusal, "kafkaStorageError: ");
      ASSERT_TRUE(timer.now() < deadline) << refusal << freeBytes();
      timer.afterDelay(50 * kj::MILLISECONDS).wait(scope());
    }
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TemporaryFolder folder{TemporaryFolder::inMemory()};
  kj::Maybe<SmallDevice> small;
  kj::Own<DiskFileSystem> inner;
  kj::Own<LimitedFileSystem> limited;
  kj::Own<TestBroker> broker;
  kj::Own<RpcClient> client;
  kj::Own<BrokerProcess> process;
};

TEST_P(DiskFullTest, ProducersAreRefusedAndEverythingElseGoesOn) {
  ASSERT_EQ(client->createTopic("words"), "");
  ASSERT_EQ(client->createTopic("others"), "");
  EXPECT_FALSE(isFull());
  std::string refusal;
  auto taken = fill("words", refusal);
  EXPECT_PRED2(startsWith, refusal, "kafkaStorageError: partition words-0: the device of ");
  EXPECT_PRED2(contains, refusal, folder.path().cStr());
  EXPECT_PRED2(contains, refusal, "--disk_reserve_bytes");
  EXPECT_GE(taken, 40) << "10 MiB of 64 at the very least";
  EXPECT_GE(freeBytes(), kReserveMiB * kMiB / 2) << "the reserve is not the producers' to eat";
  EXPECT_TRUE(isFull());
  EXPECT_EQ(produceOverKafka("words"), kKafkaStorageError);

  EXPECT_EQ(countRecords("words"), taken);
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(commit(i), "");
  EXPECT_PRED2(startsWith, client->createTopic("third"), "kafkaStorageError: ");
  EXPECT_PRED2(startsWith, client->addPartitions("words", 2), "kafkaStorageError: ");
  EXPECT_EQ(client->alterTopic("words", {{"retention.ms", "60000"}}), "");
  EXPECT_EQ(client->listTopics(), "__consumer_offsets/8 others/1 words/1");

  EXPECT_EQ(deleteRecords("words"), "");
  expectToResume("others");
  EXPECT_EQ(produceOverKafka("others"), 0);

  fill("words", refusal);
  EXPECT_PRED2(startsWith, refusal, "kafkaStorageError: ");
  EXPECT_EQ(client->deleteTopic("words"), "");
  expectToResume("others");
  EXPECT_FALSE(isFull());
  EXPECT_EQ(client->createTopic("third"), "");
}

// Somebody else takes the rest, to the last byte. The broker stops as it should, starts, serves, deletes.
TEST_P(DiskFullTest, StartsOnADeviceThatIsFullToTheBrim) {
  ASSERT_EQ(client->createTopic("words"), "");
  ASSERT_EQ(client->createTopic("others"), "");
  ASSERT_EQ(append("others"), "");
  ASSERT_EQ(commit(7), "");
  std::string refusal;
  auto taken = fill("words", refusal);
  stop();
  fillTheRest();
  ASSERT_EQ(freeBytes(), 0u);
  start();
  EXPECT_TRUE(isFull());
  EXPECT_EQ(countRecords("words"), taken);
  EXPECT_EQ(countRecords("others"), 1);
  EXPECT_PRED2(startsWith, append("others"), "kafkaStorageError: ");
  EXPECT_EQ(deleteRecords("words"), "");
  EXPECT_EQ(client->deleteTopic("words"), "");
  giveBack();
  expectToResume("others");
  EXPECT_EQ(client->listTopics(), "__consumer_offsets/8 others/1");
}

// The first start has used up the file that was kept for it, and not a byte is left for another one.
TEST_P(DiskFullTest, WithoutTheReserveFileItStartsOrSaysWhy) {
  ASSERT_EQ(client->createTopic("words"), "");
  ASSERT_EQ(append("words"), "");
  stop();
  std::filesystem::remove(folder.path("cambium.reserve").cStr());
  fillTheRest();
  auto failure = kj::runCatchingExceptions([&] { start(); });
  bool needsRoom = GetParam().mounted && kj::StringPtr(GetParam().deployment.stateEngine) == "rocksdb";
  KJ_IF_MAYBE(exception, failure) {
    EXPECT_TRUE(needsRoom) << kj::str(*exception).cStr();
    EXPECT_PRED2(contains, exception->getDescription().cStr(), "the device is full");
  } else {
    EXPECT_FALSE(needsRoom);
    EXPECT_EQ(countRecords("words"), 1);
    EXPECT_PRED2(startsWith, append("words"), "kafkaStorageError: ");
    stop();
  }
  giveBack();
  start();
  expectToResume("words");
  EXPECT_EQ(countRecords("words"), 2);
}

// A process sees only what is really there.
class DiskFullProcessTest : public DiskFullTest {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DiskFullProcessTest);

// The same with a process that is killed in the middle of it.
TEST_P(DiskFullProcessTest, AKilledBrokerStartsOnAFullDevice) {
  stop();
  auto startProcess = [&] {
    auto& deployment = GetParam().deployment;
    process = kj::heap<BrokerProcess>(
        io, CAMBIUMD,
        std::vector<std::string>{std::string("--data_dir=") + folder.path().cStr(), "--rpc_listen=127.0.0.1:0",
                                 "--kafka_listen=", "--http_listen=", kj::str("--disk_reserve_bytes=", 8 << 20).cStr(),
                                 std::string("--log_engine=") + deployment.logEngine,
                                 std::string("--state_engine=") + deployment.stateEngine});
    auto stream = io.provider->getNetwork().parseAddress(process->address()).wait(scope())->connect().wait(scope());
    client = kj::heap<RpcClient>(scope(), kj::mv(stream));
  };
  startProcess();
  ASSERT_EQ(client->createTopic("words"), "");
  // A broker that is new makes its reserve file when it first looks at the device.
  auto reserveFile = folder.path("cambium.reserve");
  std::error_code none;
  while (std::filesystem::file_size(reserveFile.cStr(), none) != size_t{2} << 20)
    io.provider->getTimer().afterDelay(5 * kj::MILLISECONDS).wait(scope());
  std::string refusal;
  auto taken = fill("words", refusal);
  EXPECT_PRED2(contains, refusal, "--disk_reserve_bytes");
  client = nullptr;
  process->kill();
  fillTheRest();
  startProcess();
  EXPECT_EQ(countRecords("words"), taken);
  EXPECT_PRED2(startsWith, append("words"), "kafkaStorageError: ");
  EXPECT_EQ(deleteRecords("words"), "");
  giveBack();
  expectToResume("words");
  client = nullptr;
  EXPECT_EQ(process->terminate(), 0);
}

std::vector<Variant> variants(std::initializer_list<bool> kinds) {
  std::vector<Variant> all;
  for (auto& deployment : kThree) {
    for (bool mounted : kinds) {
      if (mounted && !kOwnView) {
        fprintf(stderr, "nothing may be mounted here: %s runs on a small file system only in appearance\n",
                deployment.name);
      } else {
        all.push_back({deployment, mounted});
      }
    }
  }
  return all;
}
std::string nameOf(const ::testing::TestParamInfo<Variant>& info) {
  return std::string(info.param.deployment.name) + (info.param.mounted ? "Mounted" : "Limited");
}
INSTANTIATE_TEST_SUITE_P(Every, DiskFullTest, ::testing::ValuesIn(variants({false, true})), nameOf);
INSTANTIATE_TEST_SUITE_P(Every, DiskFullProcessTest, ::testing::ValuesIn(variants({true})), nameOf);

}  // namespace
}  // namespace cambium
