#include "server/kafka/handlers/config_answers.h"

#include "engine/base/coroutine.h"
#include "engine/base/text.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

using Kind = ConfigOwner::Kind;

kj::String copyOf(const Text& text) {
  return kj::heapString(text.view().data(), text.size());
}

Result<void> checkBrokerNumber(RequestContext& context, kj::StringPtr number) {
  KJ_IF_MAYBE(id, parseInteger<int32_t>(number)) {
    if (*id == context.brokerId()) return Result<void>();
  }
  return makeError(ErrorCode::kInvalidRequest, "there is no broker \"", number, "\" here: expected ",
                   context.brokerId());
}

kj::Promise<Result<void>> alterTopicConfigs(RequestContext& context, const Text& name, bool validateOnly,
                                            ChangesOf& changesOf) {
  if (name.empty()) {
    co_return makeError(
        ErrorCode::kInvalidRequest,
        "the topic has no name, and there are no configs for all topics at once: expected a topic's name");
  }
  auto found = describedTopic(context.broker(), copyOf(name));
  if (!found.ok()) co_return kj::mv(found.error());
  auto& topic = *found.value();
  auto changes = changesOf(topic.settings());
  if (!changes.ok()) co_return kj::mv(changes.error());
  // Whoever changes nothing needs no commit.
  if (validateOnly || changes.value().size() == 0) {
    auto altered = alterSettings(topic.settings(), changes.value());
    if (!altered.ok()) co_return kj::mv(altered.error());
    co_return checkBounds(changes.value(), context.broker().facts().config);
  }
  co_return co_await context.broker().alterTopic(kj::str(topic.name()), kj::mv(changes.value()));
}

}  // namespace

int8_t wireSource(ConfigSource source) {
  switch (source) {
    case ConfigSource::kTopic:
      return 1;
    case ConfigSource::kThisBroker:
      return 2;
    case ConfigSource::kEveryBroker:
      return 3;
    case ConfigSource::kCommandLine:
      return 4;
    case ConfigSource::kDefault:
      return 5;
    case ConfigSource::kClientMetrics:
      return 7;
    case ConfigSource::kGroup:
      return 8;
  }
  KJ_UNREACHABLE;
}

int8_t wireType(ConfigType type) {
  // 0 stands for unknown; the order is the same.
  return static_cast<int8_t>(static_cast<int8_t>(type) + 1);
}

Result<ConfigOwner> ownerOf(RequestContext& context, int8_t type, const Text& name) {
  if (type == kBrokerResource) {
    if (name.empty()) return ConfigOwner{Kind::kBroker, kj::str()};
    auto checked = checkBrokerNumber(context, copyOf(name));
    if (!checked.ok()) return kj::mv(checked.error());
    return ConfigOwner{Kind::kBroker, kj::str(context.brokerId())};
  }
  if (type != kGroupResource && type != kClientMetricsResource) {
    return makeError(ErrorCode::kInvalidRequest, "resources of type ", type, " have no configs here: expected ",
                     kTopicResource, " (topic), ", kBrokerResource, " (broker), ", kBrokerLoggerResource, " (logger), ",
                     kClientMetricsResource, " (client metrics) or ", kGroupResource, " (group)");
  }
  ConfigOwner owner{type == kGroupResource ? Kind::kGroup : Kind::kClientMetrics, copyOf(name)};
  auto checked = checkOwnerName(owner);
  if (!checked.ok()) return kj::mv(checked.error());
  return kj::mv(owner);
}

Result<void> checkLoggersName(RequestContext& context, const Text& name) {
  return checkBrokerNumber(context, copyOf(name));
}

kj::Promise<Result<void>> alterResource(RequestContext& context, int8_t type, const Text& name, bool validateOnly,
                                        ChangesOf changesOf) {
  if (type == kTopicResource) co_return co_await alterTopicConfigs(context, name, validateOnly, changesOf);
  auto owner = ownerOf(context, type, name);
  if (!owner.ok()) co_return kj::mv(owner.error());
  auto changes = changesOf(context.broker().settingsOf(owner.value()));
  if (!changes.ok()) co_return kj::mv(changes.error());
  co_return co_await context.broker().alterConfigs(kj::mv(owner.value()), kj::mv(changes.value()), validateOnly);
}

}  // namespace cambium::kafka
