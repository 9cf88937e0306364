#pragma once

#include "server/kafka/wire/shape.h"

// DescribeGroups (key 15). Source of the fields: DescribeGroupsRequest.json and DescribeGroupsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeGroupsRequest {
  static constexpr MessageFacts kFacts{15, "DescribeGroupsRequest", versions(0, 6), 5};

  kj::Vector<Text> groups;
  bool includeAuthorizedOperations = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groups", m.groups);
    v("includeAuthorizedOperations", m.includeAuthorizedOperations, since(3));
  }
};

struct DescribeGroupsResponse {
  static constexpr MessageFacts kFacts{15, "DescribeGroupsResponse", versions(0, 6), 5};

  struct Group {
    struct Member {
      Text memberId;
      kj::Maybe<Text> groupInstanceId;
      Text clientId;
      Text clientHost;
      Binary memberMetadata;
      Binary memberAssignment;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("memberId", m.memberId);
        v("groupInstanceId", m.groupInstanceId, since(4).nullable());
        v("clientId", m.clientId);
        v("clientHost", m.clientHost);
        v("memberMetadata", m.memberMetadata);
        v("memberAssignment", m.memberAssignment);
      }
    };

    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;
    Text groupId;
    Text groupState;
    Text protocolType;
    Text protocolData;
    kj::Vector<Member> members;
    int32_t authorizedOperations = -2147483648;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, since(6).nullable());
      v("groupId", m.groupId);
      v("groupState", m.groupState);
      v("protocolType", m.protocolType);
      v("protocolData", m.protocolData);
      v("members", m.members);
      v("authorizedOperations", m.authorizedOperations, since(3));
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Group> groups;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(1));
    v("groups", m.groups);
  }
};

}  // namespace cambium::kafka
