#pragma once

#include <map>
#include <mutex>
#include <string>

#include "engine/metadata/config_owner.h"

namespace cambium {

// What was set on brokers, groups and subscriptions of client metrics, as the metadata store has it. Any thread.
class OwnerConfigs {
 public:
  OwnerConfigs() = default;
  KJ_DISALLOW_COPY(OwnerConfigs);

  // Empty when nothing was set. Sorted by name.
  kj::Vector<ConfigSetting> settingsOf(const ConfigOwner& owner) const;
  // The names of those that have settings, sorted.
  kj::Vector<kj::String> namesOf(ConfigOwner::Kind kind) const;
  size_t size() const;

  // Replaces what an owner has; nothing takes the owner out.
  void put(const ConfigOwner& owner, kj::Vector<ConfigSetting> settings);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, kj::Vector<ConfigSetting>> settings_;  // by key
};

}  // namespace cambium
