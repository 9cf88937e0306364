#include "server/rpc/config_list.h"

namespace cambium {

namespace {

kj::StringPtr sourceName(ConfigSource source) {
  switch (source) {
    case ConfigSource::kTopic:
      return "topic"_kj;
    case ConfigSource::kGroup:
      return "group"_kj;
    case ConfigSource::kClientMetrics:
      return "client metrics"_kj;
    case ConfigSource::kThisBroker:
      return "this broker"_kj;
    case ConfigSource::kEveryBroker:
      return "every broker"_kj;
    case ConfigSource::kCommandLine:
      return "command line"_kj;
    case ConfigSource::kDefault:
      return "default"_kj;
  }
  KJ_UNREACHABLE;
}

}  // namespace

void writeConfigs(capnp::List<rpc::ConfigEntry>::Builder list, kj::ArrayPtr<const ConfigDescription> configs) {
  for (unsigned i = 0; i < list.size(); ++i) {
    auto& config = configs[i];
    list[i].setName(config.name);
    list[i].setValue(config.value);
    list[i].setIsDefault(config.isDefault());
    list[i].setDocumentation(config.documentation);
    list[i].setType(configTypeName(config.type));
    list[i].setDefaultValue(config.defaultValue);
    list[i].setValidValues(config.validValues);
    list[i].setReadOnly(config.readOnly);
    list[i].setSource(sourceName(config.source));
  }
}

kj::Vector<ConfigChange> readChanges(capnp::List<rpc::Config>::Reader list) {
  kj::Vector<ConfigChange> changes;
  for (auto config : list) {
    ConfigChange change{kj::str(config.getName()), nullptr};
    if (!config.getReset()) change.value = kj::str(config.getValue());
    changes.add(kj::mv(change));
  }
  return changes;
}

}  // namespace cambium
