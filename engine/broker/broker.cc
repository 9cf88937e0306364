#include "engine/broker/broker.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/broker/shard_groups.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kVersion = CAMBIUM_VERSION ""_kj;

}  // namespace

namespace {

kj::Promise<void> drainDoor(kj::Own<Door>& door) {
  if (door.get() == nullptr) return kj::READY_NOW;
  return door->drain();
}

// Ends what runs on one loop. Who waits at a partition is woken when it closes, and only then is every call of the door
// at its end.
kj::Promise<void> closeLoop(kj::Own<Door>& door, Shard& shard) {
  kj::Promise<void> cutting = kj::READY_NOW;
  if (door.get() != nullptr) cutting = door->cut();
  co_await shard.close();
  co_await cutting;
}

}  // namespace

// A further loop with its shard. Made and destroyed on the first loop; what it holds lives on its own.
class Broker::OtherLoop {
 public:
  OtherLoop(unsigned index, World& world, EngineSet& engines, const BrokerConfig& config, DiskReserve& disk) {
    auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
    started_ = paf.promise.fork();
    auto started = kj::mv(paf.fulfiller);
    loop_ = world.loops.start(index, [this, index, &world, &engines, &config, &disk,
                                      started = kj::mv(started)](LoopContext& context) mutable {
      return run(index, context, world, engines, config, disk, kj::mv(started));
    });
  }

  kj::Promise<void> whenStarted() { return started_.addBranch(); }
  Shard& shard() {
    std::lock_guard lock(mutex_);
    return *shard_;
  }

  // Runs on the other loop.
  void openDoor(LocalBroker::Shared& shared, const DoorMaker& makeDoors) {
    local_ = kj::heap<LocalBroker>(*shard_, shared);
    shard_->startCleanup();
    door_ = makeDoors(*local_, shard_->loop());
  }
  kj::Promise<void> drain() { return drainDoor(door_); }
  kj::Promise<void> close() { return closeLoop(door_, *shard_); }
  // Lets the loop end. Runs on the other loop.
  void end() { end_->fulfill(); }

 private:
  kj::Promise<void> run(unsigned index, LoopContext& context, World& world, EngineSet& engines,
                        const BrokerConfig& config, DiskReserve& disk,
                        kj::Own<kj::CrossThreadPromiseFulfiller<void>> started) {
    auto paf = kj::newPromiseAndFulfiller<void>();
    end_ = kj::mv(paf.fulfiller);
    Shard shard(index, config.cores, context, world, engines, config, disk);
    {
      std::lock_guard lock(mutex_);
      shard_ = &shard;
    }
    started->fulfill();
    co_await paf.promise;
    door_ = nullptr;
    local_ = nullptr;
    end_ = nullptr;
  }

  std::mutex mutex_;
  Shard* shard_ = nullptr;  // made by the other thread
  kj::Own<kj::PromiseFulfiller<void>> end_;
  kj::Own<LocalBroker> local_;
  kj::Own<Door> door_;
  kj::ForkedPromise<void> started_ = nullptr;
  kj::Own<LoopStarter::Loop> loop_;  // last: joins before the rest goes
};

Broker::Broker(World& world, BrokerConfig config, LoopContext& loop)
    : pool_(world.pool),
      world_{world.files,   world.clock,    world.entropy,   pool_,          world.loops,
             world.engines, world.logLevel, world.checkPool, world.memoryUse},
      config_(kj::mv(config)),
      loop_(loop),
      directory_(world.files, world.entropy, config_.stateEngine),
      engines_(world.engines, directory_, [this](kj::StringPtr line) { noteRecovery(line); }),
      disk_(world.files, config_.diskReserve(), [this] { return owedBytes(); }),
      activity_(kj::str("starting")) {
  first_ = kj::heap<Shard>(0, config_.cores, loop_, world_, engines_, config_, disk_);
  shards_.add(first_.get());
}

Broker::~Broker() noexcept(false) {}

void Broker::setActivity(kj::Maybe<kj::String> activity) {
  std::lock_guard lock(activityMutex_);
  activity_ = kj::mv(activity);
  recovering_ = nullptr;
}

