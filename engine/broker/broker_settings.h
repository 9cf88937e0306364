#pragma once

#include "engine/base/error.h"
#include "engine/broker/broker_config.h"
#include "engine/metadata/config_description.h"

namespace cambium {

// What a broker runs with, under the names that Kafka's tools know (and some of our own, cambium.*), sorted by name.
// All of it is read-only: most comes from the command line, the defaults of topics are fixed. Any thread.
kj::Vector<ConfigDescription> describeBroker(const BrokerConfig& config);

// Why a broker config cannot be altered, and what to do instead: names the flag, or the topic config. kInvalidRequest.
Error brokerConfigIsFixed(kj::StringPtr name);

}  // namespace cambium
