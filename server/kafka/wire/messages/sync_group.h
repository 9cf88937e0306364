#pragma once

#include "server/kafka/wire/shape.h"

// SyncGroup (key 14). Source of the fields: SyncGroupRequest.json and SyncGroupResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct SyncGroupRequest {
  static constexpr MessageFacts kFacts{14, "SyncGroupRequest", versions(0, 5), 4};

  struct Assignment {
    Text memberId;
    Binary assignment;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("memberId", m.memberId);
      v("assignment", m.assignment);
    }
  };

  Text groupId;
  int32_t generationId = 0;
  Text memberId;
  kj::Maybe<Text> groupInstanceId;
  kj::Maybe<Text> protocolType;
  kj::Maybe<Text> protocolName;
  kj::Vector<Assignment> assignments;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groupId", m.groupId);
    v("generationId", m.generationId);
    v("memberId", m.memberId);
    v("groupInstanceId", m.groupInstanceId, since(3).nullable());
    v("protocolType", m.protocolType, since(5).nullable());
    v("protocolName", m.protocolName, since(5).nullable());
    v("assignments", m.assignments);
  }
};

struct SyncGroupResponse {
  static constexpr MessageFacts kFacts{14, "SyncGroupResponse", versions(0, 5), 4};

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Maybe<Text> protocolType;
  kj::Maybe<Text> protocolName;
  Binary assignment;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(1));
    v("errorCode", m.errorCode);
    v("protocolType", m.protocolType, since(5).nullable());
    v("protocolName", m.protocolName, since(5).nullable());
    v("assignment", m.assignment);
  }
};

}  // namespace cambium::kafka
