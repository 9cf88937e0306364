#pragma once

#include "server/kafka/wire/shape.h"

// LeaveGroup (key 13). Source of the fields: LeaveGroupRequest.json and LeaveGroupResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct LeaveGroupRequest {
  static constexpr MessageFacts kFacts{13, "LeaveGroupRequest", versions(0, 5), 4};

  struct Member {
    Text memberId;
    kj::Maybe<Text> groupInstanceId;
    kj::Maybe<Text> reason;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("memberId", m.memberId, since(3));
      v("groupInstanceId", m.groupInstanceId, since(3).nullable());
      v("reason", m.reason, since(5).nullable());
    }
  };

  Text groupId;
  Text memberId;
  kj::Vector<Member> members;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groupId", m.groupId);
    v("memberId", m.memberId, until(2));
    v("members", m.members, since(3));
  }
};

struct LeaveGroupResponse {
  static constexpr MessageFacts kFacts{13, "LeaveGroupResponse", versions(0, 5), 4};

  struct Member {
    Text memberId;
    kj::Maybe<Text> groupInstanceId;
    int16_t errorCode = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("memberId", m.memberId, since(3));
      v("groupInstanceId", m.groupInstanceId, since(3).nullable());
      v("errorCode", m.errorCode, since(3));
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Vector<Member> members;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(1));
    v("errorCode", m.errorCode);
    v("members", m.members, since(3));
  }
};

}  // namespace cambium::kafka
