#pragma once

#include "server/kafka/wire/shape.h"

// DescribeTransactions (key 65). Source of the fields: DescribeTransactionsRequest.json and
// DescribeTransactionsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeTransactionsRequest {
  static constexpr MessageFacts kFacts{65, "DescribeTransactionsRequest", versions(0, 0), 0};

  kj::Vector<Text> transactionalIds;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("transactionalIds", m.transactionalIds);
  }
};

struct DescribeTransactionsResponse {
  static constexpr MessageFacts kFacts{65, "DescribeTransactionsResponse", versions(0, 0), 0};

  struct TransactionState {
    struct Topic {
      Text topic;
      kj::Vector<int32_t> partitions;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("topic", m.topic);
        v("partitions", m.partitions);
      }
    };

    int16_t errorCode = 0;
    Text transactionalId;
    Text transactionState;
    int32_t transactionTimeoutMs = 0;
    int64_t transactionStartTimeMs = 0;
    int64_t producerId = 0;
    int16_t producerEpoch = 0;
    kj::Vector<Topic> topics;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("transactionalId", m.transactionalId);
      v("transactionState", m.transactionState);
      v("transactionTimeoutMs", m.transactionTimeoutMs);
      v("transactionStartTimeMs", m.transactionStartTimeMs);
      v("producerId", m.producerId);
      v("producerEpoch", m.producerEpoch);
      v("topics", m.topics);
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<TransactionState> transactionStates;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("transactionStates", m.transactionStates);
  }
};

}  // namespace cambium::kafka
