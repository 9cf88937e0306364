#pragma once

#include "server/kafka/wire/shape.h"

// DescribeQuorum (key 55). Source of the fields: DescribeQuorumRequest.json and DescribeQuorumResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeQuorumRequest {
  static constexpr MessageFacts kFacts{55, "DescribeQuorumRequest", versions(0, 2), 0};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
      }
    };

    Text topicName;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topicName", m.topicName);
      v("partitions", m.partitions);
    }
  };

  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics);
  }
};

struct DescribeQuorumResponse {
  static constexpr MessageFacts kFacts{55, "DescribeQuorumResponse", versions(0, 2), 0};

  struct ReplicaState {
    int32_t replicaId = 0;
    Uuid replicaDirectoryId;
    int64_t logEndOffset = 0;
    int64_t lastFetchTimestamp = -1;
    int64_t lastCaughtUpTimestamp = -1;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("replicaId", m.replicaId);
      v("replicaDirectoryId", m.replicaDirectoryId, since(2));
      v("logEndOffset", m.logEndOffset);
      v("lastFetchTimestamp", m.lastFetchTimestamp, since(1));
      v("lastCaughtUpTimestamp", m.lastCaughtUpTimestamp, since(1));
    }
  };

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int16_t errorCode = 0;
      kj::Maybe<Text> errorMessage;
      int32_t leaderId = 0;
      int32_t leaderEpoch = 0;
      int64_t highWatermark = 0;
      kj::Vector<ReplicaState> currentVoters;
      kj::Vector<ReplicaState> observers;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("errorCode", m.errorCode);
        v("errorMessage", m.errorMessage, since(2).nullable());
        v("leaderId", m.leaderId);
        v("leaderEpoch", m.leaderEpoch);
        v("highWatermark", m.highWatermark);
        v("currentVoters", m.currentVoters);
        v("observers", m.observers);
      }
    };

    Text topicName;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topicName", m.topicName);
      v("partitions", m.partitions);
    }
  };

  struct Node {
    struct Listener {
      Text name;
      Text host;
      uint16_t port = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name, since(2));
        v("host", m.host, since(2));
        v("port", m.port, since(2));
      }
    };

    int32_t nodeId = 0;
    kj::Vector<Listener> listeners;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("nodeId", m.nodeId, since(2));
      v("listeners", m.listeners, since(2));
    }
  };

  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  kj::Vector<Topic> topics;
  kj::Vector<Node> nodes;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("errorCode", m.errorCode);
    v("errorMessage", m.errorMessage, since(2).nullable());
    v("topics", m.topics);
    v("nodes", m.nodes, since(2));
  }
};

}  // namespace cambium::kafka
