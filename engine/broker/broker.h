#pragma once

#include <mutex>

#include "engine/broker/config_controller.h"
#include "engine/broker/counted_pool.h"
#include "engine/broker/data_directory.h"
#include "engine/broker/disk_reserve.h"
#include "engine/broker/local_broker.h"
#include "engine/broker/log_placements.h"
#include "engine/metadata/local_metadata.h"

namespace cambium {

// A way in for clients, on one loop. Lives until its cut() is done.
class Door {
 public:
  virtual ~Door() noexcept(false) = default;
  // Takes nobody in any more and finishes what is under way, as far as that comes to an end soon.
  virtual kj::Promise<void> drain() = 0;
  // Cuts whoever is still connected, at once; done when nothing of theirs runs any more, which may take until the
  // partitions are closed. Afterwards the door may be destroyed.
  virtual kj::Promise<void> cut() = 0;
};

// Makes the doors of one loop; called once on each loop when the broker is ready to serve.
using DoorMaker = kj::ConstFunction<kj::Own<Door>(LocalBroker&, LoopContext&)>;

// A broker: opens its data directory, recovers, runs a shard per loop, and closes everything in order. The caller's
// loop is the first one; start(), stop() and the destructor are used on it. stop() must have finished before the
// destructor runs.
class Broker {
 public:
  // Takes the data directory. Throws what DataDirectory throws.
  Broker(World& world, BrokerConfig config, LoopContext& loop);
  ~Broker() noexcept(false);
  KJ_DISALLOW_COPY(Broker);

  // Recovers and starts serving; done when every door on every loop is open.
  kj::Promise<void> start(DoorMaker makeDoors);
  // Drains the doors, syncs and closes the partitions, marks the engines clean, ends the other loops. Also after a
  // start that failed or was dropped half way. Once.
  kj::Promise<void> stop();

  kj::StringPtr version() const;
  kj::StringPtr clusterId() const { return directory_.clusterId(); }
  // Null once the broker serves; until then what it is doing, for people. Any thread.
  kj::Maybe<kj::String> startingUp() const;
  // The broker as the first loop sees it. Only while startingUp() is null.
  LocalBroker& local();
  // Null while clients may append and change topics; else the state and why, for people: "disk full: …". On the first
  // loop.
  kj::Maybe<kj::String> whyRefusing() const;

 private:
  class OtherLoop;

  Bytes owedBytes();
  kj::Promise<void> openEngines();
  // Gives every shard its groups, as the tables and the logs have them.
  kj::Promise<void> loadGroups();
  kj::Promise<void> startMoves();
  void noteRecovery(kj::StringPtr line);
  kj::Promise<void> startLoops();
  // Done when `here` and what `there` does on each other loop is.
  kj::Promise<void> onEveryLoop(kj::Promise<void> here, kj::Function<kj::Promise<void>(OtherLoop&)> there);
  void setActivity(kj::Maybe<kj::String> activity);
  // The same, and in the log when the start takes long.
  void noteProgress(kj::String doing);

  CountedPool pool_;
  World world_;  // with our pool
  BrokerConfig config_;
  LoopContext& loop_;
  DataDirectory directory_;
  EngineSet engines_;
  DiskReserve disk_;
  mutable std::mutex activityMutex_;
  kj::Maybe<kj::String> activity_;
  kj::Maybe<kj::String> recovering_;  // the last line that recovery had to say during it
  int64_t progressLoggedNs_ = 0;
  kj::Maybe<DoorMaker> makeDoors_;
  kj::Own<Shard> first_;
  kj::Vector<kj::Own<OtherLoop>> others_;
  kj::Vector<Shard*> shards_;
  kj::Own<LocalMetadata> metadata_;
  kj::Own<ProducerIds> producerIds_;
  kj::Own<LogPlacements> placements_;
  OwnerConfigs ownerConfigs_;
  kj::Own<ConfigController> configController_;
  kj::Own<TopicController> controller_;
  kj::Own<LocalBroker::Shared> shared_;
  kj::Own<LocalBroker> local_;
  kj::Own<Door> door_;
};

}  // namespace cambium
