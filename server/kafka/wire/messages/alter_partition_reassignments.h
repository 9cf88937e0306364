#pragma once

#include "server/kafka/wire/shape.h"

// AlterPartitionReassignments (key 45). Source of the fields: AlterPartitionReassignmentsRequest.json and
// AlterPartitionReassignmentsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct AlterPartitionReassignmentsRequest {
  static constexpr MessageFacts kFacts{45, "AlterPartitionReassignmentsRequest", versions(0, 1), 0};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      kj::Maybe<kj::Vector<int32_t>> replicas;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("replicas", m.replicas, nullable());
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

  int32_t timeoutMs = 60000;
  bool allowReplicationFactorChange = true;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("timeoutMs", m.timeoutMs);
    v("allowReplicationFactorChange", m.allowReplicationFactorChange, since(1));
    v("topics", m.topics);
  }
};

struct AlterPartitionReassignmentsResponse {
  static constexpr MessageFacts kFacts{45, "AlterPartitionReassignmentsResponse", versions(0, 1), 0};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int16_t errorCode = 0;
      kj::Maybe<Text> errorMessage;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("errorCode", m.errorCode);
        v("errorMessage", m.errorMessage, nullable());
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
  bool allowReplicationFactorChange = true;
  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  kj::Vector<Topic> responses;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("allowReplicationFactorChange", m.allowReplicationFactorChange, since(1));
    v("errorCode", m.errorCode);
    v("errorMessage", m.errorMessage, nullable());
    v("responses", m.responses);
  }
};

}  // namespace cambium::kafka
