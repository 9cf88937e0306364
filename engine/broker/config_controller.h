#pragma once

#include "engine/base/position_waiters.h"
#include "engine/broker/disk_reserve.h"
#include "engine/broker/shard.h"
#include "engine/metadata/owner_configs.h"

namespace cambium {

// Keeps the configs of brokers, groups and subscriptions of client metrics in the metadata store, and lets the broker's
// own take effect: writes them to its BrokerConfig and tells every shard. Follows the store by a watch, as
// TopicController does. Lives on the first loop.
class ConfigController {
 public:
  // `config` is the broker's, as the command line has it: it is what counts where nothing is set. `shards` are all of
  // them, the first one on this loop.
  ConfigController(MetadataStore& store, OwnerConfigs& configs, kj::ArrayPtr<Shard* const> shards, DiskReserve& disk,
                   BrokerConfig& config);
  KJ_DISALLOW_COPY(ConfigController);

  // Loads what is stored, lets it take effect, then follows the store. A setting that is not valid any more (another
  // version allowed it) is logged and left out.
  kj::Promise<void> start();
  void stopFollowing();

  // All or none. Done when it is in force. kInvalidRequest or kInvalidConfig for what is not allowed;
  // kPolicyViolation when as many owners have configs as can have. `validateOnly`: only says whether it would do.
  kj::Promise<Result<void>> alter(ConfigOwner owner, kj::Vector<ConfigChange> changes, bool validateOnly);

  // The config without what is set while the broker runs.
  const BrokerConfig& commandLine() const { return commandLine_; }

 private:
  kj::Promise<void> follow();
  // True when it was something of a broker.
  bool takeOver(const MetadataTransaction::Write& write);
  kj::Promise<void> takeEffect();
  Result<kj::Vector<ConfigSetting>> altered(const ConfigOwner& owner, kj::ArrayPtr<const ConfigSetting> settings,
                                            kj::ArrayPtr<const ConfigChange> changes) const;
  kj::Vector<ConfigSetting> settingsOfBroker(kj::String name) const;

  MetadataStore& store_;
  OwnerConfigs& configs_;
  kj::ArrayPtr<Shard* const> shards_;
  DiskReserve& disk_;
  BrokerConfig& config_;
  const BrokerConfig commandLine_;
  kj::Own<MetadataWatch> watch_;
  Revision applied_{0};
  PositionWaiters<Revision> waitingForApplied_;
  bool following_ = true;
  kj::Promise<void> follow_ = nullptr;
};

}  // namespace cambium
