#include "tests/crash/kill_producers.h"

#include <gtest/gtest.h>

#include <kj/time.h>

#include "engine/record/batch_builder.h"

namespace cambium {

namespace {

constexpr int kInFlight = 5;  // what a broker can recognise again
constexpr kafka::Version kProduceVersion = 9;
constexpr kafka::Version kInitVersion = 2;

// A lost connection is how each of these ends.
kj::Promise<void> untilLost(kj::Promise<void> promise) {
  return promise.catch_([](kj::Exception&& exception) {
    EXPECT_EQ(exception.getType(), kj::Exception::Type::DISCONNECTED) << exception.getDescription().cStr();
  });
}

}  // namespace

kafka::ProduceRequest KafkaKillProducer::requestOf(int64_t number) {
  BatchOptions options;
  if (idempotent_) {
    options = {.producerId = producerId_, .producerEpoch = 0, .baseSequence = static_cast<int32_t>(number)};
  }
  BatchBuilder builder(options);
  auto value = valueOf(number);
  // The same batch each time that it is sent.
  builder.add(began_ + number, nullptr, value.asBytes().asConst());
  kafka::ProduceRequest request;
  request.acks = -1;
  request.timeoutMs = 30'000;
  auto& topic = request.topicData.add();
  topic.name = kafka::Text(kj::str("words"));
  auto& data = topic.partitionData.add();
  data.index = partition_;
  data.records = kafka::Records(builder.finish());
  return request;
}

kj::Promise<void> KafkaKillProducer::sendOnAndOn() {
  for (;;) {
    auto number = next_++;
    oracle_.sending(name_, number);
    auto answer = co_await client_->call(requestOf(number), kProduceVersion);
    auto& told = answer->responses[0].partitionResponses[0];
    EXPECT_EQ(told.errorCode, 0) << valueOf(number).cStr();
    if (told.errorCode != 0) co_return;
    oracle_.acknowledged(name_, number, told.baseOffset);
    // Answers come in the order of the requests.
    if (idempotent_) EXPECT_EQ(answered_, number);
    answered_ = number + 1;
  }
}

kj::Promise<void> KafkaKillProducer::work(kj::String address) {
  auto parsed = co_await io_.provider->getNetwork().parseAddress(address);
  client_ = kj::heap<kafka::KafkaClient>(co_await parsed->connect());
  if (idempotent_ && producerId_ < 0) {
    auto answer = co_await client_->call(kafka::InitProducerIdRequest(), kInitVersion);
    EXPECT_EQ(answer->errorCode, 0);
    producerId_ = answer->producerId;
  }
  kj::Vector<kj::Promise<void>> all;
  for (int i = 0; i < kInFlight; ++i)
    all.add(untilLost(sendOnAndOn()));
  co_await kj::joinPromises(all.releaseAsArray());
}

kj::Promise<void> KafkaKillProducer::run(const BrokerProcess& broker) {
  if (idempotent_) next_ = answered_;
  return untilLost(work(broker.address("Kafka")));
}

kj::Promise<void> LibraryKillProducer::sendOnAndOn() {
  for (;;) {
    auto number = next_++;
    auto value = valueOf(number);
    oracle_.sending(name_, number);
    auto sent = co_await producer_->send(
        {.topic = "words"_kj, .partition = PartitionIndex(partition_), .value = ByteView(value.asBytes())});
    EXPECT_TRUE(sent.ok()) << sent.error().message.cStr();
    if (!sent.ok()) co_return;
    oracle_.acknowledged(name_, number, sent.value().offset.value());
  }
}

kj::Promise<void> LibraryKillProducer::run(const BrokerProcess& broker) {
  return untilLost(work(kj::str(broker.address())));
}

kj::Promise<void> LibraryKillProducer::work(kj::String address) {
  connection_ = kj::heap<client::Connection>(io_.provider->getNetwork(), io_.provider->getTimer(),
                                             client::ConnectionOptions{.address = kj::mv(address)});
  producer_ =
      kj::heap<client::Producer>(*connection_, kj::systemCoarseCalendarClock(), client::ProducerOptions{.lingerMs = 0});
  kj::Vector<kj::Promise<void>> all;
  for (int i = 0; i < 4 * kInFlight; ++i)
    all.add(sendOnAndOn());
  // By itself it would go on until it finds its broker again, which comes back at another address.
  co_await connection_->session().ignoreResult();
  co_await kj::joinPromises(all.releaseAsArray()).exclusiveJoin(connection_->onDisconnect());
}

}  // namespace cambium
