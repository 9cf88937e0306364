#pragma once

#include "server/kafka/wire/shape.h"

// DeleteAcls (key 31). Source of the fields: DeleteAclsRequest.json and DeleteAclsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct DeleteAclsRequest {
  static constexpr MessageFacts kFacts{31, "DeleteAclsRequest", versions(1, 3), 2};

  struct Filter {
    int8_t resourceTypeFilter = 0;
    kj::Maybe<Text> resourceNameFilter;
    int8_t patternTypeFilter = 3;
    kj::Maybe<Text> principalFilter;
    kj::Maybe<Text> hostFilter;
    int8_t operation = 0;
    int8_t permissionType = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("resourceTypeFilter", m.resourceTypeFilter);
      v("resourceNameFilter", m.resourceNameFilter, nullable());
      v("patternTypeFilter", m.patternTypeFilter);
      v("principalFilter", m.principalFilter, nullable());
      v("hostFilter", m.hostFilter, nullable());
      v("operation", m.operation);
      v("permissionType", m.permissionType);
    }
  };

  kj::Vector<Filter> filters;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("filters", m.filters);
  }
};

struct DeleteAclsResponse {
  static constexpr MessageFacts kFacts{31, "DeleteAclsResponse", versions(1, 3), 2};

  struct FilterResult {
    struct MatchingAcl {
      int16_t errorCode = 0;
      kj::Maybe<Text> errorMessage;
      int8_t resourceType = 0;
      Text resourceName;
      int8_t patternType = 3;
      Text principal;
      Text host;
      int8_t operation = 0;
      int8_t permissionType = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("errorCode", m.errorCode);
        v("errorMessage", m.errorMessage, nullable());
        v("resourceType", m.resourceType);
        v("resourceName", m.resourceName);
        v("patternType", m.patternType);
        v("principal", m.principal);
        v("host", m.host);
        v("operation", m.operation);
        v("permissionType", m.permissionType);
      }
    };

    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;
    kj::Vector<MatchingAcl> matchingAcls;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
      v("matchingAcls", m.matchingAcls);
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<FilterResult> filterResults;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("filterResults", m.filterResults);
  }
};

}  // namespace cambium::kafka
