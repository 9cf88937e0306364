#pragma once

#include <cstdint>

#include <kj/string.h>
#include <kj/vector.h>

namespace cambium {

// What a config's value is written as: Kafka's ConfigType (KIP-569).
enum class ConfigType : uint8_t { kBoolean, kString, kInt, kShort, kLong, kDouble, kList, kClass, kPassword };

// The type in lower case, for example "boolean". Lives for ever.
constexpr kj::StringPtr configTypeName(ConfigType type) {
  constexpr kj::StringPtr kNames[] = {"boolean"_kj, "string"_kj, "int"_kj,   "short"_kj,   "long"_kj,
                                      "double"_kj,  "list"_kj,   "class"_kj, "password"_kj};
  return kNames[static_cast<size_t>(type)];
}

// Where a value comes from (KIP-226).
enum class ConfigSource : uint8_t {
  kTopic,          // set on the topic
  kGroup,          // set on the group
  kClientMetrics,  // set on the subscription of client metrics
  kThisBroker,     // set on this broker while it runs
  kEveryBroker,    // set for all brokers while they run
  kCommandLine,    // from the broker's command line
  kDefault,        // nobody said anything
};

// A value that counts, or would count if the layers above it were not there.
struct ConfigLayer {
  kj::StringPtr name;
  kj::String value;
  ConfigSource source;
};

// A config with everything that people and tools want to see. Texts without an owner live for ever.
struct ConfigDescription {
  kj::StringPtr name;
  kj::String value;
  kj::String defaultValue;
  ConfigType type = ConfigType::kString;
  ConfigSource source = ConfigSource::kDefault;
  bool readOnly = false;
  bool sensitive = false;
  kj::StringPtr documentation{};
  // What may be given, for people: "a whole number from 0 to 9"; empty: nothing is given here.
  kj::String validValues{};
  // The value in force first. Names are those of where the value is set: a topic's retention.ms comes from the brokers'
  // log.retention.ms. Empty where Kafka shows none.
  kj::Vector<ConfigLayer> layers{};

  // Nobody set it on the owner itself or on the command line.
  bool isDefault() const { return source == ConfigSource::kDefault || source == ConfigSource::kEveryBroker; }
};

}  // namespace cambium
