#pragma once

#include "engine/broker/broker.h"
#include "server/door/listener.h"
#include "server/kafka/connection.h"
#include "server/kafka/fetch_sessions.h"

namespace cambium::kafka {

struct KafkaSettings {
  KafkaLimits limits;
  kj::Maybe<Endpoint> advertised;  // null: each client is told the address it connected to
};

// Serves the connections of Kafka clients on one loop.
class KafkaDoor final : public Door {
 public:
  // `counts` are those of all loops. `answers` bounds the answers of all loops and doors.
  KafkaDoor(LocalBroker& broker, LoopContext& loop, const Entropy& entropy, const KafkaSettings& settings,
            DoorCounts& counts, SharedBudget& answers, kj::Array<kj::Own<kj::ConnectionReceiver>> receivers);
  KJ_DISALLOW_COPY(KafkaDoor);

  kj::Promise<void> drain() override;
  kj::Promise<void> cut() override;

 private:
  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream, Listener::Place& place);
  kj::Promise<void> whenAllIdle();
  kj::Promise<void> watchPace();

  LoopContext& loop_;
  KafkaLimits limits_;
  kj::Maybe<Endpoint> advertised_;
  FetchSessions fetchSessions_;
  DoorContext context_;
  kj::Own<RequestBudgets> requests_;
  LogLimiter log_;
  std::list<Connection*> open_;
  Listener listener_;
  kj::Promise<void> watching_ = nullptr;
};

}  // namespace cambium::kafka
