#pragma once

#include "engine/base/error.h"
#include "engine/broker/broker_config.h"
#include "engine/metadata/config_description.h"
#include "engine/metadata/topic_config.h"

// What a broker runs with, under the names that Kafka's tools know (and some of our own, cambium.*). Most of it comes
// from the command line. Some of it can be set while the broker runs, for one broker or for all of them; what is set
// for one counts more than what is set for all, and that more than the command line.

namespace cambium {

// Everything, sorted by name. `commandLine` is the config as the broker was started; `own` and `everyBrokers` are what
// was set since.
kj::Vector<ConfigDescription> describeBroker(const BrokerConfig& commandLine,
                                             kj::ArrayPtr<const ConfigSetting> own = nullptr,
                                             kj::ArrayPtr<const ConfigSetting> everyBrokers = nullptr);

// What counts for all brokers because it was set for all of them, sorted by name.
kj::Vector<ConfigDescription> describeEveryBroker(kj::ArrayPtr<const ConfigSetting> everyBrokers);

// Whether `changes` may be made in `layer`: kThisBroker or kEveryBroker. `own` and `everyBrokers` are what would be set
// then. kInvalidRequest when a config does not exist, cannot be set while the broker runs (the error says how then),
// has another value than it may, or contradicts another one. What does not exist may be taken away.
Result<void> checkBrokerSettings(const BrokerConfig& commandLine, kj::ArrayPtr<const ConfigChange> changes,
                                 ConfigSource layer, kj::ArrayPtr<const ConfigSetting> own,
                                 kj::ArrayPtr<const ConfigSetting> everyBrokers);

// Brings `config` to what counts. Settings that are not valid (any more) are logged and count for nothing.
void applyBrokerSettings(const BrokerConfig& commandLine, kj::ArrayPtr<const ConfigSetting> own,
                         kj::ArrayPtr<const ConfigSetting> everyBrokers, BrokerConfig& config);

}  // namespace cambium