void Broker::noteProgress(kj::String doing) {
  constexpr int64_t kLogEveryNs = 5'000'000'000;
  auto now = world_.clock.steadyNs();
  if (now - progressLoggedNs_ >= kLogEveryNs) {
    KJ_LOG(WARNING, "starting", doing);
    progressLoggedNs_ = now;
  }
  setActivity(kj::mv(doing));
}

kj::Maybe<kj::String> Broker::startingUp() const {
  std::lock_guard lock(activityMutex_);
  return activity_.map([this](const kj::String& text) {
    KJ_IF_MAYBE(line, recovering_) return kj::str(text, "; recovering: ", *line);
    return kj::str(text);
  });
}

kj::Promise<void> Broker::start(DoorMaker makeDoors) {
  // Ours, because other loops call it, perhaps a moment after this coroutine was dropped.
  auto& maker = makeDoors_.emplace(kj::mv(makeDoors));
  co_await openEngines();
  co_await startLoops();
  metadata_ = kj::heap<LocalMetadata>(engines_.get(config_.stateEngine), world_.pool);
  producerIds_ = kj::heap<ProducerIds>(*metadata_);
  configController_ = kj::heap<ConfigController>(*metadata_, ownerConfigs_, shards_, disk_, config_);
  co_await configController_->start();
  controller_ = kj::heap<TopicController>(*metadata_, shards_, world_, engines_, config_);
  progressLoggedNs_ = world_.clock.steadyNs();
  co_await controller_->start([this](kj::String doing) { noteProgress(kj::mv(doing)); });
  co_await loadGroups();
  co_await controller_->finishDeletions();
  co_await startMoves();

  shared_ = kj::heap(LocalBroker::Shared{.shards = shards_,
                                         .controller = *controller_,
                                         .configController = *configController_,
                                         .ownerConfigs = ownerConfigs_,
                                         .logLevel = world_.logLevel,
                                         .producerIds = *producerIds_,
                                         .engines = engines_,
                                         .facts = {kVersion, directory_.clusterId(), config_}});
  local_ = kj::heap<LocalBroker>(*first_, *shared_);
  first_->startCleanup();
  door_ = maker(*local_, loop_);
  for (auto& other : others_) {
    co_await callLoop<bool>(first_->port(), other->shard().port(),
                            [this, &other = *other, &maker]() -> kj::Promise<bool> {
                              other.openDoor(*shared_, maker);
                              return true;
                            });
  }
  setActivity(nullptr);
}

kj::Promise<void> Broker::loadGroups() {
  setActivity(kj::str("loading groups"));
  // Shared with the jobs, which may outlive this coroutine.
  struct Loaded final : public kj::AtomicRefcounted {
    bool haveOffsets = false;
    kj::Vector<GroupRows> rows;
  };
  auto& tables = engines_.get(config_.stateEngine);
  auto loaded = kj::atomicRefcounted<Loaded>();
  co_await world_.pool.run(
      [&tables, job = kj::atomicAddRef(*loaded)]() mutable { job->haveOffsets = haveOffsetRows(tables); });
  // Rows of a data directory from before there was the topic are brought into it.
  kj::Maybe<kj::Own<const Topic>> topic;
  if (loaded->haveOffsets || controller_->hasOffsetsTopic()) {
    auto made = co_await controller_->offsetsTopic();
    KJ_REQUIRE(made.ok(), "the topic of the groups cannot be made", made.error());
    topic = kj::mv(made.value());
  }
  KJ_IF_MAYBE(t, topic) {
    co_await world_.pool.run([&tables, job = kj::atomicAddRef(*loaded), count = (*t)->partitionCount()]() mutable {
      job->rows = readGroupRows(tables, count);
    });
  }
  for (auto* shard : shards_) {
    // Each loop takes the rows of the partitions that it owns.
    kj::Vector<GroupRows> rows;
    rows.resize(loaded->rows.size());
    KJ_IF_MAYBE(t, topic) {
      for (size_t i = 0; i < rows.size(); ++i) {
        PartitionKey key{(*t)->id(), static_cast<int32_t>(i)};
        if (shardOf(key, config_.cores) == shard->index()) rows[i] = kj::mv(loaded->rows[i]);
      }
    }
    auto itsTopic = topic.map([](kj::Own<const Topic>& t) { return kj::atomicAddRef(*t); });
    auto load = [shard, t = kj::mv(itsTopic), rows = kj::mv(rows)]() mutable -> kj::Promise<bool> {
      shard->openGroups();
      KJ_IF_MAYBE(offsetsTopic, t) {
        return shard->groups().load(**offsetsTopic, kj::mv(rows)).then([] { return true; });
      }
      return true;
    };
    co_await callLoop<bool>(first_->port(), shard->port(), kj::mv(load));
  }
}

