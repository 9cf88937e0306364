#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

kj::Promise<DeleteGroupsResponse> handle(RequestContext& context, DeleteGroupsRequest& request) {
  DeleteGroupsResponse response;
  NamedOnce<std::string_view> named;
  WorkShare share(context.turns());
  for (auto& name : request.groupsNames) {
    if (share.use(2)) co_await share.turn();
    if (!named.first(name)) continue;
    auto deleted = co_await context.broker().deleteGroup(name.str());
    auto& answer = response.results.add();
    answer.groupId = name.view();
    if (!deleted.ok()) answer.errorCode = wireCode(deleted.error().code);
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
