#pragma once

#include "server/kafka/wire/shape.h"

// DescribeConfigs (key 32). Source of the fields: DescribeConfigsRequest.json and DescribeConfigsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeConfigsRequest {
  static constexpr MessageFacts kFacts{32, "DescribeConfigsRequest", versions(1, 4), 4};

  struct Resource {
    int8_t resourceType = 0;
    Text resourceName;
    kj::Maybe<kj::Vector<Text>> configurationKeys;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("resourceType", m.resourceType);
      v("resourceName", m.resourceName);
      v("configurationKeys", m.configurationKeys, nullable());
    }
  };

  kj::Vector<Resource> resources;
  bool includeSynonyms = false;
  bool includeDocumentation = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("resources", m.resources);
    v("includeSynonyms", m.includeSynonyms);
    v("includeDocumentation", m.includeDocumentation, since(3));
  }
};

struct DescribeConfigsResponse {
  static constexpr MessageFacts kFacts{32, "DescribeConfigsResponse", versions(1, 4), 4};

  struct Result {
    struct Config {
      struct Synonym {
        Text name;
        kj::Maybe<Text> value;
        int8_t source = 0;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("name", m.name);
          v("value", m.value, nullable());
          v("source", m.source);
        }
      };

      Text name;
      kj::Maybe<Text> value;
      bool readOnly = false;
      int8_t configSource = -1;
      bool isSensitive = false;
      kj::Vector<Synonym> synonyms;
      int8_t configType = 0;
      kj::Maybe<Text> documentation;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name);
        v("value", m.value, nullable());
        v("readOnly", m.readOnly);
        v("configSource", m.configSource);
        v("isSensitive", m.isSensitive);
        v("synonyms", m.synonyms);
        v("configType", m.configType, since(3));
        v("documentation", m.documentation, since(3).nullable());
      }
    };

    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;
    int8_t resourceType = 0;
    Text resourceName;
    kj::Vector<Config> configs;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
      v("resourceType", m.resourceType);
      v("resourceName", m.resourceName);
      v("configs", m.configs);
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
