#pragma once

#include "server/kafka/wire/shape.h"

// Metadata (key 3). Source of the fields: MetadataRequest.json and MetadataResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct MetadataRequest {
  static constexpr MessageFacts kFacts{3, "MetadataRequest", versions(0, 13), 9};

  struct Topic {
    Uuid topicId;
    kj::Maybe<Text> name;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topicId", m.topicId, since(10));
      v("name", m.name, always().nullableSince(10));
    }
  };

  kj::Maybe<kj::Vector<Topic>> topics;
  bool allowAutoTopicCreation = true;
  bool includeClusterAuthorizedOperations = false;
  bool includeTopicAuthorizedOperations = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics, always().nullableSince(1));
    v("allowAutoTopicCreation", m.allowAutoTopicCreation, since(4));
    v("includeClusterAuthorizedOperations", m.includeClusterAuthorizedOperations, between(8, 10));
    v("includeTopicAuthorizedOperations", m.includeTopicAuthorizedOperations, since(8));
  }
};

struct MetadataResponse {
  static constexpr MessageFacts kFacts{3, "MetadataResponse", versions(0, 13), 9};

  struct Broker {
    int32_t nodeId = 0;
    Text host;
    int32_t port = 0;
    kj::Maybe<Text> rack;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("nodeId", m.nodeId);
      v("host", m.host);
      v("port", m.port);
      v("rack", m.rack, since(1).nullable());
    }
  };

  struct Topic {
    struct Partition {
      int16_t errorCode = 0;
      int32_t partitionIndex = 0;
      int32_t leaderId = 0;
      int32_t leaderEpoch = -1;
      kj::Vector<int32_t> replicaNodes;
      kj::Vector<int32_t> isrNodes;
      kj::Vector<int32_t> offlineReplicas;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("errorCode", m.errorCode);
        v("partitionIndex", m.partitionIndex);
        v("leaderId", m.leaderId);
        v("leaderEpoch", m.leaderEpoch, since(7));
        v("replicaNodes", m.replicaNodes);
        v("isrNodes", m.isrNodes);
        v("offlineReplicas", m.offlineReplicas, since(5));
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
      v("name", m.name, always().nullableSince(12));
      v("topicId", m.topicId, since(10));
      v("isInternal", m.isInternal, since(1));
      v("partitions", m.partitions);
      v("topicAuthorizedOperations", m.topicAuthorizedOperations, since(8));
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Broker> brokers;
  kj::Maybe<Text> clusterId;
  int32_t controllerId = -1;
  kj::Vector<Topic> topics;
  int32_t clusterAuthorizedOperations = -2147483648;
  int16_t errorCode = 0;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(3));
    v("brokers", m.brokers);
    v("clusterId", m.clusterId, since(2).nullable());
    v("controllerId", m.controllerId, since(1));
    v("topics", m.topics);
    v("clusterAuthorizedOperations", m.clusterAuthorizedOperations, between(8, 10));
    v("errorCode", m.errorCode, since(13));
  }
};

}  // namespace cambium::kafka
