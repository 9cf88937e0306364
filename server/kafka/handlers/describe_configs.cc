#include <set>

#include "engine/broker/broker_settings.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/config_answers.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

using Answer = DescribeConfigsResponse::Result;
using Wanted = DescribeConfigsRequest::Resource;

// Every config of the resource; none for what exists and has none.
Result<kj::Vector<ConfigDescription>> configsOf(RequestContext& context, const Wanted& wanted) {
  switch (wanted.resourceType) {
    case kTopicResource: {
      auto topic =
          context.broker().topic(kj::heapString(wanted.resourceName.view().data(), wanted.resourceName.size()));
      if (!topic.ok()) return kj::mv(topic.error());
      auto configs = describeConfigs(topic.value()->settings());
      for (auto& config : configs) {
        // Every topic has one, whether or not it was asked for.
        if (config.name == "storage.engine") config.value = kj::str(topic.value()->engine());
      }
      return kj::mv(configs);
    }
    case kBrokerResource:
    case kBrokerLoggerResource: {
      auto checked = checkBrokerName(context, wanted.resourceName);
      if (!checked.ok()) return kj::mv(checked.error());
      // Nothing is set for all brokers at once, and loggers have no levels.
      if (wanted.resourceType == kBrokerLoggerResource || wanted.resourceName.empty()) {
        return kj::Vector<ConfigDescription>();
      }
      return describeBroker(context.broker().facts().config);
    }
    case kClientMetricsResource:
    case kGroupResource:
      return kj::Vector<ConfigDescription>();
    default:
      return unknownResourceType(wanted.resourceType);
  }
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

// What would count if what counts were not there (KIP-226), the value in force first.
void addSynonyms(Answer::Config& entry, const ConfigDescription& config) {
  auto add = [&](kj::StringPtr name, kj::StringPtr value, int8_t source) {
    auto& synonym = entry.synonyms.add();
    synonym.name = name;
    synonym.value = Text(kj::str(value));
    synonym.source = source;
  };
  if (!config.isDefault()) add(config.name, config.value, wireSource(config.source));
  bool ofTopic = config.source == ConfigSource::kTopic || config.brokerName.size() > 0;
  if (!ofTopic) {
    add(config.name, config.defaultValue, kDefaultConfig);
  } else if (config.brokerName.size() > 0) {
    add(config.brokerName, config.defaultValue, kDefaultConfig);
  }
}

}  // namespace

kj::Promise<DescribeConfigsResponse> handle(RequestContext& context, DescribeConfigsRequest& request) {
  DescribeConfigsResponse response;
  // Each resource is answered once, however often it is named: a short request must not make an endless answer.
  std::set<std::pair<int8_t, std::string_view>> answered;
  for (auto& wanted : request.resources) {
    if (!answered.emplace(wanted.resourceType, wanted.resourceName.view()).second) continue;
    auto& answer = response.results.add();
    answer.resourceType = wanted.resourceType;
    answer.resourceName = wanted.resourceName.view();
    auto configs = configsOf(context, wanted);
    if (!configs.ok()) {
      answer.errorCode = wireCode(configs.error().code);
      answer.errorMessage = wireMessage(configs.error());
      continue;
    }
    for (auto& config : configs.value()) {
      if (!isWanted(wanted, config.name)) continue;
      auto& entry = answer.configs.add();
      entry.name = config.name;
      entry.readOnly = config.readOnly;
      entry.configSource = wireSource(config.source);
      entry.isSensitive = config.sensitive;
      entry.configType = wireType(config.type);
      if (request.includeSynonyms) addSynonyms(entry, config);
      if (request.includeDocumentation) entry.documentation = Text(config.documentation);
      if (!config.sensitive) entry.value = Text(kj::mv(config.value));
    }
  }
  return kj::mv(response);
}

}  // namespace cambium::kafka
