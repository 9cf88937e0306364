#include "engine/metadata/owner_configs.h"

namespace cambium {

kj::Vector<ConfigSetting> OwnerConfigs::settingsOf(const ConfigOwner& owner) const {
  kj::Vector<ConfigSetting> settings;
  std::lock_guard lock(mutex_);
  auto found = settings_.find(configKey(owner).cStr());
  if (found == settings_.end()) return settings;
  for (auto& setting : found->second)
    settings.add(setting.clone());
  return settings;
}

kj::Vector<kj::String> OwnerConfigs::namesOf(ConfigOwner::Kind kind) const {
  kj::Vector<kj::String> names;
  std::lock_guard lock(mutex_);
  auto folder = std::string(configKey({kind, kj::str()}).cStr());
  for (auto at = settings_.lower_bound(folder); at != settings_.end() && at->first.rfind(folder, 0) == 0; ++at)
    names.add(kj::str(at->first.c_str() + folder.size()));
  return names;
}

size_t OwnerConfigs::size() const {
  std::lock_guard lock(mutex_);
  return settings_.size();
}

void OwnerConfigs::put(const ConfigOwner& owner, kj::Vector<ConfigSetting> settings) {
  std::string key = configKey(owner).cStr();
  std::lock_guard lock(mutex_);
  settings_.erase(key);
  if (settings.size() > 0) settings_.emplace(kj::mv(key), kj::mv(settings));
}

}  // namespace cambium
