#include <map>

#include "engine/base/coroutine.h"
#include "engine/metadata/config_operation.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/config_answers.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

kj::String copyOf(const Text& text) {
  return kj::heapString(text.view().data(), text.size());
}

// The older way: all configs at once, what is not named goes back to its default.
Result<kj::Vector<ConfigChange>> changesOf(const AlterConfigsRequest::Resource& wanted, const Topic& topic) {
  kj::Vector<ConfigSetting> settings;
  for (auto& config : wanted.configs) {
    KJ_IF_MAYBE(value, config.value) {
      settings.add(ConfigSetting{copyOf(config.name), copyOf(*value)});
    } else {
      return makeError(ErrorCode::kInvalidRequest, "config ", copyOf(config.name), " has no value");
    }
  }
  return changesToReplace(topic.settings(), settings);
}

// KIP-339.
Result<kj::Vector<ConfigChange>> changesOf(const IncrementalAlterConfigsRequest::Resource& wanted, const Topic& topic) {
  using Kind = ConfigOperation::Kind;
  constexpr Kind kKinds[] = {Kind::kSet, Kind::kDelete, Kind::kAppend, Kind::kSubtract};
  kj::Vector<ConfigOperation> operations;
  for (auto& config : wanted.configs) {
    if (config.configOperation < 0 || static_cast<size_t>(config.configOperation) >= kj::size(kKinds)) {
      return makeError(ErrorCode::kInvalidRequest, "config ", copyOf(config.name), " has operation ",
                       config.configOperation, "; known are 0 (set), 1 (delete), 2 (append) and 3 (subtract)");
    }
    ConfigOperation operation{copyOf(config.name), kKinds[config.configOperation], nullptr};
    KJ_IF_MAYBE(value, config.value) operation.value = copyOf(*value);
    operations.add(kj::mv(operation));
  }
  return resolveOperations(topic.settings(), operations);
}

template <class Response, class Request>
kj::Promise<Response> alterAll(RequestContext& context, Request& request) {
  Response response;
  std::map<std::pair<int8_t, std::string_view>, size_t> named;
  for (auto& wanted : request.resources)
    ++named[{wanted.resourceType, wanted.resourceName.view()}];
  for (auto& wanted : request.resources) {
    Result<void> outcome;
    if (named[{wanted.resourceType, wanted.resourceName.view()}] > 1) {
      outcome = makeError(ErrorCode::kInvalidRequest, "the resource is named twice in one request");
    } else {
      kj::Vector<kj::String> names;
      for (auto& config : wanted.configs)
        names.add(copyOf(config.name));
      outcome =
          co_await alterResource(context, wanted.resourceType, wanted.resourceName, kj::mv(names), request.validateOnly,
                                 [&wanted](const Topic& topic) { return changesOf(wanted, topic); });
    }
    auto& answer = response.responses.add();
    answer.resourceType = wanted.resourceType;
    answer.resourceName = wanted.resourceName.view();
    if (outcome.ok()) continue;
    answer.errorCode = wireCode(outcome.error().code);
    answer.errorMessage = wireMessage(outcome.error());
  }
  co_return kj::mv(response);
}

}  // namespace

kj::Promise<AlterConfigsResponse> handle(RequestContext& context, AlterConfigsRequest& request) {
  return alterAll<AlterConfigsResponse>(context, request);
}

kj::Promise<IncrementalAlterConfigsResponse> handle(RequestContext& context, IncrementalAlterConfigsRequest& request) {
  return alterAll<IncrementalAlterConfigsResponse>(context, request);
}

}  // namespace cambium::kafka
