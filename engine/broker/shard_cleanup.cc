#include "engine/broker/shard_cleanup.h"

#include <algorithm>

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

// Looked at in one turn of the loop: some microseconds each.
constexpr size_t kPartitionsPerTurn = 100;

}  // namespace

ShardCleanup::ShardCleanup(LoopContext& loop, World& world, StorageEngine& state, DiskReserve& disk,
                           const BrokerConfig& config)
    : timer_(loop.timer),
      disk_(disk),
      config_(config),
      throttle_(loop.timer, Bytes(0)),
      context_{.pool = world.pool,
               .clock = world.clock,
               .entropy = world.entropy,
               .throttle = throttle_,
               .table = CleanerTable(state),
               .keysMax = 0,
               .backoffMs = 0} {
  reconfigure();
}

void ShardCleanup::reconfigure() {
  throttle_.setRate(Bytes((config_.cleanerBytesPerSecond + config_.cores - 1) / config_.cores));
  context_.keysMax = KeyMap::keysIn(Bytes(config_.cleanerKeyMapBytes / config_.cores));
  context_.backoffMs = config_.cleanerBackoffMs;
  waitingForChange_.reach(++changes_);
}

kj::Promise<void> ShardCleanup::waitFor(const Live<int64_t>& ms) {
  auto begin = timer_.now();
  for (;;) {
    auto end = begin + ms.get() * kj::MILLISECONDS;
    co_await timer_.atTime(end).exclusiveJoin(waitingForChange_.wait(changes_ + 1));
    if (timer_.now() >= begin + ms.get() * kj::MILLISECONDS) co_return;
  }
}

void ShardCleanup::TaskErrors::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "retention or compaction has ended", exception);
}

void ShardCleanup::start() {
  tasks_.add(retain());
  tasks_.add(compact());
}

void ShardCleanup::add(const PartitionKey& key, kj::Own<Partition> partition, LogId log, CleanupConfig config) {
  all_.emplace(key, kj::refcounted<PartitionCleanup>(context_, kj::mv(partition), kj::mv(log), config));
}

void ShardCleanup::configure(const PartitionKey& key, CleanupConfig config) {
  auto found = all_.find(key);
  if (found != all_.end()) found->second->configure(config);
}

kj::Vector<kj::Own<PartitionCleanup>> ShardCleanup::some(bool (PartitionCleanup::*wanted)() const) {
  kj::Vector<kj::Own<PartitionCleanup>> some;
  for (auto& [key, cleanup] : all_)
    if ((*cleanup.*wanted)()) some.add(kj::addRef(*cleanup));
  return some;
}

kj::Promise<void> ShardCleanup::pause() {
  return timer_.afterDelay(1 * kj::MILLISECONDS);
}

kj::Promise<void> ShardCleanup::retain() {
  while (!stopped_) {
    co_await waitFor(config_.retentionCheckMs);
    try {
      // What cannot be written down is not deleted: a log that fails goes offline, and could not be read any more.
      if (disk_.status().whyReadOnly != nullptr) continue;
      // On a device that is full to the brim nothing could be written down, not even what was deleted.
      disk_.makeRoom();
      co_await retainAll();
    } catch (const kj::Exception& exception) {
      KJ_LOG(ERROR, "retention; it is tried again", exception);
    }
  }
}

kj::Promise<void> ShardCleanup::retainAll() {
  size_t looked = 0;
  for (auto& cleanup : some(&PartitionCleanup::retains)) {
    while (!stopped_ && cleanup->retainSome())
      co_await pause();
    if (++looked % kPartitionsPerTurn == 0) co_await pause();
  }
}

kj::Promise<void> ShardCleanup::compact() {
  while (!stopped_) {
    co_await waitFor(config_.cleanerBackoffMs);
    try {
      co_await compactDue();
    } catch (const kj::Exception& exception) {
      KJ_LOG(ERROR, "compaction; it is tried again", exception);
    }
  }
}

kj::Promise<void> ShardCleanup::compactDue() {
  auto dueNow = co_await findDue();
  for (auto& due : dueNow) {
    if (!stopped_ && hasRoomToCompact()) co_await due.cleanup->compact();
  }
}

bool ShardCleanup::hasRoomToCompact() const {
  auto disk = disk_.status();
  return disk.whyReadOnly == nullptr && disk.free.value() >= disk.reserve.value() / 2;
}

kj::Promise<kj::Vector<ShardCleanup::Due>> ShardCleanup::findDue() {
  kj::Vector<Due> found;
  size_t looked = 0;
  for (auto& cleanup : some(&PartitionCleanup::compacts)) {
    if (stopped_) break;
    if (cleanup->needsProgress()) co_await cleanup->loadProgress();
    KJ_IF_MAYBE(ratio, cleanup->dirtyRatioIfDue()) found.add(Due{kj::addRef(*cleanup), *ratio});
    if (++looked % kPartitionsPerTurn == 0) co_await pause();
  }
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.dirtyRatio > b.dirtyRatio; });
  co_return kj::mv(found);
}

}  // namespace cambium
