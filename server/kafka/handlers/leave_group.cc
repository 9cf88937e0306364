#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/group_identity.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

// From this version on several members leave at once (KIP-345).
constexpr Version kManySince = 3;

}  // namespace

kj::Promise<LeaveGroupResponse> handle(RequestContext& context, LeaveGroupRequest& request) {
  cambium::LeaveGroupRequest wish{.group = request.groupId.str(), .members = {}};
  bool many = context.version() >= kManySince;
  if (!many) wish.members.add(cambium::LeaveGroupRequest::Leaver{request.memberId.str(), nullptr});
  for (auto& member : request.members) {
    wish.members.add(cambium::LeaveGroupRequest::Leaver{member.memberId.str(), optional(member.groupInstanceId)});
  }
  auto answer = co_await context.broker().leaveGroup(kj::mv(wish));
  LeaveGroupResponse response;
  response.errorCode = wireCode(answer.error);
  if (answer.error != nullptr) co_return kj::mv(response);
  if (!many) {
    response.errorCode = wireCode(answer.perMember[0]);
    co_return kj::mv(response);
  }
  for (size_t i = 0; i < request.members.size(); ++i) {
    auto& entry = response.members.add();
    entry.memberId = request.members[i].memberId.view();
    entry.groupInstanceId = request.members[i].groupInstanceId.map([](const Text& t) { return Text(t.view()); });
    entry.errorCode = wireCode(answer.perMember[i]);
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
