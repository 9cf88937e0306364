#pragma once

#include <kj/vector.h>

#include "engine/metadata/config_description.h"

namespace cambium {

// What may be given for a config. Which part counts depends on the config's type.
struct AllowedValues {
  // For int, short, long and double; both ends included.
  int64_t least = 0;
  int64_t most = 0;
  // For string, and for the elements of a list; empty: any.
  kj::ArrayPtr<const kj::StringPtr> words{};
  // Says it to people where the rest does not say all.
  kj::StringPtr text{};
};

// A value that was understood.
struct ConfigValue {
  kj::StringPtr text;  // as given
  int64_t number = 0;  // int, short, long
  double fraction = 0;
  bool yes = false;                      // boolean
  kj::Vector<kj::StringPtr> elements{};  // list: trimmed, each once, without empty ones

  bool contains(kj::StringPtr element) const;

  // Storage of the elements, which StringPtr wants to end in NUL.
  kj::Vector<kj::String> owned{};
};

// Reads a value of a type; null when it is none or not allowed. Borrows `text`.
kj::Maybe<ConfigValue> parseConfigValue(ConfigType type, const AllowedValues& allowed, kj::StringPtr text);

// What may be given, for people: "a whole number from 0 to 9", "one of a, b".
kj::String describeAllowed(ConfigType type, const AllowedValues& allowed);

// The elements of a list-valued config: separated by commas, trimmed, without empty ones, each once, in order.
kj::Vector<kj::String> splitList(kj::StringPtr text);

}  // namespace cambium
