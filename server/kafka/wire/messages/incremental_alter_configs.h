#pragma once

#include "server/kafka/wire/shape.h"

// IncrementalAlterConfigs (key 44). Source of the fields: IncrementalAlterConfigsRequest.json and
// IncrementalAlterConfigsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct IncrementalAlterConfigsRequest {
  static constexpr MessageFacts kFacts{44, "IncrementalAlterConfigsRequest", versions(0, 1), 1};

  struct Resource {
    struct Config {
      Text name;
      int8_t configOperation = 0;
      kj::Maybe<Text> value;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name);
        v("configOperation", m.configOperation);
        v("value", m.value, nullable());
      }
    };

    int8_t resourceType = 0;
    Text resourceName;
    kj::Vector<Config> configs;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("resourceType", m.resourceType);
      v("resourceName", m.resourceName);
      v("configs", m.configs);
    }
  };

  kj::Vector<Resource> resources;
  bool validateOnly = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("resources", m.resources);
    v("validateOnly", m.validateOnly);
  }
};

struct IncrementalAlterConfigsResponse {
  static constexpr MessageFacts kFacts{44, "IncrementalAlterConfigsResponse", versions(0, 1), 1};

  struct Response {
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;
    int8_t resourceType = 0;
    Text resourceName;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
      v("resourceType", m.resourceType);
      v("resourceName", m.resourceName);
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Response> responses;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("responses", m.responses);
  }
};

}  // namespace cambium::kafka
