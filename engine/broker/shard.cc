#include "engine/broker/shard.h"

#include <unordered_set>

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/broker/shard_cleanup.h"
#include "engine/broker/shard_groups.h"
#include "engine/broker/shard_moves.h"
#include "engine/metadata/topic_name.h"
#include "engine/retention/retention_rules.h"

namespace cambium {

namespace {

// Logs opened by one job of the pool: enough that the way there and back is noise, few enough that several threads
// share.
constexpr size_t kOpensPerJob = 64;

// Rows of producers in one commit when partitions close.
constexpr size_t kRowsPerCommit = 1000;

// How often producers that are silent for too long are looked for (Kafka's producer.id.expiration.check.interval.ms).
constexpr int64_t kExpirationCheckMs = 10 * 60 * 1000;

// What the topic's configs come to for one of its partitions.
PartitionConfig configOf(const Topic& topic, int32_t index) {
  auto config = topic.config().partition;
  auto hash = PartitionKeyHash()(PartitionKey{topic.id(), index});
  config.log.segmentMs = segmentMsOf(config.log.segmentMs, topic.config().cleanup, hash);
  return config;
}

// Opening a log that is not there makes an empty one. While a partition is on its way to another engine that would be
// the end of the other log, which may be all that is left: the empty one would be copied over it. Without records, or
// where it is not synced before it is acknowledged, a log may be gone after a power loss.
void requireNotLost(EngineSet& engines, StorageEngine& inCharge, const PartitionAssignment& placed, const LogId& id,
                    const PartitionConfig& config) {
  if (placed.otherEngine.size() == 0 || config.durability != Durability::kFsync || inCharge.holds(id)) return;
  auto& other = engines.open(placed.otherEngine);
  if (!other.holds(id)) return;
  KJ_REQUIRE(other.open(id.clone(), config.log)->bounds().end == Offset(0),
             "the log is gone from the engine that has it, while a copy of it, whole or not, is in the other one; "
             "nothing was changed: restore the log",
             id.name, placed.engine, placed.otherEngine);
}

kj::Promise<void> closeAndHold(kj::Own<Partition> partition, Partition::Ending ending) {
  co_await partition->close(ending);
}

}  // namespace

// One log on its way to being open.
struct Shard::Opening {
  kj::Own<const Topic> topic;
  int32_t index;
  kj::Own<PartitionLog> log;
  kj::Own<ProducerKeeper> producers;
  kj::Maybe<kj::String> failure;
};

Shard::Shard(unsigned index, unsigned count, LoopContext& loop, World& world, EngineSet& engines,
             const BrokerConfig& config, DiskReserve& disk)
    : index_(index),
      count_(count),
      loop_(loop),
      turns_(loop.timer),
      world_(world),
      engines_(engines),
      config_(config),
      disk_(disk),
      image_(kj::atomicRefcounted<const MetadataImage>(Revision(0), kj::Vector<kj::Own<const Topic>>())) {
  tasks_.add(port_.mailbox().receive());
  tasks_.add(measureLag());
  tasks_.add(expireProducers());
  if (index_ == 0) tasks_.add(watchDisk());
}

Shard::~Shard() noexcept(false) {}

void Shard::openGroups() {
  groups_ = kj::heap<ShardGroups>(*this, world_, engines_.get(config_.stateEngine), config_);
}

void Shard::startMoves(LogPlacements& placements, LoopPort& home) {
  moves_ = kj::heap<ShardMoves>(*this, world_, engines_, placements, home, config_);
  moves_->follow(*image_);
}

kj::Maybe<MoveStatus> Shard::moveStatus(const PartitionKey& key) {
  if (moves_.get() == nullptr) return nullptr;
  return moves_->status(key);
}

ShardCleanup& Shard::cleanup() {
  if (cleanup_.get() == nullptr) {
    cleanup_ = kj::heap<ShardCleanup>(loop_, world_, engines_.get(config_.stateEngine), disk_, config_);
  }
  return *cleanup_;
}

void Shard::reconfigure() {
  if (groups_.get() != nullptr) groups_->reconfigure(config_);
  if (cleanup_.get() != nullptr) cleanup_->reconfigure();
  if (moves_.get() != nullptr) moves_->reconfigure(config_);
}

void Shard::startCleanup() {
  cleanup().start();
}

DeviceSpace Shard::deviceSpace() const {
  auto space = world_.files.space();
  return {world_.files.describe(""), space.total, space.free};
}

kj::Promise<void> Shard::measureLag() {
  constexpr int64_t kPeriodMs = 500;
  for (;;) {
    int64_t due = world_.clock.steadyNs() + kPeriodMs * 1'000'000;
    co_await loop_.timer.afterDelay(kPeriodMs * kj::MILLISECONDS);
    int64_t lateNs = kj::max(int64_t{0}, world_.clock.steadyNs() - due);
    loopLag_.add(lateNs);
    loopLagSeconds_ = static_cast<double>(lateNs) * 1e-9;
  }
}

kj::Promise<void> Shard::watchDisk() {
  constexpr int64_t kPeriodMs = 500;
  kj::String said;
  while (!closed_) {
    try {
      disk_.look();
      if (disk_.wantsFile()) co_await world_.pool.run([&disk = disk_] { disk.keepFile(); });
      if (disk_.status().full && !closed_) {
        co_await world_.pool.run([&engines = engines_] {
          for (auto* engine : engines.opened())
            engine->reclaim();
        });
        if (!closed_) disk_.look();
      }
    } catch (const kj::Exception& exception) {
      // Once for each reason: the next try comes soon.
      if (exception.getDescription() != said) {
        KJ_LOG(ERROR, "space of the device", exception.getDescription());
      }
      said = kj::str(exception.getDescription());
    }
    co_await loop_.timer.afterDelay(kPeriodMs * kj::MILLISECONDS);
  }
}

kj::Promise<void> Shard::expireProducers() {
  for (;;) {
    co_await loop_.timer.afterDelay(kExpirationCheckMs * kj::MILLISECONDS);
    for (auto& [key, slot] : partitions_)
      slot.partition->expireProducers();
  }
}

kj::Maybe<kj::Own<Partition>> Shard::find(const PartitionKey& key) {
  auto found = partitions_.find(key);
  if (found == partitions_.end()) return nullptr;
  return kj::addRef(*found->second.partition);
}

kj::Promise<void> Shard::apply(kj::Own<const MetadataImage> image, TopicNames changed,
                               kj::Function<void(size_t)> progress) {
  if (moves_.get() != nullptr) co_await moves_->endGone(*image);
  co_await closeGone(*image, changed);
  configureChanged(*image, changed);
  auto openings = missing(*image, changed);
  size_t opened = 0;
  // A few jobs at a time: as many as the pool can use, so that what waits in it stays small.
  constexpr size_t kJobsAtOnce = 4;
  // Few partitions, which may be large, are spread as well.
  size_t perJob = kj::min(kOpensPerJob, (openings.size() + kJobsAtOnce - 1) / kJobsAtOnce);
  for (size_t at = 0; at < openings.size();) {
    kj::Vector<kj::Promise<void>> jobs;
    for (size_t job = 0; job < kJobsAtOnce && at < openings.size(); ++job) {
      kj::Vector<Opening> some;
      while (some.size() < perJob && at < openings.size())
        some.add(kj::mv(openings[at++]));
      size_t count = some.size();
      jobs.add(openSome(kj::mv(some)).then([&opened, &progress, count] { progress(opened += count); }));
    }
    co_await kj::joinPromises(jobs.releaseAsArray());
  }
  image_ = kj::mv(image);
  if (moves_.get() != nullptr) moves_->follow(*image_, changed);
}

kj::Vector<Shard::Opening> Shard::missing(const MetadataImage& image, const TopicNames& changed) {
  kj::Vector<Opening> openings;
  // Several changes of a topic name it several times.
  std::unordered_set<PartitionKey, PartitionKeyHash> found;
  for (auto& name : changed) {
    KJ_IF_MAYBE(topic, image.find(name)) {
      for (int32_t i = 0; i < topic->partitionCount(); ++i) {
        PartitionKey key{topic->id(), i};
        if (!owns(key) || partitions_.count(key) > 0 || !found.insert(key).second) continue;
        openings.add(Opening{kj::atomicAddRef(*topic), i, {}, {}, nullptr});
      }
    }
  }
  return openings;
}

kj::Promise<void> Shard::openSome(kj::Vector<Opening> openings) {
  // Refcounted, because the job may outlive this coroutine when the broker is torn down half way.
  struct Job final : public kj::AtomicRefcounted {
    kj::Vector<Opening> openings;
  };
  auto job = kj::atomicRefcounted<Job>();
  job->openings = kj::mv(openings);
  auto now = world_.clock.now();
  co_await world_.pool.run([job = kj::atomicAddRef(*job), &engines = engines_, &config = config_, now]() mutable {
    openOnPool(job->openings, engines, config, now);
  });
  for (auto& opening : job->openings)
    adopt(kj::mv(opening));
}

void Shard::openOnPool(kj::ArrayPtr<Opening> openings, EngineSet& engines, const BrokerConfig& config,
                       TimestampMs now) {
  ProducerTable table(engines.get(config.stateEngine));
  kj::Vector<ProducerRow> corrections;
  kj::Vector<Opening*> corrected;
  for (auto& opening : openings) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                  auto& placed = opening.topic->partition(opening.index);
                  auto& engine = engines.open(placed.engine);
                  auto id = opening.topic->logId(opening.index);
                  auto partitionConfig = configOf(*opening.topic, opening.index);
                  requireNotLost(engines, engine, placed, id, partitionConfig);
                  opening.log = engine.open(id.clone(), partitionConfig.log);
                  opening.producers = ProducerKeeper::recover(kj::mv(id), *opening.log, table, config.producers, now);
                })) {
      opening.failure = kj::str(exception->getDescription());
      continue;
    }
    KJ_IF_MAYBE(row, opening.producers->correction()) {
      corrections.add(kj::mv(*row));
      corrected.add(&opening);
    }
  }
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { table.commit(corrections); })) {
    for (auto* opening : corrected) {
      opening->failure =
          kj::str("what is stored of its producers is wrong and cannot be replaced: ", exception->getDescription());
    }
  }
}

