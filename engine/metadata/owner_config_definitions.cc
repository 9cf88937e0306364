#include "engine/metadata/owner_config_definitions.h"

#include <algorithm>
#include <regex>

namespace cambium {

namespace {

using Kind = ConfigOwner::Kind;

constexpr kj::StringPtr kIsolationWords[] = {"read_uncommitted"_kj, "read_committed"_kj};

AllowedValues range(int64_t least, int64_t most) {
  return {.least = least, .most = most};
}

// earliest, latest, or by_duration: and a duration as ISO 8601 writes it, PnDTnHnMn.nS, not below zero.
bool isOffsetReset(kj::StringPtr value) {
  if (value == "earliest" || value == "latest") return true;
  static const std::regex kDuration(
      "by_duration:P(?=[0-9T])([0-9]{1,9}D)?(T(?=[0-9])([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}([.][0-9]{1,9})?S)?)?");
  return value.size() < 100 && std::regex_match(value.cStr(), kDuration);
}

constexpr kj::StringPtr kKept = "Kept, and without effect: this broker does not serve groups of this kind yet."_kj;

const OwnerConfigDefinition kGroupConfigs[] = {
    {"consumer.assignment.interval.ms"_kj, "group.consumer.assignment.interval.ms"_kj, ConfigType::kInt, "1000"_kj,
     range(0, 15000), kKept},
    {"consumer.heartbeat.interval.ms"_kj, "group.consumer.heartbeat.interval.ms"_kj, ConfigType::kInt, "5000"_kj,
     range(5000, 15000), kKept},
    {"consumer.session.timeout.ms"_kj, "group.consumer.session.timeout.ms"_kj, ConfigType::kInt, "45000"_kj,
     range(45000, 60000), kKept},
    {"share.assignment.interval.ms"_kj, "group.share.assignment.interval.ms"_kj, ConfigType::kInt, "1000"_kj,
     range(0, 15000), kKept},
    {"share.auto.offset.reset"_kj,
     "share.auto.offset.reset"_kj,
     ConfigType::kString,
     "latest"_kj,
     {.text = "earliest, latest, or by_duration: with a duration such as PT1H30M"_kj},
     kKept,
     isOffsetReset},
    {"share.delivery.count.limit"_kj, "group.share.delivery.count.limit"_kj, ConfigType::kInt, "5"_kj, range(2, 10),
     kKept},
    {"share.heartbeat.interval.ms"_kj, "group.share.heartbeat.interval.ms"_kj, ConfigType::kInt, "5000"_kj,
     range(5000, 15000), kKept},
    {"share.isolation.level"_kj,
     "share.isolation.level"_kj,
     ConfigType::kString,
     "read_uncommitted"_kj,
     {.words = kj::arrayPtr(kIsolationWords, kj::size(kIsolationWords))},
     kKept},
    {"share.partition.max.record.locks"_kj, "group.share.partition.max.record.locks"_kj, ConfigType::kInt, "2000"_kj,
     range(100, 4000), kKept},
    {"share.record.lock.duration.ms"_kj, "group.share.record.lock.duration.ms"_kj, ConfigType::kInt, "30000"_kj,
     range(15000, 60000), kKept},
    {"share.renew.acknowledge.enable"_kj,
     "share.renew.acknowledge.enable"_kj,
     ConfigType::kBoolean,
     "true"_kj,
     {},
     kKept},
    {"share.session.timeout.ms"_kj, "group.share.session.timeout.ms"_kj, ConfigType::kInt, "45000"_kj,
     range(45000, 60000), kKept},
    {"streams.assignment.interval.ms"_kj, "group.streams.assignment.interval.ms"_kj, ConfigType::kInt, "1000"_kj,
     range(0, 15000), kKept},
    {"streams.heartbeat.interval.ms"_kj, "group.streams.heartbeat.interval.ms"_kj, ConfigType::kInt, "5000"_kj,
     range(5000, 15000), kKept},
    {"streams.initial.rebalance.delay.ms"_kj, "group.streams.initial.rebalance.delay.ms"_kj, ConfigType::kInt,
     "3000"_kj, range(0, INT32_MAX), kKept},
    {"streams.num.standby.replicas"_kj, "group.streams.num.standby.replicas"_kj, ConfigType::kInt, "0"_kj, range(0, 2),
     kKept},
    {"streams.session.timeout.ms"_kj, "group.streams.session.timeout.ms"_kj, ConfigType::kInt, "45000"_kj,
     range(45000, 60000), kKept},
};

// Whether brackets are closed and nothing is escaped that is not there. Patterns are not compiled: nothing here matches
// with them, and compiling what anybody sends could take long.
bool isPattern(kj::StringPtr text) {
  kj::Vector<char> open;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool inSet = open.size() > 0 && open.back() == '[';
    if (c == '\\') {
      if (++i == text.size()) return false;
    } else if (inSet) {
      if (c == ']') open.removeLast();
    } else if (c == '(' || c == '[') {
      open.add(c);
    } else if (c == ')') {
      if (open.size() == 0) return false;
      open.removeLast();
    }
  }
  return open.size() == 0 && text.size() > 0;
}

// name=pattern pairs; names are those of KIP-714, patterns are regular expressions.
bool isClientMatch(kj::StringPtr value) {
  static constexpr kj::StringPtr kSelectors[] = {"client_id"_kj,
                                                 "client_instance_id"_kj,
                                                 "client_software_name"_kj,
                                                 "client_software_version"_kj,
                                                 "client_source_address"_kj,
                                                 "client_source_port"_kj};
  for (auto& pair : splitList(value)) {
    KJ_IF_MAYBE(equals, pair.findFirst('=')) {
      auto name = kj::str(pair.slice(0, *equals));
      bool known = std::find(std::begin(kSelectors), std::end(kSelectors), name) != std::end(kSelectors);
      if (!known || !isPattern(pair.slice(*equals + 1))) return false;
    } else {
      return false;
    }
  }
  return true;
}

const OwnerConfigDefinition kClientMetricsConfigs[] = {
    {"interval.ms"_kj, ""_kj, ConfigType::kInt, "300000"_kj, range(100, 3'600'000),
     "Kept, and without effect: clients are not asked for their metrics. Milliseconds between two reports."_kj, nullptr,
     ErrorCode::kInvalidRequest},
    {"match"_kj,
     ""_kj,
     ConfigType::kList,
     ""_kj,
     {.text = "a list of name=pattern, the names being client_id, client_instance_id, client_software_name, "
              "client_software_version, client_source_address and client_source_port"_kj},
     "Kept, and without effect: clients are not asked for their metrics. Which clients report."_kj,
     isClientMatch},
    {"metrics"_kj,
     ""_kj,
     ConfigType::kList,
     ""_kj,
     {},
     "Kept, and without effect: clients are not asked for metrics. Prefixes of the metrics that are reported."_kj},
};

kj::Maybe<const OwnerConfigDefinition&> findDefinition(Kind kind, kj::StringPtr name) {
  for (auto& definition : ownerConfigDefinitions(kind))
    if (definition.name == name) return definition;
  return nullptr;
}

Result<void> checkSetting(Kind kind, kj::StringPtr name, kj::StringPtr value) {
  KJ_IF_MAYBE(definition, findDefinition(kind, name)) {
    bool good = parseConfigValue(definition->type, definition->allowed, value) != nullptr;
    if (good && (definition->check == nullptr || definition->check(value))) return Result<void>();
    return makeError(definition->refusal, "config ", name, "=", value, " is not valid: expected ",
                     describeAllowed(definition->type, definition->allowed));
  }
  kj::Vector<kj::StringPtr> names;
  for (auto& definition : ownerConfigDefinitions(kind))
    names.add(definition.name);
  auto code = kind == Kind::kClientMetrics ? ErrorCode::kInvalidRequest : ErrorCode::kInvalidConfig;
  return makeError(code, "there is no config named \"", name, "\"; known are ", kj::strArray(names, ", "));
}

}  // namespace

