#pragma once

#include <cstdint>
#include <string_view>

namespace cambium::kafka {

// A feature whose level a cluster agrees upon (KIP-584). Clients and tools read from it what they may count on.
struct Feature {
  std::string_view name;
  int16_t first, last;  // levels that this broker could have
  int16_t level;        // that it has
};

// All of them, sorted by name. Absent are those of which nothing is served: transaction.version and
// group.version would promise clients the newer protocols of transactions and of consumer groups.
inline constexpr Feature kFeatures[] = {
    // The level of Kafka 4.3 (4.3-IV0), whose requests and answers this broker speaks. There is no other level to
    // choose.
    {"metadata.version", 30, 30, 30},
};

constexpr const Feature* findFeature(std::string_view name) {
  for (auto& feature : kFeatures)
    if (feature.name == name) return &feature;
  return nullptr;
}

}  // namespace cambium::kafka
