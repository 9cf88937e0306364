#pragma once

#include "server/kafka/wire/shape.h"

// JoinGroup (key 11). Source of the fields: JoinGroupRequest.json and JoinGroupResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct JoinGroupRequest {
  static constexpr MessageFacts kFacts{11, "JoinGroupRequest", versions(0, 9), 6};

  struct Protocol {
    Text name;
    Binary metadata;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("metadata", m.metadata);
    }
  };

  Text groupId;
  int32_t sessionTimeoutMs = 0;
  int32_t rebalanceTimeoutMs = -1;
  Text memberId;
  kj::Maybe<Text> groupInstanceId;
  Text protocolType;
  kj::Vector<Protocol> protocols;
  kj::Maybe<Text> reason;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groupId", m.groupId);
    v("sessionTimeoutMs", m.sessionTimeoutMs);
    v("rebalanceTimeoutMs", m.rebalanceTimeoutMs, since(1));
    v("memberId", m.memberId);
    v("groupInstanceId", m.groupInstanceId, since(5).nullable());
    v("protocolType", m.protocolType);
    v("protocols", m.protocols);
    v("reason", m.reason, since(8).nullable());
  }
};

struct JoinGroupResponse {
  static constexpr MessageFacts kFacts{11, "JoinGroupResponse", versions(0, 9), 6};

  struct Member {
    Text memberId;
    kj::Maybe<Text> groupInstanceId;
    Binary metadata;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("memberId", m.memberId);
      v("groupInstanceId", m.groupInstanceId, since(5).nullable());
      v("metadata", m.metadata);
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  int32_t generationId = -1;
  kj::Maybe<Text> protocolType;
  kj::Maybe<Text> protocolName;
  Text leader;
  bool skipAssignment = false;
  Text memberId;
  kj::Vector<Member> members;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(2));
    v("errorCode", m.errorCode);
    v("generationId", m.generationId);
    v("protocolType", m.protocolType, since(7).nullable());
    v("protocolName", m.protocolName, always().nullableSince(7));
    v("leader", m.leader);
    v("skipAssignment", m.skipAssignment, since(9));
    v("memberId", m.memberId);
    v("members", m.members);
  }
};

}  // namespace cambium::kafka
