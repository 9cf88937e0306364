#pragma once

#include <atomic>

#include "engine/broker/broker.h"
#include "server/kafka/connection.h"
#include "server/kafka/fetch_sessions.h"

namespace cambium::kafka {

// Kafka connections of all loops, for metrics.
struct KafkaConnectionCounts {
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> open{0};
};

struct KafkaSettings {
  KafkaLimits limits;
  kj::Maybe<Endpoint> advertised;  // null: each client is told the address it connected to
};

// Accepts connections of Kafka clients on one loop. Beyond the limit of connections it stops accepting until one
// leaves: the rest wait in the system's queue.
class KafkaDoor final : public Door {
 public:
  // `answers` bounds the answers of all loops and doors.
  KafkaDoor(LocalBroker& broker, LoopContext& loop, const Entropy& entropy, const KafkaSettings& settings,
            KafkaConnectionCounts& counts, SharedBudget& answers, kj::Array<kj::Own<kj::ConnectionReceiver>> receivers);
  KJ_DISALLOW_COPY(KafkaDoor);

  kj::Promise<void> drain() override;
  kj::Promise<void> cut() override;

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };

  kj::Promise<void> accept(kj::ConnectionReceiver& receiver);
  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> whenAllIdle();
  kj::Promise<void> watchPace();

  LoopContext& loop_;
  KafkaLimits limits_;
  kj::Maybe<Endpoint> advertised_;
  FetchSessions fetchSessions_;
  DoorContext context_;
  kj::Own<RequestBudgets> requests_;
  kj::Array<kj::Own<kj::ConnectionReceiver>> receivers_;
  KafkaConnectionCounts& counts_;
  std::list<Connection*> open_;
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> waitingForRoom_;  // while the limit is reached
  TaskErrors taskErrors_;
  kj::Maybe<kj::TaskSet> connections_;
  kj::Vector<kj::Promise<void>> accepting_;
  kj::Promise<void> watching_ = nullptr;
};

}  // namespace cambium::kafka
