#pragma once

#include "server/kafka/wire/shape.h"

// DescribeClientQuotas (key 48). Source of the fields: DescribeClientQuotasRequest.json and
// DescribeClientQuotasResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeClientQuotasRequest {
  static constexpr MessageFacts kFacts{48, "DescribeClientQuotasRequest", versions(0, 1), 1};

  struct Component {
    Text entityType;
    int8_t matchType = 0;
    kj::Maybe<Text> match;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("entityType", m.entityType);
      v("matchType", m.matchType);
      v("match", m.match, nullable());
    }
  };

  kj::Vector<Component> components;
  bool strict = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("components", m.components);
    v("strict", m.strict);
  }
};

struct DescribeClientQuotasResponse {
  static constexpr MessageFacts kFacts{48, "DescribeClientQuotasResponse", versions(0, 1), 1};

  struct Entry {
    struct Entity {
      Text entityType;
      kj::Maybe<Text> entityName;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("entityType", m.entityType);
        v("entityName", m.entityName, nullable());
      }
    };

    struct Value {
      Text key;
      double value = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("key", m.key);
        v("value", m.value);
      }
    };

    kj::Vector<Entity> entity;
    kj::Vector<Value> values;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("entity", m.entity);
      v("values", m.values);
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  kj::Maybe<kj::Vector<Entry>> entries;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("errorMessage", m.errorMessage, nullable());
    v("entries", m.entries, nullable());
  }
};

}  // namespace cambium::kafka
