#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/group_identity.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

// From this version on members without an id are given one first (KIP-394).
constexpr Version kMemberIdRequiredSince = 4;
// From this version on an answer may do without a protocol; before, it is empty (KIP-559).
constexpr Version kProtocolNullableSince = 7;
// Before, the session timeout is meant for rebalances as well (KIP-62).
constexpr Version kRebalanceTimeoutSince = 1;
// From this version on the leader may be told not to assign anything (KIP-814).
constexpr Version kSkipAssignmentSince = 9;

cambium::JoinGroupRequest wishOf(RequestContext& context, JoinGroupRequest& request) {
  cambium::JoinGroupRequest wish{
      .who = identify(request.groupId, request.memberId, request.groupInstanceId, -1),
      .clientId = std::string(context.clientId()),
      .clientHost = context.connection.clientHost.cStr(),
      .protocolType = request.protocolType.str(),
      .protocols = {},
      .sessionTimeoutMs = request.sessionTimeoutMs,
      .rebalanceTimeoutMs =
          context.version() >= kRebalanceTimeoutSince ? request.rebalanceTimeoutMs : request.sessionTimeoutMs,
      .memberIdRequired = context.version() >= kMemberIdRequiredSince && request.groupInstanceId == nullptr,
      .canSkipAssignment = context.version() >= kSkipAssignmentSince};
  for (auto& protocol : request.protocols)
    wish.protocols.add(GroupProtocol{protocol.name.str(), protocol.metadata.toArray()});
  return wish;
}

}  // namespace

kj::Promise<JoinGroupResponse> handle(RequestContext& context, JoinGroupRequest& request) {
  auto answer = co_await context.broker().joinGroup(wishOf(context, request));
  constexpr size_t kBytesPerMember = 256;
  size_t bytes = 0;
  for (auto& member : answer.members)
    bytes += kBytesPerMember + 2 * member.member.size() + member.metadata.size();
  co_await context.room.grow(Bytes(bytes));
  JoinGroupResponse response;
  response.errorCode = wireCode(answer.error);
  response.generationId = answer.generation;
  response.protocolType = optional(answer.protocolType);
  response.protocolName = optional(answer.protocol);
  if (response.protocolName == nullptr && context.version() < kProtocolNullableSince) response.protocolName = Text("");
  response.leader = Text(answer.leader);
  response.skipAssignment = answer.skipAssignment;
  response.memberId = Text(answer.member);
  for (auto& member : answer.members) {
    auto& entry = response.members.add();
    entry.memberId = Text(member.member);
    entry.groupInstanceId = optional(member.instance);
    entry.metadata = Binary(kj::mv(member.metadata));
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
