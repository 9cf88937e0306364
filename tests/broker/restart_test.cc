#include <filesystem>
#include <fstream>

#include "engine/record/batch_builder.h"
#include "tests/broker/broker_fixture.h"

namespace cambium {
namespace {

using RestartTest = BrokerTest;
CAMBIUM_EVERY_DEPLOYMENT(RestartTest);

std::string startFailure(kj::AsyncIoContext& io, kj::StringPtr folder, Deployment deployment) {
  auto failure = kj::runCatchingExceptions([&] { TestBroker broker(io, folder, {.deployment = deployment}); });
  KJ_IF_MAYBE(exception, failure) return exception->getDescription().cStr();
  return "";
}

TEST_P(RestartTest, EverythingAcknowledgedIsThereAgain) {
  ASSERT_EQ(client().createTopic("words", 4, {{"durability", "os"}}), "");
  for (int index = 0; index < 4; ++index)
    append(scope(), client().partition("words", index), {"a", "b"});
  std::string id = client().broker().infoRequest().send().wait(scope()).getInfo().getClusterId().cStr();
  restart();
  for (int index = 0; index < 4; ++index) {
    auto all = read(scope(), otherClient().partition("words", index), 0);
    EXPECT_EQ(all.values, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(append(scope(), client().partition("words", index), {"c"}), 2);
  }
  auto response = otherClient().broker().infoRequest().send().wait(scope());
  auto info = response.getInfo();
  EXPECT_EQ(info.getClusterId(), id.c_str());
  EXPECT_EQ(info.getCores(), GetParam().cores);
  EXPECT_EQ(info.getLogEngine(), GetParam().logEngine);
  EXPECT_EQ(info.getStateEngine(), GetParam().stateEngine);
}

// Partitions may move between loops when their number changes.
TEST_P(RestartTest, AnotherNumberOfLoopsServesTheSameData) {
  ASSERT_EQ(client().createTopic("words", 3), "");
  for (int index = 0; index < 3; ++index)
    append(scope(), client().partition("words", index), {"a"});
  disconnect();
  broker = nullptr;
  auto deployment = GetParam();
  deployment.cores = 3 - deployment.cores;
  broker = kj::heap<TestBroker>(io, folder.path(), TestBroker::Options{.deployment = deployment});
  clients.push_back(broker->connect());
  for (int index = 0; index < 3; ++index)
    EXPECT_EQ(append(scope(), client().partition("words", index), {"b"}), 1);
}

TEST_P(RestartTest, AStopAnswersWhoAppendsAndKeepsWhatWasAnswered) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  std::vector<int> answered(2, 0);
  kj::Vector<kj::Promise<void>> appending;
  // Each client goes on appending to a partition of the loop that is not its own, until it is cut.
  for (int index = 0; index < 2; ++index) {
    auto partition = clients[static_cast<size_t>(index) % clients.size()]->partition("words", 1 - index);
    struct Pump {
      static kj::Promise<void> run(rpc::Partition::Client partition, int& answered) {
        return appendLater(partition, {std::to_string(answered)}).then([partition, &answered](int64_t offset) mutable {
          EXPECT_EQ(offset, answered);
          ++answered;
          return run(kj::mv(partition), answered);
        });
      }
    };
    appending.add(Pump::run(partition, answered[static_cast<size_t>(1 - index)]).catch_([](kj::Exception&& e) {
      EXPECT_EQ(e.getType(), kj::Exception::Type::DISCONNECTED) << e.getDescription().cStr();
    }));
  }
  auto all = kj::joinPromises(appending.releaseAsArray()).eagerlyEvaluate(nullptr);
  while (answered[0] < 20 || answered[1] < 20)
    read(scope(), client().partition("words"), 0);
  wait(broker->stopLater());
  wait(kj::mv(all));
  clients.clear();
  broker = nullptr;
  start();
  for (int index = 0; index < 2; ++index) {
    auto kept = read(scope(), client().partition("words", index), 0);
    int known = answered[static_cast<size_t>(index)];
    ASSERT_GE(static_cast<int>(kept.values.size()), known);
    for (int i = 0; i < known; ++i)
      ASSERT_EQ(kept.values[static_cast<size_t>(i)], std::to_string(i));
  }
}

TEST_P(RestartTest, AStopDoesNotWaitForReaders) {
  ASSERT_EQ(client().createTopic("words", 2), "");
  auto one = readLater(client().partition("words", 0), 0, {.waitMsMax = 300'000});
  auto two = readLater(client().partition("words", 1), 0, {.waitMsMax = 300'000});
  broker->awaitWaiting(2);
  wait(broker->stopLater());
  for (auto* reading : {&one, &two}) {
    auto failure = kj::runCatchingExceptions([&] { wait(kj::mv(*reading)); });
    EXPECT_EQ(KJ_ASSERT_NONNULL(failure).getType(), kj::Exception::Type::DISCONNECTED)
        << "not an answer that looks as if the topic was gone";
  }
}

TEST_P(RestartTest, AStopInTheMiddleOfChangesComesToItsEnd) {
  kj::Vector<kj::Promise<void>> changing;
  for (int i = 0; i < 12; ++i) {
    auto request = clients[static_cast<size_t>(i) % clients.size()]->admin().createTopicRequest();
    request.setName(kj::str("topic", i));
    request.setPartitions(8);
    changing.add(request.send().ignoreResult().catch_([](kj::Exception&&) {}));
    if (i % 3 != 2) continue;
    auto removal = otherClient().admin().deleteTopicRequest();
    removal.setName(kj::str("topic", i - 1));
    changing.add(removal.send().ignoreResult().catch_([](kj::Exception&&) {}));
  }
  auto all = kj::joinPromises(changing.releaseAsArray()).eagerlyEvaluate(nullptr);
  for (int turn = 0; turn < 20; ++turn)
    wait(kj::evalLater([] {}));
  wait(broker->stopLater());
  wait(kj::mv(all));
  clients.clear();
  broker = nullptr;
  start();
  EXPECT_EQ(broker->total().partitionsOffline, 0u);
  for (int i = 0; i < 12; ++i) {
    auto made = client().createTopic(kj::str("topic", i), 8);
    EXPECT_TRUE(made == "" || startsWith(made, "topicAlreadyExists")) << made;
    EXPECT_EQ(append(scope(), client().partition(kj::str("topic", i), 7), {"a"}), 0);
  }
}

// A signal may come at any moment of the start.
TEST_P(RestartTest, AStartThatIsDroppedHalfWayStopsCleanly) {
  ASSERT_EQ(client().createTopic("words", 40), "");
  append(scope(), client().partition("words", 39), {"a"});
  for (unsigned turns : {0u, 1u, 2u, 5u, 10u, 20u, 40u, 80u, 160u}) {
    disconnect();
    broker = nullptr;
    {
      TestBroker dropped(io, folder.path(), {.deployment = GetParam(), .startTurnsMax = turns});
    }
  }
  start();
  EXPECT_EQ(broker->total().partitionsOffline, 0u);
  EXPECT_EQ(read(scope(), client().partition("words", 39), 0).values, std::vector<std::string>{"a"});
}

TEST_P(RestartTest, ASecondBrokerOnTheSameFolderIsRefused) {
  EXPECT_PRED2(contains, startFailure(io, folder.path(), GetParam()), "is in use by another broker");
}

TEST_P(RestartTest, AFolderThatIsNotUnderstoodIsLeftAlone) {
  ASSERT_EQ(client().createTopic("words"), "");
  append(scope(), client().partition("words"), {"a"});
  disconnect();
  broker = nullptr;
  auto file = folder.path("cambium.properties");
  std::string good;
  std::getline(std::ifstream(file.cStr()), good, '\0');
  auto with = [&](const std::string& text) {
    std::ofstream(file.cStr(), std::ios::trunc) << text;
    return startFailure(io, folder.path(), GetParam());
  };
  EXPECT_PRED2(contains, with("format=9\n" + good.substr(good.find('\n') + 1)), "data format 9 is not known");
  EXPECT_PRED2(contains, with(""), "there is no line format=");
  EXPECT_PRED2(contains, with("format=1\n"), "there is no line cluster.id=");
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_PRED2(contains, with(good.substr(0, size)), "cambium.properties") << size;
  for (size_t bit = 0; bit < good.size() * 8; bit += 3) {
    auto flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_PRED2(contains, with(flipped), "cambium.properties") << bit;
  }
  auto other = GetParam();
  other.stateEngine = kj::StringPtr(other.stateEngine) == "native" ? "rocksdb" : "native";
  std::ofstream(file.cStr(), std::ios::trunc) << good;
  EXPECT_PRED2(contains, startFailure(io, folder.path(), other),
               std::string("start with --state_engine=") + GetParam().stateEngine);
  std::filesystem::remove(file.cStr());
  EXPECT_PRED2(contains, startFailure(io, folder.path(), GetParam()), "put that file back");
  // As a version without a checksum wrote it, or a person does.
  auto lines = good.substr(0, good.find("engines="));
  std::ofstream(file.cStr(), std::ios::trunc) << "format=1" + lines.substr(lines.find('\n'));
  start();
  EXPECT_EQ(read(scope(), client().partition("words"), 0).values, std::vector<std::string>{"a"});
  std::string again;
  std::getline(std::ifstream(file.cStr()), again, '\0');
  EXPECT_EQ(again, good);
}

TEST_P(RestartTest, AnEnginesFolderThatIsGoneIsMissed) {
  ASSERT_EQ(client().createTopic("words"), "");
  append(scope(), client().partition("words"), {"a"});
  disconnect();
  broker = nullptr;
  auto store = folder.path(GetParam().stateEngine);
  for (bool empty : {false, true}) {
    std::filesystem::remove_all(store.cStr());
    if (empty) std::filesystem::create_directory(store.cStr());
    EXPECT_PRED2(contains, startFailure(io, folder.path(), GetParam()), "is gone or empty");
  }
}

// Damage before the durable point of one log: that partition says so, everything else serves, and nothing is removed.
TEST_P(RestartTest, ADamagedLogIsOfflineAlone) {
  ASSERT_EQ(client().createTopic("words", 2, {{"storage.engine", "native"}}), "");
  for (int index = 0; index < 2; ++index) {
    append(scope(), client().partition("words", index), {std::string(1000, 'a')});
    append(scope(), client().partition("words", index), {std::string(1000, 'b')});
  }
  disconnect();
  broker = nullptr;
  auto segment = folder.path("native/words-0/00000000000000000000.log");
  ASSERT_TRUE(std::filesystem::exists(segment.cStr()));
  auto size = std::filesystem::file_size(segment.cStr());
  {
    std::fstream file(segment.cStr(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(300);
    file.put('!');
  }
  start();
  auto damaged = client().partition("words", 0);
  EXPECT_EQ(append(scope(), client().partition("words", 1), {"c"}), 2);
  // A clean stop is believed: the damage shows when the batch is read.
  EXPECT_PRED2(startsWith, read(scope(), damaged, 0).error, "kafkaStorageError: partition words-0 is offline: ");
  auto refused = kj::runCatchingExceptions([&] { append(scope(), damaged, {"c"}); });
  EXPECT_PRED2(contains, KJ_ASSERT_NONNULL(refused).getDescription().cStr(), "is offline");
  auto described = otherClient().topic("words").describeRequest().send().wait(scope());
  auto partitions = described.getTopic().getPartitions();
  EXPECT_PRED2(contains, describe(partitions[0].getError()), "kafkaStorageError: ");
  EXPECT_FALSE(partitions[1].hasError());
  EXPECT_EQ(broker->total().partitionsOffline, 1u);
  EXPECT_EQ(read(scope(), otherClient().partition("words", 1), 2).values, std::vector<std::string>{"c"});
  EXPECT_EQ(std::filesystem::file_size(segment.cStr()), size);
}

// Which logs there are does not depend on the logs: one that is gone is missed, never begun anew.
TEST_P(RestartTest, ALogThatIsGoneIsOfflineAlone) {
  ASSERT_EQ(client().createTopic("words", 2, {{"storage.engine", "native"}}), "");
  for (int index = 0; index < 2; ++index)
    append(scope(), client().partition("words", index), {"a"});
  disconnect();
  broker = nullptr;
  auto log = folder.path("native/words-1");
  std::filesystem::rename(log.cStr(), folder.path("kept").cStr());
  for (int round = 0; round < 2; ++round) {
    start();
    EXPECT_EQ(broker->total().partitionsOffline, 1u);
    auto error = read(scope(), client().partition("words", 1), 0).error;
    EXPECT_PRED2(startsWith, error, "kafkaStorageError: partition words-1 is offline: ");
    EXPECT_PRED2(contains, error, "native/words-1");
    EXPECT_PRED2(contains, error, "cambium inspect repair");
    EXPECT_EQ(append(scope(), client().partition("words", 0), {"b"}), 1 + round);
    disconnect();
    broker = nullptr;
    EXPECT_FALSE(std::filesystem::exists(log.cStr()));
  }
  std::filesystem::rename(folder.path("kept").cStr(), log.cStr());
  start();
  EXPECT_EQ(read(scope(), client().partition("words", 1), 0).values, std::vector<std::string>{"a"});
}

TEST_P(RestartTest, ALogThatCannotBeOpenedIsOfflineAlone) {
  ASSERT_EQ(client().createTopic("words", 2, {{"storage.engine", "native"}}), "");
  for (int index = 0; index < 2; ++index)
    append(scope(), client().partition("words", index), {"a"});
  disconnect();
  broker = nullptr;
  // A folder where a file should be.
  auto segment = folder.path("native/words-1/00000000000000000000.log");
  std::filesystem::rename(segment.cStr(), folder.path("kept").cStr());
  std::filesystem::create_directory(segment.cStr());
  start();
  EXPECT_EQ(broker->total().partitionsOffline, 1u);
  EXPECT_PRED2(startsWith, read(scope(), client().partition("words", 1), 0).error,
               "kafkaStorageError: partition words-1 is offline: ");
  EXPECT_EQ(append(scope(), client().partition("words", 0), {"b"}), 1);
  disconnect();
  broker = nullptr;
  std::filesystem::remove(segment.cStr());
  std::filesystem::rename(folder.path("kept").cStr(), segment.cStr());
  start();
  EXPECT_EQ(read(scope(), client().partition("words", 1), 0).values, std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace cambium
