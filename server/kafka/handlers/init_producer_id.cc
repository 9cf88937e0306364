#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

// A producer without transactions gets a new id each time (KIP-98), also when it names one that it had: what it sends
// next then starts at sequence 0.
kj::Promise<InitProducerIdResponse> handle(RequestContext& context, InitProducerIdRequest& request) {
  InitProducerIdResponse response;
  response.producerId = -1;
  response.producerEpoch = -1;
  if (request.transactionalId != nullptr) {
    // Transactions are not served, and every client takes this code as final: after UNSUPPORTED_VERSION librdkafka
    // tries again for ever.
    response.errorCode = wire_code::kTransactionalIdAuthorizationFailed;
    co_return kj::mv(response);
  }
  auto id = co_await context.broker().newProducerId();
  if (!id.ok()) {
    response.errorCode = wireCode(id.error().code);
    co_return kj::mv(response);
  }
  response.producerId = id.value();
  response.producerEpoch = 0;
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
