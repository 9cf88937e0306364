#pragma once

#include <librdkafka/rdkafka.h>

#include "bench/kafka/broker_process.h"

namespace cambium::bench {

// A name and a value.
struct Setting {
  kj::StringPtr name;
  kj::StringPtr value;
};

// A librdkafka handle: producer or consumer, by `type`. Settings that are not given have librdkafka's defaults.
class LibrdkafkaClient {
 public:
  LibrdkafkaClient(rd_kafka_type_t type, kj::StringPtr address, kj::ArrayPtr<const Setting> settings,
                   void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*) = nullptr, void* opaque = nullptr);
  ~LibrdkafkaClient();
  KJ_DISALLOW_COPY(LibrdkafkaClient);

  rd_kafka_t* get() const { return handle_; }

  // Waits until the broker has answered with this topic's partitions, so that what follows is not about connecting.
  // Throws after some seconds.
  void meet(kj::StringPtr topic);

 private:
  rd_kafka_t* handle_;
};

// Makes and drops topics through the protocol. Both wait for the broker and throw with its answer.
class TopicAdmin {
 public:
  explicit TopicAdmin(kj::StringPtr address);

  void create(kj::StringPtr topic, int partitions, kj::ArrayPtr<const Setting> configs);
  void drop(kj::StringPtr topic);

 private:
  LibrdkafkaClient client_;
};

// librdkafka under load.
struct ClientLoad {
  kj::StringPtr topic;
  int partitions;  // written in turn, record by record
  kj::StringPtr acks;
  size_t recordBytes;
  uint64_t records;
  kj::String lingerMs;
  uint64_t clients;  // producers at the same time, with a thread and a share of the records each
};

// As fast as the queues of the clients take them; ends when all are acknowledged. Throws when a record was not
// delivered.
Sample produceAll(const BrokerProcess& broker, const ClientLoad& load);

// `rate` records a second, whether or not the broker keeps up. Latencies run from when a record should have been sent
// to its delivery report, which a thread of its own waits for.
Sample produceAtRate(const BrokerProcess& broker, const ClientLoad& load, uint64_t rate);

// Reads the topic's partitions from the start until `records` have come.
Sample consumeAll(const BrokerProcess& broker, const ClientLoad& load);

}  // namespace cambium::bench
