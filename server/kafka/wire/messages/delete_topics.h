#pragma once

#include "server/kafka/wire/shape.h"

// DeleteTopics (key 20). Source of the fields: DeleteTopicsRequest.json and DeleteTopicsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DeleteTopicsRequest {
  static constexpr MessageFacts kFacts{20, "DeleteTopicsRequest", versions(1, 6), 4};

  struct Topic {
    kj::Maybe<Text> name;
    Uuid topicId;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, since(6).nullable());
      v("topicId", m.topicId, since(6));
    }
  };

  kj::Vector<Topic> topics;
  kj::Vector<Text> topicNames;
  int32_t timeoutMs = 0;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics, since(6));
    v("topicNames", m.topicNames, until(5));
    v("timeoutMs", m.timeoutMs);
  }
};

struct DeleteTopicsResponse {
  static constexpr MessageFacts kFacts{20, "DeleteTopicsResponse", versions(1, 6), 4};

  struct Topic {
    kj::Maybe<Text> name;
    Uuid topicId;
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, always().nullableSince(6));
      v("topicId", m.topicId, since(6));
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, since(5).nullable());
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> responses;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("responses", m.responses);
  }
};

}  // namespace cambium::kafka
