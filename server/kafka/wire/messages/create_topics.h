#pragma once

#include "server/kafka/wire/shape.h"

// CreateTopics (key 19). Source of the fields: CreateTopicsRequest.json and CreateTopicsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct CreateTopicsRequest {
  static constexpr MessageFacts kFacts{19, "CreateTopicsRequest", versions(2, 7), 5};

  struct Topic {
    struct Assignment {
      int32_t partitionIndex = 0;
      kj::Vector<int32_t> brokerIds;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("brokerIds", m.brokerIds);
      }
    };

    struct Config {
      Text name;
      kj::Maybe<Text> value;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name);
        v("value", m.value, nullable());
      }
    };

    Text name;
    int32_t numPartitions = 0;
    int16_t replicationFactor = 0;
    kj::Vector<Assignment> assignments;
    kj::Vector<Config> configs;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("numPartitions", m.numPartitions);
      v("replicationFactor", m.replicationFactor);
      v("assignments", m.assignments);
      v("configs", m.configs);
    }
  };

  kj::Vector<Topic> topics;
  int32_t timeoutMs = 60000;
  bool validateOnly = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics);
    v("timeoutMs", m.timeoutMs);
    v("validateOnly", m.validateOnly);
  }
};

struct CreateTopicsResponse {
  static constexpr MessageFacts kFacts{19, "CreateTopicsResponse", versions(2, 7), 5};

  struct Topic {
    struct Config {
      Text name;
      kj::Maybe<Text> value;
      bool readOnly = false;
      int8_t configSource = -1;
      bool isSensitive = false;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name, since(5));
        v("value", m.value, since(5).nullable());
        v("readOnly", m.readOnly, since(5));
        v("configSource", m.configSource, since(5));
        v("isSensitive", m.isSensitive, since(5));
      }
    };

    Text name;
    Uuid topicId;
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;
    int16_t topicConfigErrorCode = 0;
    int32_t numPartitions = -1;
    int16_t replicationFactor = -1;
    kj::Maybe<kj::Vector<Config>> configs;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("topicId", m.topicId, since(7));
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
      v("topicConfigErrorCode", m.topicConfigErrorCode, since(5).tagged(0));
      v("numPartitions", m.numPartitions, since(5));
      v("replicationFactor", m.replicationFactor, since(5));
      v("configs", m.configs, since(5).nullable());
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("topics", m.topics);
  }
};

}  // namespace cambium::kafka
