#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/config_answers.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

// Version 0 lists client metrics only, version 1 whatever is asked for (KIP-1142).
constexpr Version kTypesSince = 1;

bool contains(const kj::Vector<int8_t>& types, int8_t type) {
  for (auto one : types)
    if (one == type) return true;
  return false;
}

bool isKnown(int8_t type) {
  return type == kTopicResource || type == kBrokerResource || type == kBrokerLoggerResource ||
         type == kClientMetricsResource || type == kGroupResource;
}

}  // namespace

kj::Promise<ListConfigResourcesResponse> handle(RequestContext& context, ListConfigResourcesRequest& request) {
  ListConfigResourcesResponse response;
  auto add = [&](int8_t type, Text name) {
    auto& resource = response.configResources.add();
    resource.resourceType = type;
    resource.resourceName = kj::mv(name);
  };
  auto addOwners = [&](int8_t type, ConfigOwner::Kind kind) {
    for (auto& name : context.broker().ownersWithSettings(kind))
      add(type, Text(kj::mv(name)));
  };
  if (context.version() < kTypesSince) {
    addOwners(kClientMetricsResource, ConfigOwner::Kind::kClientMetrics);
    co_return kj::mv(response);
  }
  for (auto type : request.resourceTypes) {
    if (!isKnown(type)) {
      response.errorCode = wireCode(ErrorCode::kUnsupportedVersion);
      co_return kj::mv(response);
    }
  }
  bool all = request.resourceTypes.size() == 0;
  if (all || contains(request.resourceTypes, kTopicResource)) {
    auto image = context.broker().image();
    constexpr size_t kBytesPerTopic = 1024;
    WorkShare share(context.turns());
    co_await context.room.grow(Bytes(image->topics().size() * kBytesPerTopic));
    for (auto& topic : image->topics()) {
      if (share.use()) co_await share.turn();
      add(kTopicResource, Text(kj::str(topic->name())));
    }
  }
  if (all || contains(request.resourceTypes, kBrokerResource)) add(kBrokerResource, Text(kj::str(context.brokerId())));
  if (all || contains(request.resourceTypes, kBrokerLoggerResource)) {
    add(kBrokerLoggerResource, Text(kj::str(context.brokerId())));
  }
  if (all || contains(request.resourceTypes, kClientMetricsResource)) {
    addOwners(kClientMetricsResource, ConfigOwner::Kind::kClientMetrics);
  }
  if (all || contains(request.resourceTypes, kGroupResource)) addOwners(kGroupResource, ConfigOwner::Kind::kGroup);
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