void Shard::adopt(Opening opening) {
  if (closed_) return;
  auto& topic = *opening.topic;
  auto& metrics = topicMetrics_[kj::str(topic.name())];
  if (metrics.get() == nullptr) metrics = kj::refcounted<TopicMetrics>();
  auto epoch = topic.partition(opening.index).leaderEpoch;
  auto name = partitionName(topic.name(), opening.index);
  PartitionContext context{world_.pool,      loop_.timer,      world_.clock,
                           metrics->metrics, world_.checkPool, config_.decompressedBatchBytesMax.value()};
  Slot slot{kj::addRef(*metrics), {}};
  KJ_IF_MAYBE(failure, opening.failure) {
    KJ_LOG(ERROR, "partition cannot be opened and stays offline", name, *failure);
    slot.partition = kj::refcounted<Partition>(kj::mv(name), kj::mv(*failure), epoch, context);
  } else {
    KJ_IF_MAYBE(complaint, opening.producers->complaint()) KJ_LOG(WARNING, "recovery", *complaint);
    slot.partition = kj::refcounted<Partition>(kj::mv(name), kj::mv(opening.log), kj::mv(opening.producers),
                                               configOf(topic, opening.index), epoch, context);
  }
  PartitionKey key{topic.id(), opening.index};
  cleanup().add(key, kj::addRef(*slot.partition), topic.logId(opening.index), topic.config().cleanup);
  partitions_.emplace(key, kj::mv(slot));
}

