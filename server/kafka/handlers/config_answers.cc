#include "server/kafka/handlers/config_answers.h"

#include "engine/base/coroutine.h"
#include "engine/base/text.h"
#include "engine/broker/broker_settings.h"

namespace cambium::kafka {

int8_t wireSource(ConfigSource source) {
  switch (source) {
    case ConfigSource::kTopic:
      return kDynamicTopicConfig;
    case ConfigSource::kBroker:
      return kStaticBrokerConfig;
    case ConfigSource::kDefault:
      return kDefaultConfig;
  }
  KJ_UNREACHABLE;
}

int8_t wireType(ConfigType type) {
  // 0 stands for unknown; the order is the same.
  return static_cast<int8_t>(static_cast<int8_t>(type) + 1);
}

Result<void> checkBrokerName(RequestContext& context, const Text& name) {
  if (name.empty()) return Result<void>();
  auto text = kj::heapString(name.view().data(), name.size());
  KJ_IF_MAYBE(id, parseInteger<int32_t>(text)) {
    if (*id == context.brokerId()) return Result<void>();
  }
  return makeError(ErrorCode::kInvalidRequest, "there is no broker ", text, " here: expected ", context.brokerId(),
                   ", or nothing for all brokers");
}

Error unknownResourceType(int8_t type) {
  return makeError(ErrorCode::kInvalidRequest, "resources of type ", type, " have no configs here: expected ",
                   kTopicResource, " (topic) or ", kBrokerResource, " (broker)");
}

kj::Promise<Result<void>> alterResource(RequestContext& context, int8_t type, const Text& name,
                                        kj::Vector<kj::String> names, bool validateOnly, ChangesOf changesOf) {
  if (type == kBrokerResource || type == kBrokerLoggerResource) {
    auto checked = checkBrokerName(context, name);
    if (!checked.ok() || names.size() == 0) co_return kj::mv(checked);
    if (type == kBrokerResource) co_return brokerConfigIsFixed(names[0]);
    co_return makeError(ErrorCode::kInvalidRequest, "loggers have no levels here: --verbose makes the broker say more");
  }
  if (type != kTopicResource) co_return unknownResourceType(type);
  auto found = context.broker().topic(kj::heapString(name.view().data(), name.size()));
  if (!found.ok()) co_return kj::mv(found.error());
  auto& topic = *found.value();
  auto changes = changesOf(topic);
  if (!changes.ok()) co_return kj::mv(changes.error());
  // Whoever changes nothing needs no commit.
  if (validateOnly || changes.value().size() == 0) {
    auto altered = alterSettings(topic.settings(), changes.value());
    if (!altered.ok()) co_return kj::mv(altered.error());
    co_return Result<void>();
  }
  co_return co_await context.broker().alterTopic(kj::str(topic.name()), kj::mv(changes.value()));
}

}  // namespace cambium::kafka
