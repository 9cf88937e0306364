#pragma once

#include "server/kafka/wire/shape.h"

// ListOffsets (key 2). Source of the fields: ListOffsetsRequest.json and ListOffsetsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct ListOffsetsRequest {
  static constexpr MessageFacts kFacts{2, "ListOffsetsRequest", versions(1, 11), 6};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int32_t currentLeaderEpoch = -1;
      int64_t timestamp = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("currentLeaderEpoch", m.currentLeaderEpoch, since(4));
        v("timestamp", m.timestamp);
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

  int32_t replicaId = 0;
  int8_t isolationLevel = 0;
  kj::Vector<Topic> topics;
  int32_t timeoutMs = 0;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("replicaId", m.replicaId);
    v("isolationLevel", m.isolationLevel, since(2));
    v("topics", m.topics);
    v("timeoutMs", m.timeoutMs, since(10));
  }
};

struct ListOffsetsResponse {
  static constexpr MessageFacts kFacts{2, "ListOffsetsResponse", versions(1, 11), 6};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int16_t errorCode = 0;
      int64_t timestamp = -1;
      int64_t offset = -1;
      int32_t leaderEpoch = -1;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("errorCode", m.errorCode);
        v("timestamp", m.timestamp);
        v("offset", m.offset);
        v("leaderEpoch", m.leaderEpoch, since(4));
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
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(2));
    v("topics", m.topics);
  }
};

}  // namespace cambium::kafka
