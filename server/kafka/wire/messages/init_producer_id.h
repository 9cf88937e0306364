#pragma once

#include "server/kafka/wire/shape.h"

// InitProducerId (key 22). Source of the fields: InitProducerIdRequest.json and InitProducerIdResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct InitProducerIdRequest {
  static constexpr MessageFacts kFacts{22, "InitProducerIdRequest", versions(0, 5), 2};

  kj::Maybe<Text> transactionalId;
  int32_t transactionTimeoutMs = 0;
  int64_t producerId = -1;
  int16_t producerEpoch = -1;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("transactionalId", m.transactionalId, nullable());
    v("transactionTimeoutMs", m.transactionTimeoutMs);
    v("producerId", m.producerId, since(3));
    v("producerEpoch", m.producerEpoch, since(3));
  }
};

struct InitProducerIdResponse {
  static constexpr MessageFacts kFacts{22, "InitProducerIdResponse", versions(0, 5), 2};

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  int64_t producerId = -1;
  int16_t producerEpoch = 0;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("producerId", m.producerId);
    v("producerEpoch", m.producerEpoch);
  }
};

}  // namespace cambium::kafka
