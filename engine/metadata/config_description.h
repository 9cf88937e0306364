#pragma once

#include <cstdint>

#include <kj/string.h>

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
  kTopic,    // set on the topic
  kBroker,   // from the broker's command line
  kDefault,  // nobody said anything
};

// A config with everything that people and tools want to see. Texts without an owner live for ever.
struct ConfigDescription {
  kj::StringPtr name;
  kj::String value;
  kj::String defaultValue;
  // A topic config's name as a broker-wide default in Kafka (retention.ms: log.retention.ms); empty: it has none.
  kj::StringPtr brokerName{};
  ConfigType type = ConfigType::kString;
  ConfigSource source = ConfigSource::kDefault;
  bool readOnly = false;
  bool sensitive = false;
  kj::StringPtr documentation{};
  // What may be given, for people: "a whole number from 0 to 9"; empty: nothing is given here.
  kj::String validValues{};

  bool isDefault() const { return source == ConfigSource::kDefault; }
};

}  // namespace cambium
