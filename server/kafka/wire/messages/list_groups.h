#pragma once

#include "server/kafka/wire/shape.h"

// ListGroups (key 16). Source of the fields: ListGroupsRequest.json and ListGroupsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct ListGroupsRequest {
  static constexpr MessageFacts kFacts{16, "ListGroupsRequest", versions(0, 5), 3};

  kj::Vector<Text> statesFilter;
  kj::Vector<Text> typesFilter;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("statesFilter", m.statesFilter, since(4));
    v("typesFilter", m.typesFilter, since(5));
  }
};

struct ListGroupsResponse {
  static constexpr MessageFacts kFacts{16, "ListGroupsResponse", versions(0, 5), 3};

  struct Group {
    Text groupId;
    Text protocolType;
    Text groupState;
    Text groupType;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("groupId", m.groupId);
      v("protocolType", m.protocolType);
      v("groupState", m.groupState, since(4));
      v("groupType", m.groupType, since(5));
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Vector<Group> groups;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(1));
    v("errorCode", m.errorCode);
    v("groups", m.groups);
  }
};

}  // namespace cambium::kafka
