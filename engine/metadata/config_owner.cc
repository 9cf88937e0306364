#include "engine/metadata/config_owner.h"

#include <cstring>

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "schema/metadata.capnp.h"

namespace cambium {

namespace {

using Kind = ConfigOwner::Kind;

struct Folder {
  Kind kind;
  kj::StringPtr prefix;
};

constexpr Folder kFolders[] = {
    {Kind::kBroker, "configs/brokers/"_kj},
    {Kind::kGroup, "configs/groups/"_kj},
    {Kind::kClientMetrics, "configs/client-metrics/"_kj},
};

}  // namespace

kj::String configKey(const ConfigOwner& owner) {
  return kj::str(kFolders[static_cast<size_t>(owner.kind)].prefix, owner.name);
}

kj::Maybe<ConfigOwner> parseConfigKey(kj::StringPtr key) {
  for (auto& folder : kFolders)
    if (key.startsWith(folder.prefix)) return ConfigOwner{folder.kind, kj::str(key.slice(folder.prefix.size()))};
  return nullptr;
}

Result<void> checkOwnerName(const ConfigOwner& owner) {
  // As the internal topic's keys of groups, with room to spare for what is added.
  constexpr size_t kNameBytesMax = 10'000;
  if (owner.name.size() == 0 && owner.kind != Kind::kBroker) {
    return makeError(ErrorCode::kInvalidRequest, "a ",
                     owner.kind == Kind::kGroup ? "group" : "subscription of client metrics", " needs a name");
  }
  if (owner.name.size() > kNameBytesMax) {
    return makeError(ErrorCode::kInvalidRequest, "the name has ", owner.name.size(), " bytes, at most ", kNameBytesMax,
                     " are possible where configs are kept");
  }
  if (strlen(owner.name.cStr()) != owner.name.size()) {
    return makeError(ErrorCode::kInvalidRequest, "the name has a NUL character: nothing is kept under it");
  }
  return Result<void>();
}

kj::Vector<ConfigSetting> decodeSettings(ByteView value) {
  KJ_REQUIRE(value.size() % sizeof(capnp::word) == 0 && value.size() > 0, "configs record of odd size", value.size());
  auto words = kj::heapArray<capnp::word>(value.size() / sizeof(capnp::word));
  memcpy(words.begin(), value.begin(), value.size());
  capnp::FlatArrayMessageReader message(words);
  kj::Vector<ConfigSetting> settings;
  for (auto config : message.getRoot<persisted::ConfigsRecord>().getConfigs())
    settings.add(ConfigSetting{kj::str(config.getName()), kj::str(config.getValue())});
  return settings;
}

kj::Array<kj::byte> encodeSettings(kj::ArrayPtr<const ConfigSetting> settings) {
  capnp::MallocMessageBuilder message;
  auto configs = message.initRoot<persisted::ConfigsRecord>().initConfigs(static_cast<unsigned>(settings.size()));
  for (unsigned i = 0; i < configs.size(); ++i) {
    configs[i].setName(settings[i].name);
    configs[i].setValue(settings[i].value);
  }
  auto words = capnp::messageToFlatArray(message);
  return kj::heapArray<kj::byte>(words.asBytes());
}

}  // namespace cambium
