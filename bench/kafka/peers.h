#pragma once

#include "bench/kafka/librdkafka_client.h"

namespace cambium::bench {

// Where the programs stand that are measured.
struct Programs {
  kj::String cambiumd;
  kj::String nullBroker;
  kj::String startKafka;
};

// A broker that is measured, for as long as a run of the bench lasts.
class Peer {
 public:
  // The names a workload may use: cambium (native logs), cambium-rocksdb, null, null-walking, kafka. Starts the broker
  // in `folder`, a new one. Throws, with the reason in its last words, where it cannot run here.
  static kj::Own<Peer> start(kj::StringPtr name, const Programs& programs, kj::StringPtr folder);

  virtual ~Peer() noexcept(false) = default;

  const BrokerProcess& broker() const { return *broker_; }

  // Makes a new topic of this durability ("os", "fsync"); its name. dropTopic() waits until its files are gone and the
  // broker is at rest.
  virtual kj::String makeTopic(int partitions, kj::StringPtr durability) = 0;
  virtual void dropTopic(kj::StringPtr topic) = 0;
  // Whether what was written can be read.
  virtual bool keepsRecords() const = 0;

 protected:
  explicit Peer(kj::Own<BrokerProcess> broker) : broker_(kj::mv(broker)) {}

 private:
  kj::Own<BrokerProcess> broker_;
};

}  // namespace cambium::bench
