#pragma once

#include "engine/metadata/config_description.h"
#include "engine/metadata/topic_config.h"
#include "schema/cambium.capnp.h"

namespace cambium {

// Configs as the schema has them. `list` has the size of `configs`.
void writeConfigs(capnp::List<rpc::ConfigEntry>::Builder list, kj::ArrayPtr<const ConfigDescription> configs);

// What a client wants changed.
kj::Vector<ConfigChange> readChanges(capnp::List<rpc::Config>::Reader list);

}  // namespace cambium
