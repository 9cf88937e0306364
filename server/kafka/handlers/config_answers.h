#pragma once

#include "engine/metadata/config_description.h"
#include "engine/metadata/topic_config.h"
#include "server/kafka/request_context.h"
#include "server/kafka/wire/value.h"

namespace cambium::kafka {

// Where a config's value comes from (KIP-226).
inline constexpr int8_t kDynamicTopicConfig = 1;
inline constexpr int8_t kStaticBrokerConfig = 4;
inline constexpr int8_t kDefaultConfig = 5;

// What a config belongs to.
inline constexpr int8_t kTopicResource = 2;
inline constexpr int8_t kBrokerResource = 4;
inline constexpr int8_t kBrokerLoggerResource = 8;
inline constexpr int8_t kClientMetricsResource = 16;
inline constexpr int8_t kGroupResource = 32;

int8_t wireSource(ConfigSource source);
// KIP-569.
int8_t wireType(ConfigType type);

// The resource as a request names it: this broker by its number, or all brokers by an empty name. kInvalidRequest when
// it is another.
Result<void> checkBrokerName(RequestContext& context, const Text& name);
Error unknownResourceType(int8_t type);

// What becomes of a topic, or why it cannot.
using ChangesOf = kj::Function<Result<kj::Vector<ConfigChange>>(const Topic& topic)>;

// Alters one resource, or only finds out whether that would do. `names` are the configs asked for. Only topics have
// configs that can be altered.
kj::Promise<Result<void>> alterResource(RequestContext& context, int8_t type, const Text& name,
                                        kj::Vector<kj::String> names, bool validateOnly, ChangesOf changesOf);

}  // namespace cambium::kafka
