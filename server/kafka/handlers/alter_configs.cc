#include "engine/base/coroutine.h"
#include "engine/metadata/config_operation.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/config_answers.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

kj::String copyOf(const Text& text) {
  return kj::heapString(text.view().data(), text.size());
}

// The older way: all configs at once, what is not named goes back to its default.
Result<kj::Vector<ConfigChange>> changesOf(const AlterConfigsRequest::Resource& wanted,
                                           kj::ArrayPtr<const ConfigSetting> before) {
  kj::Vector<ConfigSetting> settings;
  for (auto& config : wanted.configs) {
    KJ_IF_MAYBE(value, config.value) {
      settings.add(ConfigSetting{copyOf(config.name), copyOf(*value)});
    } else {
      return makeError(ErrorCode::kInvalidRequest, "config ", copyOf(config.name), " has no value");
    }
  }
  return changesToReplace(before, settings);
}

// KIP-339.
Result<kj::Vector<ConfigChange>> changesOf(const IncrementalAlterConfigsRequest::Resource& wanted,
                                           kj::ArrayPtr<const ConfigSetting> before) {
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
  return resolveOperations(before, operations);
}

// Levels of loggers are set one by one (KIP-412); the older way does not know them.
Result<void> alterLoggers(RequestContext&, const AlterConfigsRequest::Resource& wanted, bool) {
  return makeError(ErrorCode::kInvalidRequest, "levels of loggers are set by IncrementalAlterConfigs, not all at once");
}

// What a logger's level becomes, or why it cannot. There is one logger, which everything is logged by.
Result<LogLevel> levelOf(const IncrementalAlterConfigsRequest::Resource::Config& config) {
  constexpr int8_t kSet = 0;
  if (config.configOperation != kSet) {
    return makeError(ErrorCode::kInvalidRequest, "the level of a logger can be set, not taken away or added to");
  }
  if (config.name.view() != kRootLogger) {
    return makeError(ErrorCode::kInvalidConfig, "there is no logger \"", config.name, "\"; there is ",
                     kRootLogger.data());
  }
  KJ_IF_MAYBE(value, config.value) {
    KJ_IF_MAYBE(level, findLogLevel(copyOf(*value))) return *level;
    return makeError(ErrorCode::kInvalidConfig, "\"", *value, "\" is no level; known are ",
                     kj::strArray(kLogLevelNames, ", "));
  }
  return makeError(ErrorCode::kInvalidRequest, "the level of ", config.name, " is missing");
}

Result<void> alterLoggers(RequestContext& context, const IncrementalAlterConfigsRequest::Resource& wanted,
                          bool validateOnly) {
  auto named = checkLoggersName(context, wanted.resourceName);
  if (!named.ok()) return named;
  auto& current = context.broker().logLevel();
  auto wish = current.get();
  for (auto& config : wanted.configs) {
    auto level = levelOf(config);
    if (!level.ok()) return kj::mv(level.error());
    wish = level.value();
  }
  if (!validateOnly) current.set(wish);
  return Result<void>();
}

template <class Response, class Request>
kj::Promise<Response> alterAll(RequestContext& context, Request& request) {
  Response response;
  using Named = NamedTwice<int8_t, std::string_view>;
  Named named;
  for (auto& wanted : request.resources)
    named.name(wanted.resourceType, wanted.resourceName);
  WorkShare share(context.turns());
  for (auto& wanted : request.resources) {
    if (share.use(4 + wanted.configs.size())) co_await share.turn();
    auto what = named.answer(wanted.resourceType, wanted.resourceName);
    if (what == Named::Answer::kNone) continue;
    Result<void> outcome;
    if (what == Named::Answer::kRefuse) {
      outcome = namedTwice("resource"_kj, wanted.resourceName);
    } else if (wanted.resourceType == kBrokerLoggerResource) {
      outcome = alterLoggers(context, wanted, request.validateOnly);
    } else {
      outcome = co_await alterResource(
          context, wanted.resourceType, wanted.resourceName, request.validateOnly,
          [&wanted](kj::ArrayPtr<const ConfigSetting> before) { return changesOf(wanted, before); });
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
