#pragma once

#include "server/kafka/wire/shape.h"

// Fetch (key 1). Source of the fields: FetchRequest.json and FetchResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct FetchRequest {
  static constexpr MessageFacts kFacts{1, "FetchRequest", versions(4, 18), 12};

  struct ReplicaState {
    int32_t replicaId = -1;
    int64_t replicaEpoch = -1;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("replicaId", m.replicaId, since(15));
      v("replicaEpoch", m.replicaEpoch, since(15));
    }
  };

  struct Topic {
    struct Partition {
      int32_t partition = 0;
      int32_t currentLeaderEpoch = -1;
      int64_t fetchOffset = 0;
      int32_t lastFetchedEpoch = -1;
      int64_t logStartOffset = -1;
      int32_t partitionMaxBytes = 0;
      Uuid replicaDirectoryId;
      int64_t highWatermark = INT64_MAX;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partition", m.partition);
        v("currentLeaderEpoch", m.currentLeaderEpoch, since(9));
        v("fetchOffset", m.fetchOffset);
        v("lastFetchedEpoch", m.lastFetchedEpoch, since(12));
        v("logStartOffset", m.logStartOffset, since(5));
        v("partitionMaxBytes", m.partitionMaxBytes);
        v("replicaDirectoryId", m.replicaDirectoryId, since(17).tagged(0));
        v("highWatermark", m.highWatermark, since(18).tagged(1, INT64_MAX));
      }
    };

    Text topic;
    Uuid topicId;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topic", m.topic, until(12));
      v("topicId", m.topicId, since(13));
      v("partitions", m.partitions);
    }
  };

  struct ForgottenTopic {
    Text topic;
    Uuid topicId;
    kj::Vector<int32_t> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topic", m.topic, between(7, 12));
      v("topicId", m.topicId, since(13));
      v("partitions", m.partitions, since(7));
    }
  };

  kj::Maybe<Text> clusterId;
  int32_t replicaId = -1;
  kj::Maybe<ReplicaState> replicaState;
  int32_t maxWaitMs = 0;
  int32_t minBytes = 0;
  int32_t maxBytes = 0x7fffffff;
  int8_t isolationLevel = 0;
  int32_t sessionId = 0;
  int32_t sessionEpoch = -1;
  kj::Vector<Topic> topics;
  kj::Vector<ForgottenTopic> forgottenTopicsData;
  Text rackId;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("clusterId", m.clusterId, since(12).nullable().tagged(0));
    v("replicaId", m.replicaId, until(14));
    v("replicaState", m.replicaState, since(15).tagged(1));
    v("maxWaitMs", m.maxWaitMs);
    v("minBytes", m.minBytes);
    v("maxBytes", m.maxBytes);
    v("isolationLevel", m.isolationLevel);
    v("sessionId", m.sessionId, since(7));
    v("sessionEpoch", m.sessionEpoch, since(7));
    v("topics", m.topics);
    v("forgottenTopicsData", m.forgottenTopicsData, since(7));
    v("rackId", m.rackId, since(11));
  }
};

struct FetchResponse {
  static constexpr MessageFacts kFacts{1, "FetchResponse", versions(4, 18), 12};

  struct Topic {
    struct Partition {
      struct EpochEndOffset {
        int32_t epoch = -1;
        int64_t endOffset = -1;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("epoch", m.epoch, since(12));
          v("endOffset", m.endOffset, since(12));
        }
      };

      struct LeaderIdAndEpoch {
        int32_t leaderId = -1;
        int32_t leaderEpoch = -1;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("leaderId", m.leaderId, since(12));
          v("leaderEpoch", m.leaderEpoch, since(12));
        }
      };

      struct SnapshotId {
        int64_t endOffset = -1;
        int32_t epoch = -1;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("endOffset", m.endOffset);
          v("epoch", m.epoch);
        }
      };

      struct AbortedTransaction {
        int64_t producerId = 0;
        int64_t firstOffset = 0;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("producerId", m.producerId);
          v("firstOffset", m.firstOffset);
        }
      };

      int32_t partitionIndex = 0;
      int16_t errorCode = 0;
      int64_t highWatermark = 0;
      int64_t lastStableOffset = -1;
      int64_t logStartOffset = -1;
      kj::Maybe<EpochEndOffset> divergingEpoch;
      kj::Maybe<LeaderIdAndEpoch> currentLeader;
      kj::Maybe<SnapshotId> snapshotId;
      kj::Maybe<kj::Vector<AbortedTransaction>> abortedTransactions;
      int32_t preferredReadReplica = -1;
      kj::Maybe<Records> records;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("errorCode", m.errorCode);
        v("highWatermark", m.highWatermark);
        v("lastStableOffset", m.lastStableOffset);
        v("logStartOffset", m.logStartOffset, since(5));
        v("divergingEpoch", m.divergingEpoch, since(12).tagged(0));
        v("currentLeader", m.currentLeader, since(12).tagged(1));
        v("snapshotId", m.snapshotId, since(12).tagged(2));
        v("abortedTransactions", m.abortedTransactions, nullable());
        v("preferredReadReplica", m.preferredReadReplica, since(11));
        v("records", m.records, nullable());
      }
    };

    Text topic;
    Uuid topicId;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topic", m.topic, until(12));
      v("topicId", m.topicId, since(13));
      v("partitions", m.partitions);
    }
  };

  struct NodeEndpoint {
    int32_t nodeId = 0;
    Text host;
    int32_t port = 0;
    kj::Maybe<Text> rack;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("nodeId", m.nodeId, since(16));
      v("host", m.host, since(16));
      v("port", m.port, since(16));
      v("rack", m.rack, since(16).nullable());
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  int32_t sessionId = 0;
  kj::Vector<Topic> responses;
  kj::Vector<NodeEndpoint> nodeEndpoints;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode, since(7));
    v("sessionId", m.sessionId, since(7));
    v("responses", m.responses);
    v("nodeEndpoints", m.nodeEndpoints, since(16).tagged(0));
  }
};

}  // namespace cambium::kafka