kj::Promise<void> Broker::startMoves() {
  placements_ = kj::heap<LogPlacements>(*metadata_);
  for (auto* shard : shards_) {
    co_await callLoop<bool>(first_->port(), shard->port(), [this, shard]() -> kj::Promise<bool> {
      shard->startMoves(*placements_, first_->port());
      return true;
    });
  }
}

Bytes Broker::owedBytes() {
  Bytes sum(0);
  for (auto* engine : engines_.opened())
    sum += engine->owedBytes().value();
  return sum;
}

kj::Promise<void> Broker::openEngines() {
  auto open = [this](kj::StringPtr kind) {
    setActivity(kj::str("opening the ", kind, " engine"));
    return world_.pool.run([this, kind = kj::str(kind)] { engines_.open(kind); });
  };
  co_await open(config_.stateEngine);
  if (config_.logEngine != config_.stateEngine) co_await open(config_.logEngine);
}

// Only what an unclean stop or damage made necessary is reported: people shall see it. Any thread; written on the first
// loop, where the log goes where it should.
void Broker::noteRecovery(kj::StringPtr line) {
  {
    // A log that is opened later says so as well: the broker serves all the same.
    std::lock_guard lock(activityMutex_);
    if (activity_ != nullptr) recovering_ = kj::str(line);
  }
  first_->port().mailbox().post([line = kj::str(line)] { KJ_LOG(WARNING, "recovery", line); });
}

kj::Promise<void> Broker::startLoops() {
  for (unsigned i = 1; i < config_.cores; ++i) {
    others_.add(kj::heap<OtherLoop>(i, world_, engines_, config_, disk_));
    co_await others_.back()->whenStarted();
    shards_.add(&others_.back()->shard());
  }
}

kj::Maybe<kj::String> Broker::whyRefusing() const {
  KJ_IF_MAYBE(reason, disk_.whyRefusing()) return kj::mv(*reason);
  if (controller_.get() == nullptr) return nullptr;
  return controller_->whyRefusing().map([](kj::String reason) { return kj::str("read-only: ", reason); });
}

kj::StringPtr Broker::version() const {
  return kVersion;
}

LocalBroker& Broker::local() {
  KJ_REQUIRE(local_.get() != nullptr, "the broker is still starting");
  return *local_;
}

kj::Promise<void> Broker::stop() {
  setActivity(kj::str("stopping"));
  // A loop that was just begun has no shard yet.
  for (auto& other : others_)
    co_await other->whenStarted();
  // All doors first: what they still answer may need any of the shards.
  co_await onEveryLoop(drainDoor(door_), [](OtherLoop& other) { return other.drain(); });
  if (controller_.get() != nullptr) controller_->stopFollowing();
  if (configController_.get() != nullptr) configController_->stopFollowing();
  co_await onEveryLoop(closeLoop(door_, *first_), [](OtherLoop& other) { return other.close(); });
  // Nobody calls any more, on no loop.
  door_ = nullptr;
  local_ = nullptr;
  controller_ = nullptr;
  configController_ = nullptr;
  for (auto& other : others_)
    other->shard().port().mailbox().post([&other = *other] { other.end(); });
  others_.clear();
  shards_.truncate(1);
  shared_ = nullptr;
  producerIds_ = nullptr;
  placements_ = nullptr;
  metadata_ = nullptr;
  // Jobs whose callers were dropped still use the engines.
  co_await pool_.whenIdle();
  co_await pool_.run([this] { engines_.close(); });
}

kj::Promise<void> Broker::onEveryLoop(kj::Promise<void> here, kj::Function<kj::Promise<void>(OtherLoop&)> there) {
  kj::Vector<kj::Promise<void>> all;
  all.add(kj::mv(here));
  for (auto& other : others_) {
    all.add(callLoop<bool>(first_->port(), other->shard().port(), [&there, &other = *other] {
              return there(other).then([] { return true; });
            }).ignoreResult());
  }
  co_await kj::joinPromises(all.releaseAsArray());
}

}  // namespace cambium
