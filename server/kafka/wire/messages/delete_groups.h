#pragma once

#include "server/kafka/wire/shape.h"

// DeleteGroups (key 42). Source of the fields: DeleteGroupsRequest.json and DeleteGroupsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DeleteGroupsRequest {
  static constexpr MessageFacts kFacts{42, "DeleteGroupsRequest", versions(0, 2), 2};

  kj::Vector<Text> groupsNames;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groupsNames", m.groupsNames);
  }
};

struct DeleteGroupsResponse {
  static constexpr MessageFacts kFacts{42, "DeleteGroupsResponse", versions(0, 2), 2};

  struct Result {
    Text groupId;
    int16_t errorCode = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("groupId", m.groupId);
      v("errorCode", m.errorCode);
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Result> results;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("results", m.results);
  }
};

}  // namespace cambium::kafka
