#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/config_answers.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

using Answer = DescribeConfigsResponse::Result;
using Wanted = DescribeConfigsRequest::Resource;

Result<kj::Vector<ConfigDescription>> configsOf(RequestContext& context, const Wanted& wanted) {
  if (wanted.resourceType != kTopicResource) {
    auto owner = ownerOf(context, wanted.resourceType, wanted.resourceName);
    if (!owner.ok()) return kj::mv(owner.error());
    return context.broker().describeConfigs(owner.value());
  }
  auto name = kj::heapString(wanted.resourceName.view().data(), wanted.resourceName.size());
  auto topic = describedTopic(context.broker(), name);
  if (!topic.ok()) return kj::mv(topic.error());
  auto configs = describeConfigs(topic.value()->settings());
  for (auto& config : configs) {
    // Every topic has one, whether or not it was asked for.
    if (config.name == "storage.engine") config.value = kj::str(topic.value()->engine());
  }
  return kj::mv(configs);
}

// Names that one look at a config compares, in units of WorkShare.
size_t unitsPerConfig(const Wanted& wanted) {
  constexpr size_t kNamesPerUnit = 128;
  size_t names = 0;
  KJ_IF_MAYBE(keys, wanted.configurationKeys) names = keys->size();
  return 1 + names / kNamesPerUnit;
}

bool isWanted(const Wanted& wanted, kj::StringPtr name) {
  KJ_IF_MAYBE(keys, wanted.configurationKeys) {
    if (keys->size() == 0) return true;
    for (auto& key : *keys)
      if (key.view() == std::string_view(name.begin(), name.size())) return true;
    return false;
  }
  return true;
}

void fill(Answer::Config& entry, ConfigDescription& config, const DescribeConfigsRequest& request) {
  entry.name = config.name;
  entry.readOnly = config.readOnly;
  entry.configSource = wireSource(config.source);
  entry.isSensitive = config.sensitive;
  entry.configType = wireType(config.type);
  if (request.includeSynonyms) {
    for (auto& layer : config.layers) {
      auto& synonym = entry.synonyms.add();
      synonym.name = layer.name;
      synonym.source = wireSource(layer.source);
      if (!config.sensitive) synonym.value = Text(kj::mv(layer.value));
    }
  }
  if (request.includeDocumentation) entry.documentation = Text(config.documentation);
  if (!config.sensitive) entry.value = Text(kj::mv(config.value));
}

void describeLoggers(RequestContext& context, const Wanted& wanted, Answer& answer) {
  auto named = checkLoggersName(context, wanted.resourceName);
  if (!named.ok()) {
    answer.errorCode = wireCode(named.error().code);
    answer.errorMessage = wireMessage(named.error());
    return;
  }
  if (!isWanted(wanted, kj::StringPtr(kRootLogger.data(), kRootLogger.size()))) return;
  auto& entry = answer.configs.add();
  entry.name = kRootLogger;
  entry.value = Text(logLevelName(context.broker().logLevel().get()));
  entry.configSource = kLoggerSource;
}

}  // namespace

kj::Promise<DescribeConfigsResponse> handle(RequestContext& context, DescribeConfigsRequest& request) {
  DescribeConfigsResponse response;
  // Values and synonyms, and what is said about a config.
  size_t bytesPerConfig = 512 + (request.includeDocumentation ? 2048 : 0);
  NamedOnce<int8_t, std::string_view> named;
  WorkShare share(context.turns());
  for (auto& wanted : request.resources) {
    if (share.use(10)) co_await share.turn();
    if (!named.first(wanted.resourceType, wanted.resourceName)) continue;
    auto& answer = response.results.add();
    answer.resourceType = wanted.resourceType;
    answer.resourceName = wanted.resourceName.view();
    if (wanted.resourceType == kBrokerLoggerResource) {
      describeLoggers(context, wanted, answer);
      continue;
    }
    auto configs = configsOf(context, wanted);
    if (!configs.ok()) {
      answer.errorCode = wireCode(configs.error().code);
      answer.errorMessage = wireMessage(configs.error());
      continue;
    }
    co_await context.room.grow(Bytes(configs.value().size() * bytesPerConfig));
    for (auto& config : configs.value()) {
      if (share.use(unitsPerConfig(wanted))) co_await share.turn();
      if (isWanted(wanted, config.name)) fill(answer.configs.add(), config, request);
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
