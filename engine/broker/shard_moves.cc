#include "engine/broker/shard_moves.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

using Phase = MoveStatus::Phase;

}  // namespace

ShardMoves::ShardMoves(Shard& shard, World& world, EngineSet& engines, LogPlacements& placements, LoopPort& home,
                       const BrokerConfig& config)
    : shard_(shard), world_(world), engines_(engines), placements_(placements), home_(home) {
  reconfigure(config);
}

void ShardMoves::reconfigure(const BrokerConfig& config) {
  // The loops share what the broker may do. One that may do anything at all does something.
  auto perSecond = config.moveBytesPerSecond.get().value();
  pace_.bytesPerSecond = Bytes(perSecond > 0 ? kj::max(perSecond / config.cores, uint64_t{1}) : 0);
  for (auto& [key, work] : work_)
    if (work.move != nullptr) work.move->setPace(pace_);
}

ShardMoves::~ShardMoves() noexcept(false) {}

void ShardMoves::follow(const MetadataImage& image) {
  if (closed_) return;
  for (auto& topic : image.topics()) {
    for (int32_t i = 0; i < topic->partitionCount(); ++i)
      followPartition(*topic, i);
  }
}

void ShardMoves::follow(const MetadataImage& image, const TopicNames& changed) {
  if (closed_) return;
  for (auto& name : changed) {
    KJ_IF_MAYBE(topic, image.find(name)) {
      for (int32_t i = 0; i < topic->partitionCount(); ++i)
        followPartition(*topic, i);
    }
  }
}

void ShardMoves::followPartition(const Topic& topic, int32_t index) {
  auto& placed = topic.partition(index);
  PartitionKey key{topic.id(), index};
  auto found = work_.find(key);
  bool known = found != work_.end();
  if (!known && placed.engine == topic.engine() && placed.otherEngine.size() == 0) return;
  if (!known && !shard_.owns(key)) return;
  if (!known) {
    Work work{.partition = {kj::str(topic.name()), topic.id(), index},
              .wanted = kj::str(topic.engine()),
              .attempt = topic.moveAttempt()};
    enqueue(key, work_.emplace(key, kj::mv(work)).first->second);
    return;
  }
  auto& work = found->second;
  if (work.attempt == topic.moveAttempt()) return;
  // Somebody has asked for something: to have it elsewhere, or to try again.
  work.attempt = topic.moveAttempt();
  work.wanted = kj::str(topic.engine());
  if (work.move != nullptr && work.placement.wanted != work.wanted) work.move->cancel();
  if (work.phase == Phase::kFailed) enqueue(key, work);
}

void ShardMoves::enqueue(const PartitionKey& key, Work& work) {
  if (work.queued) return;
  work.queued = true;
  work.phase = Phase::kWaiting;
  queue_.push_back(key);
  if (working_) return;
  working_ = true;
  tasks_.add(workOff());
}

kj::Maybe<MoveStatus> ShardMoves::status(const PartitionKey& key) {
  auto found = work_.find(key);
  if (found == work_.end()) return nullptr;
  auto& work = found->second;
  if (work.move != nullptr) return work.move->status();
  MoveStatus status{.to = kj::str(work.wanted), .phase = work.phase, .failure = kj::str(work.failure)};
  return kj::mv(status);
}

kj::Promise<void> ShardMoves::workOff() {
  // Whoever has enqueued goes on first.
  co_await kj::evalLater([] {});
  while (!queue_.empty() && !closed_) {
    auto key = queue_.front();
    queue_.pop_front();
    current_ = key;
    try {
      co_await settle(key);
    } catch (const kj::Exception& exception) {
      auto found = work_.find(key);
      if (found != work_.end()) fail(found->second, exception.getDescription());
    }
    auto left = work_.find(key);
    if (left != work_.end() && ending(left->second)) work_.erase(left);
    current_ = nullptr;
    settled_.wakeAll();
  }
  working_ = false;
}

kj::Promise<void> ShardMoves::settle(PartitionKey key) {
  auto found = work_.find(key);
  if (found == work_.end()) co_return;
  // Its address stays while it is in the map, and only this takes it out while it is the current one.
  auto& work = found->second;
  work.queued = false;
  auto next = Next::kGoOn;
  while (next == Next::kGoOn && !ending(work)) {
    auto placement = co_await find(work);
    if (!placement.ok()) {
      next = Next::kDone;  // deleted
      continue;
    }
    work.placement = kj::mv(placement.value());
    next = work.placement.atRest() ? Next::kDone : co_await step(key, work);
  }
  if (next == Next::kDone) work_.erase(key);
}

kj::Promise<ShardMoves::Next> ShardMoves::step(PartitionKey key, Work& work) {
  auto& placement = work.placement;
  KJ_IF_MAYBE(partition, shard_.find(key)) {
    // Damaged, or gone: the log in the other engine may be all that can be read, and nothing is done to it.
    KJ_IF_MAYBE(reason, (*partition)->whyOffline()) return fail(work, reason->message);
  }
  if (placement.engine == placement.wanted) return clean(work);
  if (placement.otherEngine == placement.wanted) return move(key, work);
  if (placement.otherEngine.size() > 0) return clean(work);
  KJ_LOG(INFO, "moving a log", work.partition.topic, work.partition.index, placement.engine, placement.wanted);
  // Refused when somebody has changed it meanwhile: the store is asked again, here and below.
  return change(work, placement.engine, placement.wanted).then([](Result<void>) { return Next::kGoOn; });
}

