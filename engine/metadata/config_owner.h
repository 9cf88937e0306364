#pragma once

#include "engine/metadata/metadata_store.h"
#include "engine/metadata/topic_config.h"

// What beside topics has configs of its own, and how the metadata store keeps them.

namespace cambium {

inline constexpr kj::StringPtr kConfigRecords = "configs/"_kj;

struct ConfigOwner {
  enum class Kind : uint8_t { kBroker, kGroup, kClientMetrics };

  Kind kind;
  // The number of a broker, or nothing for all brokers; the name of a group, or of a subscription of client metrics.
  kj::String name;

  ConfigOwner clone() const { return {kind, kj::str(name)}; }
};

// The key of its record: "configs/brokers/1", "configs/brokers/" (all brokers), "configs/groups/billing".
kj::String configKey(const ConfigOwner& owner);
// The owner whose key it is; null when nobody's.
kj::Maybe<ConfigOwner> parseConfigKey(kj::StringPtr key);
// kInvalidRequest when nothing can be kept under such a name.
Result<void> checkOwnerName(const ConfigOwner& owner);

// From and to the value of the store (schema/metadata.capnp, ConfigsRecord). Decoding throws when the bytes are no such
// record.
kj::Vector<ConfigSetting> decodeSettings(ByteView value);
kj::Array<kj::byte> encodeSettings(kj::ArrayPtr<const ConfigSetting> settings);

}  // namespace cambium
