#pragma once

#include "server/kafka/wire/shape.h"

// FindCoordinator (key 10). Source of the fields: FindCoordinatorRequest.json and FindCoordinatorResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct FindCoordinatorRequest {
  static constexpr MessageFacts kFacts{10, "FindCoordinatorRequest", versions(0, 6), 3};

  Text key;
  int8_t keyType = 0;
  kj::Vector<Text> coordinatorKeys;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("key", m.key, until(3));
    v("keyType", m.keyType, since(1));
    v("coordinatorKeys", m.coordinatorKeys, since(4));
  }
};

struct FindCoordinatorResponse {
  static constexpr MessageFacts kFacts{10, "FindCoordinatorResponse", versions(0, 6), 3};

  struct Coordinator {
    Text key;
    int32_t nodeId = 0;
    Text host;
    int32_t port = 0;
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("key", m.key, since(4));
      v("nodeId", m.nodeId, since(4));
      v("host", m.host, since(4));
      v("port", m.port, since(4));
      v("errorCode", m.errorCode, since(4));
      v("errorMessage", m.errorMessage, since(4).nullable());
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  int32_t nodeId = 0;
  Text host;
  int32_t port = 0;
  kj::Vector<Coordinator> coordinators;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(1));
    v("errorCode", m.errorCode, until(3));
    v("errorMessage", m.errorMessage, between(1, 3).nullable());
    v("nodeId", m.nodeId, until(3));
    v("host", m.host, until(3));
    v("port", m.port, until(3));
    v("coordinators", m.coordinators, since(4));
  }
};

}  // namespace cambium::kafka
