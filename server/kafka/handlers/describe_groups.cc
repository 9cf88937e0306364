#include <set>

#include "engine/base/coroutine.h"
#include "server/kafka/authorized_operations.h"
#include "server/kafka/error_code.h"
#include "server/kafka/group_identity.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

// From this version on a group that is not there is an error; before, it is shown as dead (KIP-1043).
constexpr Version kNotFoundSince = 6;

}  // namespace

kj::Promise<DescribeGroupsResponse> handle(RequestContext& context, DescribeGroupsRequest& request) {
  DescribeGroupsResponse response;
  std::set<std::string_view> answered;  // each once, however often it is named
  for (auto& name : request.groups) {
    if (!answered.insert(name.view()).second) continue;
    auto described = co_await context.broker().describeGroup(name.str());
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
