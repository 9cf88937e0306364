#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/group_identity.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

kj::Promise<HeartbeatResponse> handle(RequestContext& context, HeartbeatRequest& request) {
  auto alive = co_await context.broker().heartbeat(
      identify(request.groupId, request.memberId, request.groupInstanceId, request.generationId));
  HeartbeatResponse response;
  if (!alive.ok()) response.errorCode = wireCode(alive.error().code);
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
