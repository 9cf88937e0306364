#pragma once

#include "server/kafka/wire/shape.h"

// ListTransactions (key 66). Source of the fields: ListTransactionsRequest.json and ListTransactionsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct ListTransactionsRequest {
  static constexpr MessageFacts kFacts{66, "ListTransactionsRequest", versions(0, 2), 0};

  kj::Vector<Text> stateFilters;
  kj::Vector<int64_t> producerIdFilters;
  int64_t durationFilter = -1;
  kj::Maybe<Text> transactionalIdPattern;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("stateFilters", m.stateFilters);
    v("producerIdFilters", m.producerIdFilters);
    v("durationFilter", m.durationFilter, since(1));
    v("transactionalIdPattern", m.transactionalIdPattern, since(2).nullable());
  }
};

struct ListTransactionsResponse {
  static constexpr MessageFacts kFacts{66, "ListTransactionsResponse", versions(0, 2), 0};

  struct TransactionState {
    Text transactionalId;
    int64_t producerId = 0;
    Text transactionState;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("transactionalId", m.transactionalId);
      v("producerId", m.producerId);
      v("transactionState", m.transactionState);
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Vector<Text> unknownStateFilters;
  kj::Vector<TransactionState> transactionStates;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("unknownStateFilters", m.unknownStateFilters);
    v("transactionStates", m.transactionStates);
  }
};

}  // namespace cambium::kafka
