#pragma once

#include "server/kafka/wire/shape.h"

// AlterClientQuotas (key 49). Source of the fields: AlterClientQuotasRequest.json and AlterClientQuotasResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct AlterClientQuotasRequest {
  static constexpr MessageFacts kFacts{49, "AlterClientQuotasRequest", versions(0, 1), 1};

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

    struct Op {
      Text key;
      double value = 0;
      bool remove = false;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("key", m.key);
        v("value", m.value);
        v("remove", m.remove);
      }
    };

    kj::Vector<Entity> entity;
    kj::Vector<Op> ops;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("entity", m.entity);
      v("ops", m.ops);
    }
  };

  kj::Vector<Entry> entries;
  bool validateOnly = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("entries", m.entries);
    v("validateOnly", m.validateOnly);
  }
};

struct AlterClientQuotasResponse {
  static constexpr MessageFacts kFacts{49, "AlterClientQuotasResponse", versions(0, 1), 1};

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

    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;
    kj::Vector<Entity> entity;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
      v("entity", m.entity);
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Entry> entries;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("entries", m.entries);
  }
};

}  // namespace cambium::kafka
