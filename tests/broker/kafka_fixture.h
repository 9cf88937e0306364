#pragma once

#include "engine/record/batch_builder.h"
#include "server/kafka/api.h"
#include "server/kafka/wire/all_messages.h"
#include "tests/broker/broker_fixture.h"
#include "tests/support/batches.h"

namespace cambium::kafka {

inline constexpr Deployment kKafkaDeployments[] = {
    {"native1", "native", "native", 1},
    {"rocksdb1", "rocksdb", "rocksdb", 1},
    {"native2", "native", "native", 2},
    {"rocksdb2", "rocksdb", "rocksdb", 2},
};

// A broker, and a Kafka client connected to each of its loops.
class KafkaTest : public BrokerTest {
 public:
  ~KafkaTest() noexcept override = default;

 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    for (unsigned loop = 0; loop < GetParam().cores; ++loop)
      kafkas.push_back(broker->connectKafka(loop));
  }
  void TearDown() override {
    kafkas.clear();
    BrokerTest::TearDown();
  }

  KafkaClient& kafka() { return *kafkas.front(); }
  // Of another loop, when there are two.
  KafkaClient& otherKafka() { return *kafkas.back(); }

  template <class Request>
  auto call(const Request& request, Version version) {
    return kafka().call(request, version).wait(scope());
  }

  void createTopic(kj::StringPtr name, int partitions = 1, const RpcClient::Settings& configs = {}) {
    ASSERT_EQ(client().createTopic(name, partitions, configs), "");
  }
  Uuid idOf(kj::StringPtr topic) { return broker->local().topic(topic).value()->id(); }

  // A batch of records with these values and the times 1000, 1001, …
  static kj::Array<kj::byte> batchOf(std::initializer_list<kj::StringPtr> values, BatchOptions options = {}) {
    BatchBuilder builder(options);
    int64_t time = 1000;
    for (auto value : values)
      builder.add(TimestampMs(time++), nullptr, value.asBytes());
    return builder.finish();
  }
  static kj::Array<kj::byte> batchOfSize(size_t bytes) { return batchOf({kj::str(kj::repeat('x', bytes))}); }

  ProduceRequest produceOf(kj::StringPtr topic, int32_t partition, kj::Array<kj::byte> batch, int16_t acks = -1) {
    ProduceRequest request;
    request.acks = acks;
    request.timeoutMs = 1000;
    auto& wanted = request.topicData.add();
    wanted.name = Text(kj::str(topic));
    auto found = broker->local().topic(topic);
    if (found.ok()) wanted.topicId = found.value()->id();
    auto& data = wanted.partitionData.add();
    data.index = partition;
    data.records = Records(kj::mv(batch));
    return request;
  }
  // What the broker says of the only partition: "" and the base offset, or the error's number.
  struct Produced {
    int16_t error;
    int64_t baseOffset;
    bool operator==(const Produced&) const = default;
  };
  Produced produced(const ProduceResponse& response) {
    auto& answer = response.responses[0].partitionResponses[0];
    return {answer.errorCode, answer.baseOffset};
  }
  Produced produce(kj::StringPtr topic, int32_t partition, kj::Array<kj::byte> batch, Version version = 11) {
    return produced(call(produceOf(topic, partition, kj::mv(batch)), version).body);
  }

  // The answers to `count` requests that go out in one write.
  kj::Array<kj::Promise<kj::Array<kj::byte>>> exchangeTogether(kj::Array<kj::byte> frames, size_t count) {
    auto answers = kj::heapArrayBuilder<kj::Promise<kj::Array<kj::byte>>>(count);
    answers.add(kafka().exchange(kj::mv(frames)));
    while (answers.size() < count)
      answers.add(kafka().exchange(nullptr));
    return answers.finish();
  }

  struct Wanted {
    kj::StringPtr topic;
    int32_t partition = 0;
    int64_t offset = 0;
    int32_t bytesMax = 1 << 20;
  };
  FetchRequest fetchOf(std::initializer_list<Wanted> all, int32_t waitMs = 0) {
    FetchRequest request;
    request.maxWaitMs = waitMs;
    request.minBytes = 1;
    request.maxBytes = 50 << 20;
    request.sessionEpoch = -1;
    for (auto& one : all) {
      auto& topic = request.topics.add();
      topic.topic = Text(kj::str(one.topic));
      auto found = broker->local().topic(one.topic);
      if (found.ok()) topic.topicId = found.value()->id();
      auto& partition = topic.partitions.add();
      partition.partition = one.partition;
      partition.fetchOffset = one.offset;
      partition.partitionMaxBytes = one.bytesMax;
    }
    return request;
  }
  // "0:[0..1] 1:!3": per partition its number and its batches, or the error. A partition that is not answered is
  // absent.
  static std::string show(const FetchResponse& response) {
    if (response.errorCode != 0) return kj::str("!", response.errorCode).cStr();
    kj::Vector<kj::String> parts;
    for (auto& topic : response.responses) {
      for (auto& one : topic.partitions) {
        KJ_IF_MAYBE(records, one.records) {
          parts.add(kj::str(one.partitionIndex, ":",
                            one.errorCode == 0 ? describeBatches(records->view()) : kj::str("!", one.errorCode)));
        }
      }
    }
    return kj::strArray(parts, " ").cStr();
  }
  std::string fetch(std::initializer_list<Wanted> all, Version version = 11) {
    return show(call(fetchOf(all), version).body);
  }

  std::vector<kj::Own<KafkaClient>> kafkas;
};

#define CAMBIUM_EVERY_KAFKA_DEPLOYMENT(Suite)                                    \
  INSTANTIATE_TEST_SUITE_P(Every, Suite, ::testing::ValuesIn(kKafkaDeployments), \
                           [](const auto& info) { return std::string(info.param.name); })

}  // namespace cambium::kafka
