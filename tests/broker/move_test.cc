#include "tests/broker/kafka_fixture.h"

namespace cambium {
namespace {

using kafka::IncrementalAlterConfigsRequest;
using kafka::kKafkaDeployments;

// Topics on their way from one engine to the other, in a whole broker.
class MoveTest : public kafka::KafkaTest {
 public:
  ~MoveTest() noexcept override = default;

 protected:
  kj::StringPtr from() { return GetParam().logEngine; }
  kj::StringPtr to() { return from() == "native" ? "rocksdb"_kj : "native"_kj; }

  // "native, native": of so many partitions.
  static std::string allIn(kj::StringPtr engine, int partitions) {
    kj::Vector<kj::StringPtr> each;
    for (int i = 0; i < partitions; ++i)
      each.add(engine);
    return kj::strArray(each, ", ").cStr();
  }
  void awaitAllIn(kj::StringPtr engine, int partitions = 2) {
    for (auto& each : clients)
      broker->awaitTrue("the topic is in its engine",
                        [&] { return each->whereIs("words") == allIn(engine, partitions); });
  }
  // Batches larger than a slice, so that a copy of them takes its time when it is slow.
  void fill(int batches) {
    for (int i = 0; i < batches; ++i) {
      for (int index = 0; index < 2; ++index)
        append(scope(), client().partition("words", index), {std::string(300'000, static_cast<char>('a' + i))});
    }
  }
  // The values, shortened, from the log's start to its end.
  std::string all(int index) {
    std::string text;
    auto partition = otherClient().partition("words", index);
    auto next = wait(broker->local().status({idOf("words"), index})).value().logStart.value();
    for (;;) {
      auto piece = read(scope(), partition, next);
      if (!piece.error.empty()) return piece.error;
      if (piece.nextOffset == next) return text;
      for (auto& value : piece.values)
        text += value.substr(0, 4) + " ";
      next = piece.nextOffset;
    }
  }
  bool engineHolds(kj::StringPtr kind, kj::StringPtr log) {
    for (auto* engine : broker->local().engines()) {
      if (engine->name() != kind) continue;
      for (auto& id : engine->list())
        if (id.name == log) return true;
    }
    return false;
  }
  void restartAll() {
    restart();
    for (unsigned loop = 0; loop < GetParam().cores; ++loop)
      kafkas.push_back(broker->connectKafka(loop));
  }
  void restartWithPace(Bytes bytesPerSecond) {
    moveBytesPerSecond = bytesPerSecond;
    restartAll();
  }
  // Appends numbers to one partition, one after the other, until it is told to stop.
  kj::Promise<void> pump(rpc::Partition::Client partition, int& next) {
    if (stopProducing) return kj::READY_NOW;
    return appendLater(partition, {std::to_string(next)}).then([this, partition, &next](int64_t offset) mutable {
      EXPECT_EQ(offset, next);
      ++next;
      return pump(kj::mv(partition), next);
    });
  }
  kj::Promise<void> pumpKafka(kafka::KafkaClient& connection, int32_t index, int& next) {
    if (stopProducing) return kj::READY_NOW;
    auto value = std::to_string(next);
    auto batch = batchOf({value.c_str()}, {.producerId = 70 + index, .producerEpoch = 0, .baseSequence = next});
    return connection.call(produceOf("words", index, kj::mv(batch)), 11)
        .then([this, &connection, index, &next](kafka::Answer<kafka::ProduceResponse> answer) {
          EXPECT_EQ(produced(answer.body), (Produced{0, next}));
          ++next;
          return pumpKafka(connection, index, next);
        });
  }
  // Reads numbers as they come.
  kj::Promise<void> consume(rpc::Partition::Client partition, int& seen) {
    return readLater(partition, seen, {.waitMsMax = 50}).then([this, partition, &seen](ReadResult piece) mutable {
      EXPECT_EQ(piece.error, "");
      for (auto& value : piece.values)
        EXPECT_EQ(value, std::to_string(seen++));
      if (stopConsuming) return kj::Promise<void>(kj::READY_NOW);
      return consume(kj::mv(partition), seen);
    });
  }

  bool stopProducing = false, stopConsuming = false;
};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(MoveTest);

TEST_P(MoveTest, ThereAndBackWhileProducersAndConsumersGoOn) {
  createTopic("words", 4);
  int sent[4] = {}, seen[4] = {};
  kj::Vector<kj::Promise<void>> working, reading;
  for (int index = 0; index < 4; ++index) {
    auto number = static_cast<size_t>(index);
    auto& at = clients[number % clients.size()];
    if (index < 2) {
      working.add(pump(at->partition("words", index), sent[number]));
    } else {
      working.add(pumpKafka(*kafkas[number % kafkas.size()], index, sent[number]));
    }
    reading.add(consume(otherClient().partition("words", index), seen[number]));
  }
  auto allWork = kj::joinPromises(working.releaseAsArray()).eagerlyEvaluate(nullptr);
  auto allReading = kj::joinPromises(reading.releaseAsArray()).eagerlyEvaluate(nullptr);
  auto haveSent = [&](int more) {
    auto before = sent[0] + sent[1] + sent[2] + sent[3];
    broker->awaitTrue("producers go on", [&] { return sent[0] + sent[1] + sent[2] + sent[3] >= before + more; });
  };
  haveSent(100);
  for (auto engine : {to(), from(), to()}) {
    ASSERT_EQ(otherClient().moveTopic("words", engine), "");
    awaitAllIn(engine, 4);
    haveSent(100);
  }
  stopProducing = true;
  wait(kj::mv(allWork));
  broker->awaitTrue("consumers have seen all", [&] {
    for (int i = 0; i < 4; ++i)
      if (seen[i] != sent[i]) return false;
    return true;
  });
  stopConsuming = true;
  wait(kj::mv(allReading));
  EXPECT_FALSE(engineHolds(from(), "words-0")) << "what was moved from is removed";
  EXPECT_TRUE(engineHolds(to(), "words-0"));

  restartAll();
  EXPECT_EQ(client().whereIs("words"), allIn(to(), 4));
  for (int index = 0; index < 4; ++index) {
    std::string expected;
    for (int i = 0; i < sent[index]; ++i)
      expected += std::to_string(i).substr(0, 4) + " ";
    EXPECT_EQ(all(index), expected);
  }
  // What the broker knows of the idempotent producers came along.
  for (int index = 2; index < 4; ++index) {
    int last = sent[index] - 1;
    auto again =
        batchOf({std::to_string(last).c_str()}, {.producerId = 70 + index, .producerEpoch = 0, .baseSequence = last});
    EXPECT_EQ(produce("words", index, kj::mv(again)), (Produced{0, last}));
  }
}

TEST_P(MoveTest, LogStartTimestampsAndConfigsStay) {
  createTopic("words", 2, {{"retention.ms", "-1"}});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(produce("words", 0, batchOf({"a", "b", "c"})), (Produced{0, 3 * i}));
  EXPECT_EQ(wait(broker->local().deleteRecords({idOf("words"), 0}, Offset(4))).value(), Offset(4));
  auto found = [&] {
    OffsetQuery query{.kind = OffsetQuery::Kind::kTimestamp, .timestamp = TimestampMs(1002)};
    return wait(broker->local().findOffset({idOf("words"), 0}, query)).value();
  };
  auto before = found();
  // As kafka-configs does it.
  IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.add();
  resource.resourceType = 2;
  resource.resourceName = kafka::Text("words"_kj);
  auto& config = resource.configs.add();
  config.name = kafka::Text("storage.engine"_kj);
  config.configOperation = 0;
  config.value = kafka::Text(to());
  EXPECT_EQ(call(request, 1)->responses[0].errorCode, 0);
  awaitAllIn(to());
  EXPECT_EQ(all(0), "b c a b c ");
  EXPECT_EQ(found().offset, before.offset);
  EXPECT_EQ(found().timestamp, TimestampMs(1002));
  auto described = otherClient().topic("words").describeRequest().send().wait(scope());
  EXPECT_EQ(described.getTopic().getPartitions()[0].getLogStart(), 4);
  for (auto entry : described.getTopic().getConfigs()) {
    if (entry.getName() == "storage.engine") {
      EXPECT_EQ(entry.getValue(), to());
      EXPECT_FALSE(entry.getIsDefault());
      EXPECT_FALSE(entry.getReadOnly());
    }
  }
  kafka::DescribeConfigsRequest asking;
  auto& wanted = asking.resources.add();
  wanted.resourceType = 2;
  wanted.resourceName = kafka::Text("words"_kj);
  bool shown = false;
  auto answer = call(asking, 4);
  for (auto& entry : answer->results[0].configs)
    shown = shown || (entry.name.view() == "storage.engine" && KJ_ASSERT_NONNULL(entry.value).view() == to().cStr());
  EXPECT_TRUE(shown);

  // New partitions are made where the topic belongs.
  ASSERT_EQ(client().addPartitions("words", 3), "");
  EXPECT_EQ(client().whereIs("words"), allIn(to(), 3));
  // Taken away, the config is the broker's default again, and the topic goes there.
  ASSERT_EQ(client().alterTopic("words", {{"storage.engine", "reset"}}), "");
  awaitAllIn(from(), 3);
  EXPECT_EQ(all(0), "b c a b c ");
}

TEST_P(MoveTest, WrongWishes) {
  createTopic("words", 2);
  EXPECT_PRED2(startsWith, client().moveTopic("words", "memory"), "invalidConfig: ");
  EXPECT_PRED2(startsWith, client().moveTopic("words", ""), "invalidRequest: ");
  EXPECT_PRED2(startsWith, client().moveTopic("letters", to()), "unknownTopicOrPartition: ");
  EXPECT_PRED2(startsWith, client().cancelMove("letters"), "unknownTopicOrPartition: ");
  EXPECT_PRED2(startsWith, client().cancelMove("words"), "noReassignmentInProgress: topic words is not moving");
  EXPECT_PRED2(startsWith, client().moveTopic("__consumer_offsets", to()), "invalidTopicException: ");
  EXPECT_EQ(client().moveTopic("words", from()), "") << "it is there already";
  EXPECT_EQ(client().whereIs("words"), allIn(from(), 2));
}

TEST_P(MoveTest, ACancelBringsEverythingBack) {
  createTopic("words", 2);
  fill(4);
  auto before = all(0);
  restartWithPace(Bytes(1));
  ASSERT_EQ(client().moveTopic("words", to()), "");
  broker->awaitTrue("a copy is under way", [&] { return contains(client().whereIs("words"), "copying"); });
  EXPECT_EQ(append(scope(), client().partition("words", 0), {"more"}), 4) << "producers go on";
  EXPECT_EQ(all(0), before + "more ");
  // Another wish meanwhile does not disturb it.
  ASSERT_EQ(client().alterTopic("words", {{"retention.ms", "5000000"}}), "");
  EXPECT_PRED2(contains, client().whereIs("words"), "copying");
  ASSERT_EQ(otherClient().cancelMove("words"), "");
  awaitAllIn(from());
  EXPECT_FALSE(engineHolds(to(), "words-0"));
  EXPECT_EQ(all(0), before + "more ");
  EXPECT_EQ(append(scope(), client().partition("words", 0), {"last"}), 5);
}

TEST_P(MoveTest, ADeletionInTheMiddleLeavesNothing) {
  createTopic("words", 2);
  fill(4);
  restartWithPace(Bytes(1));
  ASSERT_EQ(client().moveTopic("words", to()), "");
  broker->awaitTrue("a copy is under way", [&] { return contains(client().whereIs("words"), "copying"); });
  ASSERT_EQ(otherClient().deleteTopic("words"), "");
  for (auto engine : {from(), to()}) {
    for (auto log : {"words-0", "words-1"})
      EXPECT_FALSE(engineHolds(engine, log)) << engine.cStr() << log;
  }
  ASSERT_EQ(client().createTopic("words", 2), "");
  EXPECT_EQ(append(scope(), client().partition("words", 0), {"new"}), 0);
}

TEST_P(MoveTest, AStopInTheMiddleGoesOnAtTheNextStart) {
  createTopic("words", 2);
  fill(4);
  auto before = all(1);
  restartWithPace(Bytes(1));
  ASSERT_EQ(client().moveTopic("words", to()), "");
  broker->awaitTrue("a copy is under way", [&] { return contains(client().whereIs("words"), "copying"); });
  restartWithPace(Bytes(0));
  awaitAllIn(to());
  EXPECT_EQ(all(1), before);
  EXPECT_FALSE(engineHolds(from(), "words-0"));
}

// Somebody has removed it, say, while the broker was down: what there is of the copy may be all that is left.
TEST_P(MoveTest, ALogThatIsGoneIsNotReplacedByAnEmptyOneBesideItsCopy) {
  createTopic("words", 2);
  fill(4);
  restartWithPace(Bytes(1));
  ASSERT_EQ(client().moveTopic("words", to()), "");
  int index = 0;
  broker->awaitTrue("something was copied", [&] {
    auto response = client().topic("words").describeRequest().send().wait(scope());
    auto partitions = response.getTopic().getPartitions();
    index = partitions[0].getMove().getCopied() > 0 ? 0 : 1;
    return partitions[static_cast<unsigned>(index)].getMove().getCopied() > 0;
  });
  LogId id{kj::str("words-", index), idOf("words")};
  TearDown();
  {
    DiskFileSystem files(folder.path(), 64);
    auto engine = DiskEngines(files, folder.path(), 64).open(from(), {});
    engine->drop(id.clone());
    engine->close();
  }
  start();
  auto error = read(scope(), client().partition("words", index), 0).error;
  EXPECT_PRED2(contains, error, "the log is gone from the engine that has it");
  EXPECT_TRUE(engineHolds(to(), id.name));
  EXPECT_FALSE(engineHolds(from(), id.name));
  EXPECT_EQ(append(scope(), client().partition("words", 1 - index), {"more"}), 4) << "the rest goes on";
  EXPECT_EQ(client().cancelMove("words"), "");
  broker->awaitTrue("the other one is back", [&] { return !engineHolds(to(), kj::str("words-", 1 - index)); });
  EXPECT_TRUE(engineHolds(to(), id.name)) << "not even now";
}

// Turned round in the middle, again and again: in the end it is where it was last sent, with everything in it.
TEST_P(MoveTest, ManyWishesAtOnce) {
  createTopic("words", 4);
  int sent[4] = {};
  kj::Vector<kj::Promise<void>> working;
  for (size_t index = 0; index < 4; ++index)
    working.add(pump(clients[index % clients.size()]->partition("words", static_cast<int>(index)), sent[index]));
  auto allWork = kj::joinPromises(working.releaseAsArray()).eagerlyEvaluate(nullptr);
  for (int round = 0; round < 12; ++round) {
    ASSERT_EQ(client().moveTopic("words", round % 2 == 0 ? to() : from()), "");
    for (int turn = 0; turn < round; ++turn)
      wait(broker->local().reports().ignoreResult());
    if (round % 3 == 0) otherClient().cancelMove("words");
  }
  ASSERT_EQ(otherClient().moveTopic("words", to()), "");
  awaitAllIn(to(), 4);
  stopProducing = true;
  wait(kj::mv(allWork));
  for (int index = 0; index < 4; ++index) {
    std::string expected;
    for (int i = 0; i < sent[index]; ++i)
      expected += std::to_string(i).substr(0, 4) + " ";
    EXPECT_EQ(all(index), expected);
  }
}

}  // namespace
}  // namespace cambium
