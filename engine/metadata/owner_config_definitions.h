#pragma once

#include "engine/metadata/config_owner.h"
#include "engine/metadata/config_value.h"

// The configs that a group and a subscription of client metrics can have. Names, types, defaults and bounds are those
// of Kafka 4.3.1. They are kept and shown, and nothing follows from them: this broker serves neither groups of the
// newer protocols nor the metrics of clients.

namespace cambium {

struct OwnerConfigDefinition {
  kj::StringPtr name;
  // Kafka's name of the broker-wide default; empty: there is none.
  kj::StringPtr brokerName;
  ConfigType type;
  kj::StringPtr defaultValue;
  AllowedValues allowed;
  kj::StringPtr documentation;
  // What cannot be said by `allowed`; null: nothing.
  bool (*check)(kj::StringPtr value) = nullptr;
  // With which a value is refused that is not allowed.
  ErrorCode refusal = ErrorCode::kInvalidConfig;
};

// Sorted by name. Requires a kind other than broker (see engine/broker/broker_settings.h).
kj::ArrayPtr<const OwnerConfigDefinition> ownerConfigDefinitions(ConfigOwner::Kind kind);

// Every config that such an owner can have, as it stands with `settings`.
kj::Vector<ConfigDescription> describeOwner(ConfigOwner::Kind kind, kj::ArrayPtr<const ConfigSetting> settings);

// `settings` after `changes`, sorted by name, checked. A config that does not exist can be taken away, not set.
Result<kj::Vector<ConfigSetting>> alterOwner(ConfigOwner::Kind kind, kj::ArrayPtr<const ConfigSetting> settings,
                                             kj::ArrayPtr<const ConfigChange> changes);

// `settings` after `changes`, sorted by name, of any owner; nothing is checked.
kj::Vector<ConfigSetting> mergeSettings(kj::ArrayPtr<const ConfigSetting> settings,
                                        kj::ArrayPtr<const ConfigChange> changes);

}  // namespace cambium
