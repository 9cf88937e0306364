#include <strings.h>

#include "engine/base/coroutine.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

constexpr kj::StringPtr kClassic = "classic"_kj;

// Names of states and types are compared without regard to case; an empty list lets everything through.
bool passes(const kj::Vector<Text>& filter, kj::StringPtr name) {
  if (filter.size() == 0) return true;
  for (auto& wanted : filter) {
    if (wanted.size() == name.size() && strncasecmp(wanted.view().data(), name.cStr(), name.size()) == 0) return true;
  }
  return false;
}

}  // namespace

kj::Promise<ListGroupsResponse> handle(RequestContext& context, ListGroupsRequest& request) {
  ListGroupsResponse response;
  constexpr size_t kBytesPerGroup = 512;
  WorkShare share(context.turns());
  for (auto& group : co_await context.broker().listGroups()) {
    if (share.use(1 + request.statesFilter.size() / 8)) co_await share.turn();
    auto state = groupStateName(group.state);
    if (!passes(request.statesFilter, state) || !passes(request.typesFilter, kClassic)) continue;
    auto bytes = Bytes(kBytesPerGroup + 2 * (group.group.size() + group.protocolType.size()));
    if (!context.room.tryGrow(bytes)) co_await context.room.grow(bytes);
    auto& answer = response.groups.add();
    answer.groupId = Text(group.group);
    answer.protocolType = Text(group.protocolType);
    answer.groupState = Text(state);
    answer.groupType = Text(kClassic);
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
