#include <set>

#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

// DescribeClientQuotas and AlterClientQuotas. This broker has no quotas: none are shown, taking one away succeeds
// because it is not there, and setting one is refused, since a limit that nobody keeps would be a false promise.

namespace cambium::kafka {

namespace {

bool isEntityType(std::string_view type) {
  return type == "user" || type == "client-id" || type == "ip";
}

bool isQuota(std::string_view key) {
  return key == "producer_byte_rate" || key == "consumer_byte_rate" || key == "request_percentage" ||
         key == "controller_mutation_rate" || key == "connection_creation_rate";
}

Result<void> checkComponent(const DescribeClientQuotasRequest::Component& component) {
  constexpr int8_t kExact = 0;
  constexpr int8_t kAnyName = 2;
  if (component.entityType.empty()) return makeError(ErrorCode::kInvalidRequest, "an entity type is empty");
  if (component.matchType < kExact || component.matchType > kAnyName) {
    return makeError(ErrorCode::kInvalidRequest, "match type ", component.matchType,
                     " is not known; expected 0 (a name), 1 (the default) or 2 (any name)");
  }
  if ((component.match == nullptr) == (component.matchType == kExact)) {
    return makeError(ErrorCode::kInvalidRequest, "a name belongs to match type 0 and to no other");
  }
  if (isEntityType(component.entityType)) return Result<void>();
  return makeError(ErrorCode::kUnsupportedVersion, "entity type \"", component.entityType,
                   "\" is not known; expected user, client-id or ip");
}

Result<void> checkFilter(const DescribeClientQuotasRequest& request) {
  std::set<std::string_view> types;
  for (auto& component : request.components) {
    auto checked = checkComponent(component);
    if (!checked.ok()) return checked;
    if (!types.insert(component.entityType.view()).second) {
      return makeError(ErrorCode::kInvalidRequest, "entity type ", component.entityType, " is named twice");
    }
  }
  if (types.count("ip") > 0 && types.size() > 1) {
    return makeError(ErrorCode::kInvalidRequest, "entity type ip stands alone, without user and client-id");
  }
  return Result<void>();
}

Result<void> checkAlteration(const AlterClientQuotasRequest::Entry& entry) {
  if (entry.entity.size() == 0) return makeError(ErrorCode::kInvalidRequest, "a quota needs an entity");
  for (auto& entity : entry.entity) {
    if (isEntityType(entity.entityType)) continue;
    return makeError(ErrorCode::kInvalidRequest, "entity type \"", entity.entityType,
                     "\" is not known; expected user, client-id or ip");
  }
  for (auto& op : entry.ops) {
    if (!isQuota(op.key)) return makeError(ErrorCode::kInvalidRequest, "there is no quota named \"", op.key, "\"");
  }
  for (auto& op : entry.ops) {
    if (op.remove) continue;
    return makeError(ErrorCode::kUnsupportedVersion, "quota ", op.key,
                     " cannot be set: this broker does not limit its clients by quotas");
  }
  return Result<void>();
}

}  // namespace

kj::Promise<DescribeClientQuotasResponse> handle(RequestContext&, DescribeClientQuotasRequest& request) {
  DescribeClientQuotasResponse response;
  auto checked = checkFilter(request);
  if (checked.ok()) {
    response.entries.emplace();
  } else {
    response.errorCode = wireCode(checked.error().code);
    response.errorMessage = wireMessage(checked.error());
  }
  return kj::mv(response);
}

kj::Promise<AlterClientQuotasResponse> handle(RequestContext&, AlterClientQuotasRequest& request) {
  AlterClientQuotasResponse response;
  for (auto& entry : request.entries) {
    auto& answer = response.entries.add();
    for (auto& entity : entry.entity) {
      auto& named = answer.entity.add();
      named.entityType = entity.entityType.view();
      KJ_IF_MAYBE(name, entity.entityName) named.entityName = Text(name->view());
    }
    auto checked = checkAlteration(entry);
    if (checked.ok()) continue;
    answer.errorCode = wireCode(checked.error().code);
    answer.errorMessage = wireMessage(checked.error());
  }
  return kj::mv(response);
}

}  // namespace cambium::kafka
