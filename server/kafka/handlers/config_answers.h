#pragma once

#include <cstdint>

namespace cambium::kafka {

// Where a config's value comes from (KIP-226).
inline constexpr int8_t kDynamicTopicConfig = 1;
inline constexpr int8_t kStaticBrokerConfig = 4;
inline constexpr int8_t kDefaultConfig = 5;

// What a config belongs to.
inline constexpr int8_t kTopicResource = 2;
inline constexpr int8_t kBrokerResource = 4;
inline constexpr int8_t kBrokerLoggerResource = 8;

}  // namespace cambium::kafka
