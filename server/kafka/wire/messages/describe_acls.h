#pragma once

#include "server/kafka/wire/shape.h"

// DescribeAcls (key 29). Source of the fields: DescribeAclsRequest.json and DescribeAclsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeAclsRequest {
  static constexpr MessageFacts kFacts{29, "DescribeAclsRequest", versions(1, 3), 2};

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

struct DescribeAclsResponse {
  static constexpr MessageFacts kFacts{29, "DescribeAclsResponse", versions(1, 3), 2};

  struct Resource {
    struct Acl {
      Text principal;
      Text host;
      int8_t operation = 0;
      int8_t permissionType = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("principal", m.principal);
        v("host", m.host);
        v("operation", m.operation);
        v("permissionType", m.permissionType);
      }
    };

    int8_t resourceType = 0;
    Text resourceName;
    int8_t patternType = 3;
    kj::Vector<Acl> acls;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("resourceType", m.resourceType);
      v("resourceName", m.resourceName);
      v("patternType", m.patternType);
      v("acls", m.acls);
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  kj::Vector<Resource> resources;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("errorMessage", m.errorMessage, nullable());
    v("resources", m.resources);
  }
};

}  // namespace cambium::kafka
