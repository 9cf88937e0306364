#pragma once

#include <cstdint>

namespace cambium::kafka {

// What a client may do, as a set of bits numbered by Kafka's AclOperation (KIP-430). Without an authorizer a client may
// do everything that the kind of resource has. A request that does not ask gets the field's default.

// Read, write, create, delete, alter, describe, describe configs, alter configs.
inline constexpr int32_t kTopicOperations = 3576;
// Create, alter, describe, cluster action, describe configs, alter configs, idempotent write.
inline constexpr int32_t kClusterOperations = 8096;
// Read, delete, describe, describe configs, alter configs.
inline constexpr int32_t kGroupOperations = 3400;

}  // namespace cambium::kafka