kj::Promise<void> Shard::closeGone(const MetadataImage& image, const TopicNames& changed) {
  kj::Vector<kj::Promise<void>> closing;
  for (auto& name : changed) {
    KJ_IF_MAYBE(before, image_->find(name)) {
      KJ_IF_MAYBE(still, image.find(name)) {
        if (still->id() == before->id()) continue;
      }
      closeTopic(*before, closing);
    }
  }
  return kj::joinPromises(closing.releaseAsArray());
}

void Shard::closeTopic(const Topic& topic, kj::Vector<kj::Promise<void>>& closing) {
  for (int32_t i = 0; i < topic.partitionCount(); ++i) {
    auto found = partitions_.find(PartitionKey{topic.id(), i});
    if (found == partitions_.end()) continue;
    auto& slot = found->second;
    cleanup().remove(found->first);
    closing.add(closeAndHold(kj::mv(slot.partition), Partition::Ending::kDeleted).attach(kj::mv(slot.metrics)));
    partitions_.erase(found);
  }
  auto counted = topicMetrics_.find(kj::str(topic.name()));
  if (counted != topicMetrics_.end()) {
    gone_.add(counted->second->metrics);
    topicMetrics_.erase(counted);
  }
}

void Shard::configureChanged(const MetadataImage& image, const TopicNames& changed) {
  for (auto& name : changed) {
    KJ_IF_MAYBE(before, image_->find(name)) {
      KJ_IF_MAYBE(topic, image.find(name)) {
        if (before->revision() == topic->revision()) continue;
        for (int32_t i = 0; i < topic->partitionCount(); ++i) {
          auto found = partitions_.find(PartitionKey{topic->id(), i});
          if (found == partitions_.end()) continue;
          found->second.partition->configure(configOf(*topic, i));
          found->second.partition->lead(topic->partition(i).leaderEpoch);
          cleanup().configure(found->first, topic->config().cleanup);
        }
      }
    }
  }
}

