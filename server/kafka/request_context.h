#pragma once

#include "engine/broker/local_broker.h"
#include "server/kafka/answer_room.h"
#include "server/kafka/kafka_limits.h"
#include "server/kafka/wire/header.h"

namespace cambium::kafka {

class FetchSessions;

// Where clients are told to connect.
struct Endpoint {
  kj::String host;
  int32_t port = 0;

  Endpoint clone() const { return {kj::str(host), port}; }
};

// What the connections of one loop share.
struct DoorContext {
  LocalBroker& broker;
  const KafkaLimits& limits;
  const kj::Maybe<Endpoint>& advertised;  // null: what the client connected to
  FetchSessions& fetchSessions;
  SharedBudget& answers;  // of all loops and doors
};

// What is known of one connection.
struct ConnectionFacts {
  kj::String clientHost;  // "/127.0.0.1", as Kafka writes it
  Endpoint local;         // where the client connected to
};

// A request on its way: handed to handlers, lives until its answer is encoded.
struct RequestContext {
  DoorContext& door;
  const ConnectionFacts& connection;
  RequestHeader header;
  AnswerRoom room;

  LocalBroker& broker() { return door.broker; }
  Version version() const { return header.version; }
  // Empty when the client gave none.
  std::string_view clientId() const {
    KJ_IF_MAYBE(id, header.clientId) return id->view();
    return {};
  }
  // The address of this broker as this client shall use it.
  const Endpoint& advertised() const {
    KJ_IF_MAYBE(endpoint, door.advertised) return *endpoint;
    return connection.local;
  }
  // Where handlers that go through long lists give the loop back.
  FairTurns& turns() { return door.broker.here().turns(); }
  int32_t brokerId() const { return door.broker.facts().config.brokerId; }
};

}  // namespace cambium::kafka
