#include "engine/metadata/config_operation.h"

#include <set>

#include "engine/metadata/topic_config_definitions.h"

namespace cambium {

namespace {

using Kind = ConfigOperation::Kind;

kj::Maybe<kj::StringPtr> valueOf(kj::ArrayPtr<const ConfigSetting> settings, kj::StringPtr name) {
  for (auto& setting : settings)
    if (setting.name == name) return kj::StringPtr(setting.value);
  return nullptr;
}

// Clients choose how many elements there are.
std::set<kj::StringPtr> setOf(const kj::Vector<kj::String>& list) {
  return {list.begin(), list.end()};
}

kj::String changedList(kj::StringPtr before, Kind kind, kj::StringPtr operand) {
  auto list = splitList(before);
  auto elements = splitList(operand);
  auto known = setOf(list);
  auto named = setOf(elements);
  kj::Vector<kj::String> after;
  for (auto& element : list) {
    if (kind == Kind::kAppend || named.count(element) == 0) after.add(kj::str(element));
  }
  if (kind == Kind::kAppend) {
    for (auto& element : elements)
      if (known.count(element) == 0) after.add(kj::str(element));
  }
  return kj::strArray(after, ",");
}

}  // namespace

Result<kj::Vector<ConfigChange>> resolveOperations(kj::ArrayPtr<const ConfigSetting> settings,
                                                   kj::ArrayPtr<const ConfigOperation> operations) {
  kj::Vector<ConfigChange> changes;
  std::set<kj::StringPtr> names;
  for (auto& operation : operations) {
    if (!names.insert(operation.name).second) {
      return makeError(ErrorCode::kInvalidRequest, "config ", operation.name, " is named twice");
    }
    ConfigChange change{kj::str(operation.name), nullptr};
    if (operation.kind != Kind::kDelete) {
      KJ_IF_MAYBE(value, operation.value) {
        change.value = kj::str(*value);
      } else {
        return makeError(ErrorCode::kInvalidRequest, "config ", operation.name,
                         " is to be changed and has no value; deleting it brings the default back");
      }
    }
    if (operation.kind == Kind::kAppend || operation.kind == Kind::kSubtract) {
      KJ_IF_MAYBE(definition, findTopicConfig(operation.name)) {
        if (definition->type != ConfigType::kList) {
          return makeError(ErrorCode::kInvalidConfig, "config ", operation.name, " is a ",
                           configTypeName(definition->type),
                           ", no list: it can be set, not appended to or subtracted "
                           "from");
        }
        auto& operand = KJ_ASSERT_NONNULL(operation.value);
        if (operation.kind == Kind::kAppend && splitList(operand).size() == 0) {
          return makeError(ErrorCode::kInvalidConfig, "nothing is to be appended to config ", operation.name,
                           ": expected an element or several, separated by commas");
        }
        auto before = valueOf(settings, operation.name).orDefault(definition->defaultValue);
        change.value = changedList(before, operation.kind, operand);
      } else {
        return makeError(ErrorCode::kInvalidConfig, "there is no config named \"", operation.name, "\"");
      }
    }
    changes.add(kj::mv(change));
  }
  return kj::mv(changes);
}

kj::Vector<ConfigChange> changesToReplace(kj::ArrayPtr<const ConfigSetting> settings,
                                          kj::ArrayPtr<const ConfigSetting> wanted) {
  kj::Vector<ConfigChange> changes;
  auto stays = [](kj::StringPtr name) {
    KJ_IF_MAYBE(definition, findTopicConfig(name)) return definition->staysUnlessNamed;
    return false;
  };
  for (auto& setting : settings) {
    if (valueOf(wanted, setting.name) == nullptr && !stays(setting.name)) {
      changes.add(ConfigChange{kj::str(setting.name), nullptr});
    }
  }
  for (auto& setting : wanted)
    changes.add(ConfigChange{kj::str(setting.name), kj::str(setting.value)});
  return changes;
}

}  // namespace cambium
