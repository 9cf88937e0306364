#pragma once

#include "server/kafka/wire/shape.h"

// OffsetForLeaderEpoch (key 23). Source of the fields: OffsetForLeaderEpochRequest.json and
// OffsetForLeaderEpochResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct OffsetForLeaderEpochRequest {
  static constexpr MessageFacts kFacts{23, "OffsetForLeaderEpochRequest", versions(2, 4), 4};

  struct Topic {
    struct Partition {
      int32_t partition = 0;
      int32_t currentLeaderEpoch = -1;
      int32_t leaderEpoch = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partition", m.partition);
        v("currentLeaderEpoch", m.currentLeaderEpoch);
        v("leaderEpoch", m.leaderEpoch);
      }
    };

    Text topic;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topic", m.topic);
      v("partitions", m.partitions);
    }
  };

  int32_t replicaId = -2;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("replicaId", m.replicaId, since(3));
    v("topics", m.topics);
  }
};

struct OffsetForLeaderEpochResponse {
  static constexpr MessageFacts kFacts{23, "OffsetForLeaderEpochResponse", versions(2, 4), 4};

  struct Topic {
    struct Partition {
      int16_t errorCode = 0;
      int32_t partition = 0;
      int32_t leaderEpoch = -1;
      int64_t endOffset = -1;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("errorCode", m.errorCode);
        v("partition", m.partition);
        v("leaderEpoch", m.leaderEpoch);
        v("endOffset", m.endOffset);
      }
    };

    Text topic;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topic", m.topic);
      v("partitions", m.partitions);
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
