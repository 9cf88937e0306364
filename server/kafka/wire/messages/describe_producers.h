#pragma once

#include "server/kafka/wire/shape.h"

// DescribeProducers (key 61). Source of the fields: DescribeProducersRequest.json and DescribeProducersResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeProducersRequest {
  static constexpr MessageFacts kFacts{61, "DescribeProducersRequest", versions(0, 0), 0};

  struct Topic {
    Text name;
    kj::Vector<int32_t> partitionIndexes;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("partitionIndexes", m.partitionIndexes);
    }
  };

  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics);
  }
};

struct DescribeProducersResponse {
  static constexpr MessageFacts kFacts{61, "DescribeProducersResponse", versions(0, 0), 0};

  struct Topic {
    struct Partition {
      struct ActiveProducer {
        int64_t producerId = 0;
        int32_t producerEpoch = 0;
        int32_t lastSequence = -1;
        int64_t lastTimestamp = -1;
        int32_t coordinatorEpoch = 0;
        int64_t currentTxnStartOffset = -1;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("producerId", m.producerId);
          v("producerEpoch", m.producerEpoch);
          v("lastSequence", m.lastSequence);
          v("lastTimestamp", m.lastTimestamp);
          v("coordinatorEpoch", m.coordinatorEpoch);
          v("currentTxnStartOffset", m.currentTxnStartOffset);
        }
      };

      int32_t partitionIndex = 0;
      int16_t errorCode = 0;
      kj::Maybe<Text> errorMessage;
      kj::Vector<ActiveProducer> activeProducers;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("errorCode", m.errorCode);
        v("errorMessage", m.errorMessage, nullable());
        v("activeProducers", m.activeProducers);
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
    v("throttleTimeMs", m.throttleTimeMs);
    v("topics", m.topics);
  }
};

}  // namespace cambium::kafka
