#pragma once

#include "server/kafka/wire/shape.h"

// ListPartitionReassignments (key 46). Source of the fields: ListPartitionReassignmentsRequest.json and
// ListPartitionReassignmentsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct ListPartitionReassignmentsRequest {
  static constexpr MessageFacts kFacts{46, "ListPartitionReassignmentsRequest", versions(0, 0), 0};

  struct Topic {
    Text name;
    kj::Vector<int32_t> partitionIndexes;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("partitionIndexes", m.partitionIndexes);
    }
  };

  int32_t timeoutMs = 60000;
  kj::Maybe<kj::Vector<Topic>> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("timeoutMs", m.timeoutMs);
    v("topics", m.topics, nullable());
  }
};

struct ListPartitionReassignmentsResponse {
  static constexpr MessageFacts kFacts{46, "ListPartitionReassignmentsResponse", versions(0, 0), 0};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      kj::Vector<int32_t> replicas;
      kj::Vector<int32_t> addingReplicas;
      kj::Vector<int32_t> removingReplicas;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("replicas", m.replicas);
        v("addingReplicas", m.addingReplicas);
        v("removingReplicas", m.removingReplicas);
      }
    };

    Text name;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("partitions", m.partitions);
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("errorMessage", m.errorMessage, nullable());
    v("topics", m.topics);
  }
};

}  // namespace cambium::kafka
