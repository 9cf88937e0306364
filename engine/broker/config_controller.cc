#include "engine/broker/config_controller.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/broker/broker_settings.h"
#include "engine/metadata/owner_config_definitions.h"

namespace cambium {

namespace {

using Kind = ConfigOwner::Kind;

// Anybody can set configs of groups that are not there: so many at most, each in memory and in the store.
constexpr size_t kOwnersMax = 10'000;

}  // namespace

ConfigController::ConfigController(MetadataStore& store, OwnerConfigs& configs, kj::ArrayPtr<Shard* const> shards,
                                   DiskReserve& disk, BrokerConfig& config)
    : store_(store), configs_(configs), shards_(shards), disk_(disk), config_(config), commandLine_(config.clone()) {}

kj::Promise<void> ConfigController::start() {
  // The watch first: what changes while the list is read is seen as well.
  watch_ = store_.watch(kj::str(kConfigRecords));
  for (auto& entry : co_await store_.list(kj::str(kConfigRecords))) {
    KJ_IF_MAYBE(owner, parseConfigKey(entry.key)) configs_.put(*owner, decodeSettings(entry.value));
    applied_ = kj::max(applied_, entry.changedAt);
  }
  co_await takeEffect();
  follow_ = follow().eagerlyEvaluate(
      [](kj::Exception&& e) { KJ_LOG(ERROR, "changes of configs are no longer followed", e); });
}

void ConfigController::stopFollowing() {
  following_ = false;
  follow_ = nullptr;
  waitingForApplied_.releaseAll();
}

kj::Promise<void> ConfigController::follow() {
  for (;;) {
    bool ofBrokers = false;
    Revision newest{0};
    for (auto& change : co_await watch_->next()) {
      for (auto& write : change.writes)
        ofBrokers |= takeOver(write);
      newest = change.revision;
    }
    if (ofBrokers) co_await takeEffect();
    applied_ = kj::max(applied_, newest);
    waitingForApplied_.reach(applied_);
  }
}

bool ConfigController::takeOver(const MetadataTransaction::Write& write) {
  KJ_IF_MAYBE(owner, parseConfigKey(write.key)) {
    kj::Vector<ConfigSetting> settings;
    KJ_IF_MAYBE(value, write.value) settings = decodeSettings(*value);
    configs_.put(*owner, kj::mv(settings));
    return owner->kind == Kind::kBroker;
  }
  return false;
}

kj::Vector<ConfigSetting> ConfigController::settingsOfBroker(kj::String name) const {
  return configs_.settingsOf({Kind::kBroker, kj::mv(name)});
}

kj::Promise<void> ConfigController::takeEffect() {
  applyBrokerSettings(commandLine_, settingsOfBroker(kj::str(config_.brokerId)), settingsOfBroker(kj::str()), config_);
  disk_.setReserve(config_.diskReserve());
  for (auto* shard : shards_) {
    co_await callLoop<bool>(shards_[0]->port(), shard->port(), [shard]() -> kj::Promise<bool> {
      shard->reconfigure();
      return true;
    });
  }
}

Result<kj::Vector<ConfigSetting>> ConfigController::altered(const ConfigOwner& owner,
                                                            kj::ArrayPtr<const ConfigSetting> settings,
                                                            kj::ArrayPtr<const ConfigChange> changes) const {
  if (owner.kind != Kind::kBroker) return alterOwner(owner.kind, settings, changes);
  auto after = mergeSettings(settings, changes);
  bool everyBroker = owner.name.size() == 0;
  auto others = settingsOfBroker(everyBroker ? kj::str(config_.brokerId) : kj::str());
  auto checked = everyBroker ? checkBrokerSettings(commandLine_, changes, ConfigSource::kEveryBroker, others, after)
                             : checkBrokerSettings(commandLine_, changes, ConfigSource::kThisBroker, after, others);
  if (!checked.ok()) return kj::mv(checked.error());
  return kj::mv(after);
}

kj::Promise<Result<void>> ConfigController::alter(ConfigOwner owner, kj::Vector<ConfigChange> changes,
                                                  bool validateOnly) {
  auto named = checkOwnerName(owner);
  if (!named.ok()) co_return kj::mv(named);
  auto key = configKey(owner);
  for (;;) {
    auto entry = co_await store_.get(kj::str(key));
    kj::Vector<ConfigSetting> before;
    Revision changedAt{0};
    KJ_IF_MAYBE(found, entry) {
      before = decodeSettings(found->value);
      changedAt = found->changedAt;
    }
    auto after = altered(owner, before, changes);
    if (!after.ok()) co_return kj::mv(after.error());
    if (validateOnly || (before.size() == 0 && after.value().size() == 0)) co_return Result<void>();
    if (before.size() == 0 && configs_.size() >= kOwnersMax) {
      co_return Result<void>(makeError(ErrorCode::kPolicyViolation, "configs are kept for ", kOwnersMax,
                                       " groups and others at most: delete some that nobody needs any more"));
    }
    MetadataTransaction transaction;
    transaction.conditions.add(MetadataTransaction::Condition{kj::str(key), changedAt});
    kj::Maybe<kj::Array<kj::byte>> value;
    if (after.value().size() > 0) value = encodeSettings(after.value());
    transaction.writes.add(MetadataTransaction::Write{kj::str(key), kj::mv(value)});
    auto committed = co_await store_.commit(kj::mv(transaction));
    KJ_IF_MAYBE(revision, committed) {
      if (following_ && applied_ < *revision) co_await waitingForApplied_.wait(*revision);
      co_return Result<void>();
    }
    // Somebody else was quicker, so there is progress, and another try.
  }
}

}  // namespace cambium
