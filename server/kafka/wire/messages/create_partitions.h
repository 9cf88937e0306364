#pragma once

#include "server/kafka/wire/shape.h"

// CreatePartitions (key 37). Source of the fields: CreatePartitionsRequest.json and CreatePartitionsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct CreatePartitionsRequest {
  static constexpr MessageFacts kFacts{37, "CreatePartitionsRequest", versions(0, 3), 2};

  struct Topic {
    struct Assignment {
      kj::Vector<int32_t> brokerIds;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("brokerIds", m.brokerIds);
      }
    };

    Text name;
    int32_t count = 0;
    kj::Maybe<kj::Vector<Assignment>> assignments;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("count", m.count);
      v("assignments", m.assignments, nullable());
    }
  };

  kj::Vector<Topic> topics;
  int32_t timeoutMs = 0;
  bool validateOnly = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics);
    v("timeoutMs", m.timeoutMs);
    v("validateOnly", m.validateOnly);
  }
};

struct CreatePartitionsResponse {
  static constexpr MessageFacts kFacts{37, "CreatePartitionsResponse", versions(0, 3), 2};

  struct Topic {
    Text name;
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> results;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("results", m.results);
  }
};

}  // namespace cambium::kafka
