#pragma once

#include "server/kafka/wire/shape.h"

// CreateAcls (key 30). Source of the fields: CreateAclsRequest.json and CreateAclsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct CreateAclsRequest {
  static constexpr MessageFacts kFacts{30, "CreateAclsRequest", versions(1, 3), 2};

  struct Creation {
    int8_t resourceType = 0;
    Text resourceName;
    int8_t resourcePatternType = 3;
    Text principal;
    Text host;
    int8_t operation = 0;
    int8_t permissionType = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("resourceType", m.resourceType);
      v("resourceName", m.resourceName);
      v("resourcePatternType", m.resourcePatternType);
      v("principal", m.principal);
      v("host", m.host);
      v("operation", m.operation);
      v("permissionType", m.permissionType);
    }
  };

  kj::Vector<Creation> creations;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("creations", m.creations);
  }
};

struct CreateAclsResponse {
  static constexpr MessageFacts kFacts{30, "CreateAclsResponse", versions(1, 3), 2};

  struct Result {
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
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
