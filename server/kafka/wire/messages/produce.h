#pragma once

#include "server/kafka/wire/shape.h"

// Produce (key 0). Source of the fields: ProduceRequest.json and ProduceResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct ProduceRequest {
  static constexpr MessageFacts kFacts{0, "ProduceRequest", versions(3, 13), 9};

  struct Topic {
    struct Partition {
      int32_t index = 0;
      kj::Maybe<Records> records;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("index", m.index);
        v("records", m.records, nullable());
      }
    };

    Text name;
    Uuid topicId;
    kj::Vector<Partition> partitionData;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, until(12));
      v("topicId", m.topicId, since(13));
      v("partitionData", m.partitionData);
    }
  };

  kj::Maybe<Text> transactionalId;
  int16_t acks = 0;
  int32_t timeoutMs = 0;
  kj::Vector<Topic> topicData;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("transactionalId", m.transactionalId, nullable());
    v("acks", m.acks);
    v("timeoutMs", m.timeoutMs);
    v("topicData", m.topicData);
  }
};

struct ProduceResponse {
  static constexpr MessageFacts kFacts{0, "ProduceResponse", versions(3, 13), 9};

  struct Topic {
    struct Partition {
      struct RecordError {
        int32_t batchIndex = 0;
        kj::Maybe<Text> batchIndexErrorMessage;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("batchIndex", m.batchIndex, since(8));
          v("batchIndexErrorMessage", m.batchIndexErrorMessage, since(8).nullable());
        }
      };

      struct LeaderIdAndEpoch {
        int32_t leaderId = -1;
        int32_t leaderEpoch = -1;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("leaderId", m.leaderId, since(10));
          v("leaderEpoch", m.leaderEpoch, since(10));
        }
      };

      int32_t index = 0;
      int16_t errorCode = 0;
      int64_t baseOffset = 0;
      int64_t logAppendTimeMs = -1;
      int64_t logStartOffset = -1;
      kj::Vector<RecordError> recordErrors;
      kj::Maybe<Text> errorMessage;
      kj::Maybe<LeaderIdAndEpoch> currentLeader;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("index", m.index);
        v("errorCode", m.errorCode);
        v("baseOffset", m.baseOffset);
        v("logAppendTimeMs", m.logAppendTimeMs);
        v("logStartOffset", m.logStartOffset, since(5));
        v("recordErrors", m.recordErrors, since(8));
        v("errorMessage", m.errorMessage, since(8).nullable());
        v("currentLeader", m.currentLeader, since(10).tagged(0));
      }
    };

    Text name;
    Uuid topicId;
    kj::Vector<Partition> partitionResponses;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, until(12));
      v("topicId", m.topicId, since(13));
      v("partitionResponses", m.partitionResponses);
    }
  };

  struct NodeEndpoint {
    int32_t nodeId = 0;
    Text host;
    int32_t port = 0;
    kj::Maybe<Text> rack;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("nodeId", m.nodeId, since(10));
      v("host", m.host, since(10));
      v("port", m.port, since(10));
      v("rack", m.rack, since(10).nullable());
    }
  };

  kj::Vector<Topic> responses;
  int32_t throttleTimeMs = 0;
  kj::Vector<NodeEndpoint> nodeEndpoints;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("responses", m.responses);
    v("throttleTimeMs", m.throttleTimeMs);
    v("nodeEndpoints", m.nodeEndpoints, since(10).tagged(0));
  }
};

}  // namespace cambium::kafka
