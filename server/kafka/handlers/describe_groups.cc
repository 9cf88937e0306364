#include "engine/base/coroutine.h"
#include "server/kafka/authorized_operations.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/group_identity.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

// From this version on a group that is not there is an error; before, it is shown as dead (KIP-1043).
constexpr Version kNotFoundSince = 6;

// In memory and encoded.
Bytes bytesOf(const GroupDescription& group) {
  constexpr size_t kBytesPerMember = 512;
  size_t bytes = 0;
  for (auto& member : group.members) {
    bytes += kBytesPerMember + 2 * (member.member.size() + member.clientId.size() + member.clientHost.size()) +
             member.metadata.size() + member.assignment.size();
  }
  return Bytes(bytes);
}

}  // namespace

kj::Promise<DescribeGroupsResponse> handle(RequestContext& context, DescribeGroupsRequest& request) {
  DescribeGroupsResponse response;
  NamedOnce<std::string_view> named;
  WorkShare share(context.turns());
  for (auto& name : request.groups) {
    if (share.use(2)) co_await share.turn();
    if (!named.first(name)) continue;
    auto described = co_await context.broker().describeGroup(name.str());
    if (described.ok()) co_await context.room.grow(bytesOf(described.value()));
    auto& answer = response.groups.add();
    answer.groupId = name.view();
    if (!described.ok()) {
      answer.errorCode = wireCode(described.error().code);
      if (context.version() >= kNotFoundSince) answer.errorMessage = wireMessage(described.error());
      continue;
    }
    auto& group = described.value();
    answer.groupState = Text(groupStateName(group.state));
    answer.protocolType = Text(group.protocolType);
    answer.protocolData = Text(group.protocol);
    if (group.state == GroupState::kDead && context.version() >= kNotFoundSince) {
      auto error = makeError(ErrorCode::kGroupIdNotFound, "group ", name, " is not found");
      answer.errorCode = wireCode(error.code);
      answer.errorMessage = wireMessage(error);
    } else if (request.includeAuthorizedOperations) {
      answer.authorizedOperations = kGroupOperations;
    }
    for (auto& member : group.members) {
      auto& entry = answer.members.add();
      entry.memberId = Text(member.member);
      entry.groupInstanceId = optional(member.instance);
      entry.clientId = Text(member.clientId);
      entry.clientHost = Text(member.clientHost);
      entry.memberMetadata = Binary(kj::mv(member.metadata));
      entry.memberAssignment = Binary(kj::mv(member.assignment));
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