kj::Promise<ShardMoves::Next> ShardMoves::clean(Work& work) {
  work.phase = Phase::kCleaning;
  auto failure = co_await drop(work, work.placement.otherEngine);
  KJ_IF_MAYBE(reason, failure) co_return fail(work, *reason);
  co_await change(work, work.placement.engine, "").ignoreResult();
  co_return Next::kGoOn;
}

kj::Promise<ShardMoves::Next> ShardMoves::move(PartitionKey key, Work& work) {
  kj::Own<Partition> partition;
  KJ_IF_MAYBE(found, shard_.find(key)) {
    partition = kj::mv(*found);
  } else {
    co_return Next::kDone;
  }
  work.phase = Phase::kCopying;
  // Blocks while the engine recovers.
  co_await world_.pool.run([&engines = engines_, kind = kj::str(work.placement.wanted)] { engines.open(kind); });
  if (ending(work)) co_return Next::kStop;
  LogMove move(kj::addRef(*partition), engines_.get(work.placement.wanted), work.partition.logId(), pace_,
               MoveSurroundings{
                   .pool = world_.pool,
                   .timer = shard_.loop().timer,
                   .clock = world_.clock,
                   .recordSwitch = [this, &work] { return change(work, work.placement.wanted, work.placement.engine); },
                   .lackOfRoom = [this](Bytes more) { return lackOfRoom(more); }});
  work.move = &move;
  KJ_DEFER(work.move = nullptr);
  auto outcome = co_await move.run();
  if (outcome.ok() && outcome.value() == LogMove::Outcome::kUnknown) {
    co_return fail(work, "it is not known which of its logs is in charge; both stay until the broker is restarted");
  }
  if (outcome.ok()) co_return ending(work) ? Next::kStop : Next::kGoOn;
  auto reason = kj::str(outcome.error().message);
  // Its log is damaged, or gone: what there is of the copy may be all that can be read.
  if (partition->isOffline()) co_return fail(work, reason);
  // A cancel may have come in between: then that is what happened.
  auto now = co_await find(work);
  if (!now.ok() || now.value().wanted != work.placement.wanted) co_return Next::kGoOn;
  // Gives the room back.
  if (now.value().engine == work.placement.engine) {
    auto failure = co_await drop(work, work.placement.wanted);
    KJ_IF_MAYBE(more, failure) reason = kj::str(reason, "; ", *more);
  }
  co_return fail(work, reason);
}

ShardMoves::Next ShardMoves::fail(Work& work, kj::StringPtr reason) {
  KJ_LOG(ERROR, "a log could not be moved", work.partition.topic, work.partition.index, reason);
  work.phase = Phase::kFailed;
  work.failure = kj::str(reason);
  return Next::kStop;
}

kj::Promise<Result<LogPlacement>> ShardMoves::find(const Work& work) {
  return callLoop<Result<LogPlacement>>(
      shard_.port(), home_,
      [&placements = placements_, partition = work.partition.clone()] { return placements.find(partition.clone()); });
}

kj::Promise<Result<void>> ShardMoves::change(const Work& work, kj::StringPtr engine, kj::StringPtr otherEngine) {
  return callLoop<Result<void>>(
      shard_.port(), home_,
      [&placements = placements_, partition = work.partition.clone(), before = work.placement.clone(),
       engine = kj::str(engine), otherEngine = kj::str(otherEngine)] {
        return placements.change(partition.clone(), before.clone(), kj::str(engine), kj::str(otherEngine));
      });
}

// Never the log in charge: the placement is the store's, and nobody but this loop changes which one that is.
kj::Promise<kj::Maybe<kj::String>> ShardMoves::drop(const Work& work, kj::StringPtr engine) {
  KJ_REQUIRE(engine != work.placement.engine, "the log in charge is not to be removed", work.partition.topic);
  kj::Maybe<kj::String> failure;
  try {
    co_await world_.pool.run([&engines = engines_, kind = kj::str(engine), id = work.partition.logId()] {
      engines.open(kind).drop(id.clone());
    });
  } catch (const kj::Exception& exception) {
    failure = kj::str("the log in ", engine, ", which is not needed, cannot be removed: ", exception.getDescription());
  }
  co_return kj::mv(failure);
}

kj::Maybe<kj::String> ShardMoves::lackOfRoom(Bytes more) const {
  shard_.disk().look();
  auto disk = shard_.disk().status();
  if (disk.free.value() >= more.value() + disk.reserve.value()) return nullptr;
  return kj::str("the copy needs ", more, " bytes and ", disk.reserve, " stay free (--disk_reserve_bytes), but ",
                 world_.files.describe(""), " has ", disk.free, "; free some space and ask for the move again");
}

kj::Promise<void> ShardMoves::endGone(const MetadataImage& image) {
  for (auto at = work_.begin(); at != work_.end();) {
    auto topic = image.find(at->first.topic);
    if (topic != nullptr) {
      ++at;
      continue;
    }
    at->second.gone = true;
    if (at->second.move != nullptr) at->second.move->cancel();
    bool isCurrent = false;
    KJ_IF_MAYBE(current, current_) isCurrent = *current == at->first;
    at = isCurrent ? std::next(at) : work_.erase(at);
  }
  KJ_IF_MAYBE(current, current_) {
    auto key = *current;
    for (;;) {
      auto found = work_.find(key);
      if (found == work_.end() || !found->second.gone) break;
      co_await settled_.wait();
    }
  }
}

kj::Promise<void> ShardMoves::close() {
  closed_ = true;
  for (auto& [key, work] : work_) {
    if (work.move != nullptr) work.move->cancel();
  }
  while (working_)
    co_await tasks_.onEmpty();
  work_.clear();
}

}  // namespace cambium
