#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/group_identity.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

// From this version on a member says what it has agreed to (KIP-559).
constexpr Version kProtocolSince = 5;

}  // namespace

kj::Promise<SyncGroupResponse> handle(RequestContext& context, SyncGroupRequest& request) {
  if (context.version() >= kProtocolSince && (request.protocolType == nullptr || request.protocolName == nullptr)) {
    SyncGroupResponse refusal;
    refusal.errorCode = wireCode(ErrorCode::kInconsistentGroupProtocol);
    co_return kj::mv(refusal);
  }
  cambium::SyncGroupRequest wish{
      .who = identify(request.groupId, request.memberId, request.groupInstanceId, request.generationId),
      .protocolType = optional(request.protocolType),
      .protocol = optional(request.protocolName),
      .assignments = {}};
  for (auto& assignment : request.assignments)
    wish.assignments.add(MemberAssignment{assignment.memberId.str(), assignment.assignment.toArray()});
  auto answer = co_await context.broker().syncGroup(kj::mv(wish));
  co_await context.room.grow(Bytes(answer.assignment.size()));
  SyncGroupResponse response;
  response.errorCode = wireCode(answer.error);
  response.protocolType = optional(answer.protocolType);
  response.protocolName = optional(answer.protocol);
  response.assignment = Binary(kj::mv(answer.assignment));
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
