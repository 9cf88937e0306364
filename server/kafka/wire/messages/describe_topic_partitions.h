#pragma once

#include "server/kafka/wire/shape.h"

// DescribeTopicPartitions (key 75). Source of the fields: DescribeTopicPartitionsRequest.json and
// DescribeTopicPartitionsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeTopicPartitionsRequest {
  static constexpr MessageFacts kFacts{75, "DescribeTopicPartitionsRequest", versions(0, 0), 0};

  struct Topic {
    Text name;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
    }
  };

  struct Cursor {
    Text topicName;
    int32_t partitionIndex = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topicName", m.topicName);
      v("partitionIndex", m.partitionIndex);
    }
  };

  kj::Vector<Topic> topics;
  int32_t responsePartitionLimit = 2000;
  kj::Maybe<Cursor> cursor;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics);
    v("responsePartitionLimit", m.responsePartitionLimit);
    v("cursor", m.cursor, nullable());
  }
};

struct DescribeTopicPartitionsResponse {
  static constexpr MessageFacts kFacts{75, "DescribeTopicPartitionsResponse", versions(0, 0), 0};

  struct Topic {
    struct Partition {
      int16_t errorCode = 0;
      int32_t partitionIndex = 0;
      int32_t leaderId = 0;
      int32_t leaderEpoch = -1;
      kj::Vector<int32_t> replicaNodes;
      kj::Vector<int32_t> isrNodes;
      kj::Maybe<kj::Vector<int32_t>> eligibleLeaderReplicas;
      kj::Maybe<kj::Vector<int32_t>> lastKnownElr;
      kj::Vector<int32_t> offlineReplicas;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("errorCode", m.errorCode);
        v("partitionIndex", m.partitionIndex);
        v("leaderId", m.leaderId);
        v("leaderEpoch", m.leaderEpoch);
        v("replicaNodes", m.replicaNodes);
        v("isrNodes", m.isrNodes);
        v("eligibleLeaderReplicas", m.eligibleLeaderReplicas, nullable());
        v("lastKnownElr", m.lastKnownElr, nullable());
        v("offlineReplicas", m.offlineReplicas);
      }
    };

    int16_t errorCode = 0;
    kj::Maybe<Text> name;
    Uuid topicId;
    bool isInternal = false;
    kj::Vector<Partition> partitions;
    int32_t topicAuthorizedOperations = -2147483648;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("name", m.name, nullable());
      v("topicId", m.topicId);
      v("isInternal", m.isInternal);
      v("partitions", m.partitions);
      v("topicAuthorizedOperations", m.topicAuthorizedOperations);
    }
  };

  struct Cursor {
    Text topicName;
    int32_t partitionIndex = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topicName", m.topicName);
      v("partitionIndex", m.partitionIndex);
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> topics;
  kj::Maybe<Cursor> nextCursor;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("topics", m.topics);
    v("nextCursor", m.nextCursor, nullable());
  }
};

}  // namespace cambium::kafka
