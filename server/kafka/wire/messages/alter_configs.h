#pragma once

#include "server/kafka/wire/shape.h"

// AlterConfigs (key 33). Source of the fields: AlterConfigsRequest.json and AlterConfigsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct AlterConfigsRequest {
  static constexpr MessageFacts kFacts{33, "AlterConfigsRequest", versions(0, 2), 2};

  struct Resource {
    struct Config {
      Text name;
      kj::Maybe<Text> value;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name);
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

struct AlterConfigsResponse {
  static constexpr MessageFacts kFacts{33, "AlterConfigsResponse", versions(0, 2), 2};

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
