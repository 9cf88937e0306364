#pragma once

#include "server/kafka/wire/shape.h"

// ElectLeaders (key 43). Source of the fields: ElectLeadersRequest.json and ElectLeadersResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct ElectLeadersRequest {
  static constexpr MessageFacts kFacts{43, "ElectLeadersRequest", versions(0, 2), 2};

  struct Topic {
    Text topic;
    kj::Vector<int32_t> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topic", m.topic);
      v("partitions", m.partitions);
    }
  };

  int8_t electionType = 0;
  kj::Maybe<kj::Vector<Topic>> topicPartitions;
  int32_t timeoutMs = 60000;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("electionType", m.electionType, since(1));
    v("topicPartitions", m.topicPartitions, nullable());
    v("timeoutMs", m.timeoutMs);
  }
};

struct ElectLeadersResponse {
  static constexpr MessageFacts kFacts{43, "ElectLeadersResponse", versions(0, 2), 2};

  struct Topic {
    struct Partition {
      int32_t partitionId = 0;
      int16_t errorCode = 0;
      kj::Maybe<Text> errorMessage;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionId", m.partitionId);
        v("errorCode", m.errorCode);
        v("errorMessage", m.errorMessage, nullable());
      }
    };

    Text topic;
    kj::Vector<Partition> partitionResult;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topic", m.topic);
      v("partitionResult", m.partitionResult);
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Vector<Topic> replicaElectionResults;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode, since(1));
    v("replicaElectionResults", m.replicaElectionResults);
  }
};

}  // namespace cambium::kafka