ShardReport Shard::report() {
  ShardReport report;
  report.partitions = partitions_.size();
  for (auto& [key, slot] : partitions_) {
    report.waiting += slot.partition->waiting();
    KJ_IF_MAYBE(error, slot.partition->whyOffline()) {
      ++report.partitionsOffline;
      if (report.offline.size() < ShardReport::kOfflineMax) {
        report.offline.add(ShardReport::Offline{kj::str(slot.partition->name()), kj::mv(*error)});
      }
    }
    auto unsynced = slot.partition->unsynced();
    report.unsyncedBytes += unsynced.bytes.value();
    report.unsyncedMs = kj::max(report.unsyncedMs, unsynced.ageMs);
  }
  for (auto& [name, topic] : topicMetrics_)
    report.topics.add(ShardReport::PerTopic{kj::str(name), topic->metrics});
  report.gone = gone_;
  report.disk = disk_.status();
  if (groups_.get() != nullptr) {
    for (auto* coordinator : groups_->all())
      report.coordinators.add(coordinator->report());
  }
  report.loopLag = loopLag_;
  report.loopLagSeconds = loopLagSeconds_;
  return report;
}

kj::Promise<void> Shard::close() {
  closed_ = true;
  if (cleanup_.get() != nullptr) cleanup_->stop();
  // Groups and moves wait for syncs.
  for (auto& [key, slot] : partitions_)
    slot.partition->awaitRoomNoMore();
  if (groups_.get() != nullptr) co_await groups_->close();
  if (moves_.get() != nullptr) co_await moves_->close();
  kj::Vector<Slot> slots(partitions_.size());
  for (auto& [key, slot] : partitions_)
    slots.add(kj::mv(slot));
  partitions_.clear();
  co_await closeAll(kj::mv(slots));
}

kj::Promise<void> Shard::closeAll(kj::Vector<Slot> slots) {
  kj::Vector<kj::Promise<void>> closing(slots.size());
  for (auto& slot : slots)
    closing.add(slot.partition->close(Partition::Ending::kKept));
  co_await kj::joinPromises(closing.releaseAsArray());
  for (size_t at = 0; at < slots.size();) {
    kj::Vector<ProducerRow> rows;
    for (; at < slots.size() && rows.size() < kRowsPerCommit; ++at) {
      KJ_IF_MAYBE(row, slots[at].partition->takeLastProducerRow()) rows.add(kj::mv(*row));
    }
    if (rows.size() == 0) continue;
    try {
      co_await world_.pool.run(
          [table = ProducerTable(engines_.get(config_.stateEngine)), rows = kj::mv(rows)] { table.commit(rows); });
    } catch (const kj::Exception& exception) {
      // The rows before still hold; the next start reads more of the logs.
      KJ_LOG(ERROR, "the states of producers could not be written", exception.getDescription());
    }
  }
}

}  // namespace cambium
