#pragma once

#include <kj/async-io.h>

#include "client/producer.h"
#include "engine/base/coroutine.h"
#include "server/main/system_world.h"
#include "tests/crash/broker_process.h"
#include "tests/crash/oracle_file.h"
#include "tests/support/kafka_client.h"

namespace cambium {

// Somebody who writes numbered records "name:number" into one partition, with acks=all, several at a time, until the
// broker is gone, and notes it in the oracle file. Goes on with the next broker.
class KillProducer {
 public:
  KillProducer(kj::AsyncIoContext& io, OracleFile& oracle, kj::StringPtr name, int32_t partition)
      : io_(io), oracle_(oracle), name_(kj::str(name)), partition_(partition) {}
  virtual ~KillProducer() noexcept(false) = default;
  KJ_DISALLOW_COPY(KillProducer);

  // Works until the broker is lost, and then returns.
  virtual kj::Promise<void> run(const BrokerProcess& broker) = 0;
  // After a run: gives up everything that is under way.
  virtual void reset() = 0;
  // Sends again what was not answered: everything is there once, then.
  virtual bool isIdempotent() const { return false; }

  kj::StringPtr name() const { return name_; }
  int32_t partition() const { return partition_; }

 protected:
  kj::String valueOf(int64_t number) const { return kj::str(name_, ':', number); }

  kj::AsyncIoContext& io_;
  OracleFile& oracle_;
  const kj::String name_;
  const int32_t partition_;
};

// Over the Kafka protocol, request by request.
class KafkaKillProducer final : public KillProducer {
 public:
  KafkaKillProducer(kj::AsyncIoContext& io, OracleFile& oracle, kj::StringPtr name, int32_t partition, bool idempotent)
      : KillProducer(io, oracle, name, partition), idempotent_(idempotent) {}

  kj::Promise<void> run(const BrokerProcess& broker) override;
  void reset() override { client_ = nullptr; }
  bool isIdempotent() const override { return idempotent_; }

 private:
  kj::Promise<void> work(kj::String address);
  kj::Promise<void> sendOnAndOn();
  kafka::ProduceRequest requestOf(int64_t number);

  const bool idempotent_;
  // Not long ago: after a crash a broker does not look for producers in segments whose records are older than a day.
  const TimestampMs began_ = SystemClock().now();
  int64_t producerId_ = -1;
  int64_t next_ = 0;      // number, and sequence
  int64_t answered_ = 0;  // all below were
  kj::Own<kafka::KafkaClient> client_;
};

// With the client library, over Cap'n Proto.
class LibraryKillProducer final : public KillProducer {
 public:
  using KillProducer::KillProducer;

  kj::Promise<void> run(const BrokerProcess& broker) override;
  void reset() override {
    producer_ = nullptr;
    connection_ = nullptr;
  }

 private:
  kj::Promise<void> work(kj::String address);
  kj::Promise<void> sendOnAndOn();

  int64_t next_ = 0;
  kj::Own<client::Connection> connection_;
  kj::Own<client::Producer> producer_;
};

}  // namespace cambium
