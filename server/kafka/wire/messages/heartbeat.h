#pragma once

#include "server/kafka/wire/shape.h"

// Heartbeat (key 12). Source of the fields: HeartbeatRequest.json and HeartbeatResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct HeartbeatRequest {
  static constexpr MessageFacts kFacts{12, "HeartbeatRequest", versions(0, 4), 4};

  Text groupId;
  int32_t generationId = 0;
  Text memberId;
  kj::Maybe<Text> groupInstanceId;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groupId", m.groupId);
    v("generationId", m.generationId);
    v("memberId", m.memberId);
    v("groupInstanceId", m.groupInstanceId, since(3).nullable());
  }
};

struct HeartbeatResponse {
  static constexpr MessageFacts kFacts{12, "HeartbeatResponse", versions(0, 4), 4};

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(1));
    v("errorCode", m.errorCode);
  }
};

}  // namespace cambium::kafka