kj::ArrayPtr<const OwnerConfigDefinition> ownerConfigDefinitions(Kind kind) {
  KJ_REQUIRE(kind != Kind::kBroker);
  if (kind == Kind::kGroup) return kGroupConfigs;
  return kClientMetricsConfigs;
}

kj::Vector<ConfigDescription> describeOwner(Kind kind, kj::ArrayPtr<const ConfigSetting> settings) {
  auto ownSource = kind == Kind::kGroup ? ConfigSource::kGroup : ConfigSource::kClientMetrics;
  kj::Vector<ConfigDescription> all;
  for (auto& definition : ownerConfigDefinitions(kind)) {
    ConfigDescription description{.name = definition.name,
                                  .value = kj::str(definition.defaultValue),
                                  .defaultValue = kj::str(definition.defaultValue),
                                  .type = definition.type,
                                  .documentation = definition.documentation,
                                  .validValues = describeAllowed(definition.type, definition.allowed)};
    for (auto& setting : settings) {
      if (setting.name != definition.name) continue;
      description.value = kj::str(setting.value);
      description.source = ownSource;
      description.layers.add(ConfigLayer{definition.name, kj::str(setting.value), ownSource});
    }
    if (definition.brokerName.size() > 0) {
      description.layers.add(
          ConfigLayer{definition.brokerName, kj::str(definition.defaultValue), ConfigSource::kDefault});
    }
    all.add(kj::mv(description));
  }
  return all;
}

kj::Vector<ConfigSetting> mergeSettings(kj::ArrayPtr<const ConfigSetting> settings,
                                        kj::ArrayPtr<const ConfigChange> changes) {
  kj::Vector<ConfigSetting> merged;
  for (auto& setting : settings) {
    bool changed =
        std::any_of(changes.begin(), changes.end(), [&](auto& change) { return change.name == setting.name; });
    if (!changed) merged.add(setting.clone());
  }
  for (auto& change : changes) {
    KJ_IF_MAYBE(value, change.value) merged.add(ConfigSetting{kj::str(change.name), kj::str(*value)});
  }
  std::sort(merged.begin(), merged.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return merged;
}

Result<kj::Vector<ConfigSetting>> alterOwner(Kind kind, kj::ArrayPtr<const ConfigSetting> settings,
                                             kj::ArrayPtr<const ConfigChange> changes) {
  for (auto& change : changes) {
    KJ_IF_MAYBE(value, change.value) {
      auto checked = checkSetting(kind, change.name, *value);
      if (!checked.ok()) return kj::mv(checked.error());
    }
  }
  return mergeSettings(settings, changes);
}

}  // namespace cambium
