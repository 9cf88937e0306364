#pragma once

#include "engine/metadata/topic_config.h"

namespace cambium {

// One step of an incremental alteration (KIP-339).
struct ConfigOperation {
  enum class Kind {
    kSet,
    kDelete,    // back to the default
    kAppend,    // adds elements to a list that are not in it
    kSubtract,  // takes elements out of a list
  };
  kj::String name;
  Kind kind = Kind::kSet;
  kj::Maybe<kj::String> value;  // not for kDelete
};

// What the operations come to on a topic with these settings: appending and subtracting start from the value in force,
// the default included. kInvalidConfig for an unknown config and where a list is needed and there is none;
// kInvalidRequest for a missing value and a config named twice. The new values are not checked, alterSettings() does.
Result<kj::Vector<ConfigChange>> resolveOperations(kj::ArrayPtr<const ConfigSetting> settings,
                                                   kj::ArrayPtr<const ConfigOperation> operations);

// The changes after which a topic has `wanted` and nothing else (the older AlterConfigs). storage.engine stays as it is
// when it is not named: see TopicConfigDefinition::staysUnlessNamed.
kj::Vector<ConfigChange> changesToReplace(kj::ArrayPtr<const ConfigSetting> settings,
                                          kj::ArrayPtr<const ConfigSetting> wanted);

}  // namespace cambium
