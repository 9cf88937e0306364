#pragma once

#include "engine/metadata/config_description.h"
#include "engine/metadata/config_owner.h"
#include "server/kafka/request_context.h"
#include "server/kafka/wire/value.h"

namespace cambium::kafka {

// What a config belongs to, on the wire.
inline constexpr int8_t kTopicResource = 2;
inline constexpr int8_t kBrokerResource = 4;
inline constexpr int8_t kBrokerLoggerResource = 8;
inline constexpr int8_t kClientMetricsResource = 16;
inline constexpr int8_t kGroupResource = 32;

// The one logger there is, and where its level comes from (KIP-412).
inline constexpr std::string_view kRootLogger = "root";
inline constexpr int8_t kLoggerSource = 6;

// Where a config's value comes from (KIP-226).
int8_t wireSource(ConfigSource source);
// KIP-569.
int8_t wireType(ConfigType type);

// Whose configs a resource stands for: this broker by its number, all brokers by an empty name, a group or a
// subscription of client metrics. kInvalidRequest for another broker, and for what has no configs of this kind.
Result<ConfigOwner> ownerOf(RequestContext& context, int8_t type, const Text& name);
// kInvalidRequest when the resource is not the loggers of this broker.
Result<void> checkLoggersName(RequestContext& context, const Text& name);

// What becomes of the settings of a resource, or why it cannot.
using ChangesOf = kj::Function<Result<kj::Vector<ConfigChange>>(kj::ArrayPtr<const ConfigSetting> settings)>;

// Alters the configs of a topic, a broker, a group or a subscription, or only finds out whether that would do.
kj::Promise<Result<void>> alterResource(RequestContext& context, int8_t type, const Text& name, bool validateOnly,
                                        ChangesOf changesOf);

}  // namespace cambium::kafka
