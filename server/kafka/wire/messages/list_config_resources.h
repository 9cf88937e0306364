#pragma once

#include "server/kafka/wire/shape.h"

// ListConfigResources (key 74). Source of the fields: ListConfigResourcesRequest.json and
// ListConfigResourcesResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct ListConfigResourcesRequest {
  static constexpr MessageFacts kFacts{74, "ListConfigResourcesRequest", versions(0, 1), 0};

  kj::Vector<int8_t> resourceTypes;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("resourceTypes", m.resourceTypes, since(1));
  }
};

struct ListConfigResourcesResponse {
  static constexpr MessageFacts kFacts{74, "ListConfigResourcesResponse", versions(0, 1), 0};

  struct ConfigResource {
    Text resourceName;
    int8_t resourceType = 16;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("resourceName", m.resourceName);
      v("resourceType", m.resourceType, since(1));
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Vector<ConfigResource> configResources;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("configResources", m.configResources);
  }
};

}  // namespace cambium::kafka
