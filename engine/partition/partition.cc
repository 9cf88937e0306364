#include "engine/partition/partition.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/record/record_reader.h"

namespace cambium {

namespace {

// A sync job under way: the pool's thread and the partition each hold it, so that neither has to wait for the other to
// let go.
struct SharedJob final : public kj::AtomicRefcounted {
  explicit SharedJob(kj::Own<SyncJob> job) : job(kj::mv(job)) {}
  kj::Own<SyncJob> job;
};

// Read at a time while looking for a record among batches.
constexpr Bytes kSearchBytes = kibibytes(256);

// The longest that kj's durations, which count nanoseconds, are safe with.
constexpr int64_t kIntervalMsMax = 365LL * 24 * 3600 * 1000;

constexpr int64_t kSyncAgainMs = 200;

// A sync that was not tried for want of room on the device.
bool mayPass(const kj::Maybe<kj::Exception>& failure) {
  KJ_IF_MAYBE(exception, failure) return exception->getType() == kj::Exception::Type::OVERLOADED;
  return false;
}

// `empty`: the bytes of the batches without records, which are left out.
kj::Array<const kj::byte> withoutEmpty(ByteView batches, size_t empty) {
  auto kept = kj::heapArrayBuilder<kj::byte>(batches.size() - empty);
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    if (batch->recordCount() > 0) kept.addAll(batch->bytes());
  }
  return kept.finish();
}

}  // namespace

Partition::Partition(kj::String name, kj::Own<PartitionLog> log, kj::Own<ProducerKeeper> producers,
                     PartitionConfig config, LeaderEpoch epoch, PartitionContext context)
    : name_(kj::mv(name)),
      log_(kj::mv(log)),
      producers_(kj::mv(producers)),
      config_(kj::mv(config)),
      epoch_(epoch),
      context_(context) {
  auto bounds = log_->bounds();
  epoch_ = kj::max(epoch_, producers_->epochs().latest());
  producers_->epochs().assign(epoch_, bounds.end);
  highWatermark_ = config_.durability == Durability::kFsync ? bounds.durable : bounds.end;
  scheduleSync();
}

Partition::Partition(kj::String name, kj::String offlineReason, LeaderEpoch epoch, PartitionContext context)
    : name_(kj::mv(name)), offlineReason_(kj::mv(offlineReason)), epoch_(epoch), context_(context) {}

void Partition::lead(LeaderEpoch epoch) {
  if (epoch <= epoch_ || !usable()) return;
  epoch_ = epoch;
  producers_->epochs().assign(epoch_, log_->bounds().end);
}

Error Partition::offlineError() const {
  KJ_IF_MAYBE(reason, offlineReason_) {
    return makeError(
        ErrorCode::kStorageError, "partition ", name_, " is offline: ", *reason,
        "; look at it with `cambium inspect`, mend it with `cambium inspect repair` if it is damaged, then restart "
        "the broker");
  }
  return makeError(ErrorCode::kUnknownTopicOrPartition, "partition ", name_, " was closed");
}

kj::Maybe<Error> Partition::whyOffline() const {
  if (!isOffline()) return nullptr;
  return offlineError();
}

void Partition::goOffline(kj::String reason) {
  KJ_LOG(ERROR, "partition goes offline", name_, reason);
  if (offlineReason_ == nullptr) offlineReason_ = kj::mv(reason);
  readers_.releaseAll();
  committers_.releaseAll();
}

void Partition::TaskErrors::taskFailed(kj::Exception&& exception) {
  partition_.syncing_ = false;
  partition_.quiet_.wakeAll();
  partition_.goOffline(kj::str(exception.getDescription()));
}

template <class T>
Result<T> Partition::guarded(kj::StringPtr doing, kj::FunctionParam<Result<T>(PartitionLog&)> action) {
  if (!usable()) return offlineError();
  kj::Maybe<Result<T>> result;
  auto thrown = kj::runCatchingExceptions([&] { result = action(*log_); });
  KJ_IF_MAYBE(exception, thrown) {
    if (exception->getType() == kj::Exception::Type::OVERLOADED) {
      return makeError(ErrorCode::kStorageError, doing, " ", name_, ": ", exception->getDescription(),
                       "; nothing was changed, free some space and try again");
    }
    goOffline(kj::str(doing, ": ", exception->getDescription()));
    return offlineError();
  }
  return kj::mv(KJ_ASSERT_NONNULL(result));
}
template Result<AppendOutcome> Partition::guarded(kj::StringPtr doing,
                                                  kj::FunctionParam<Result<AppendOutcome>(PartitionLog&)> action);

kj::Promise<Result<void>> Partition::whenCommitted(Offset offset) {
  if (highWatermark_ < offset && usable()) co_await committers_.wait(offset);
  if (highWatermark_ >= offset) co_return Result<void>();
  co_return offlineError();
}

Result<ReadOutcome> Partition::read(Offset from, Bytes bytesMax, LeaderEpoch lastEpoch) {
  int64_t begun = context_.clock.steadyNs();
  auto result = guarded<ReadOutcome>("read", [&](PartitionLog& log) -> Result<ReadOutcome> {
    auto bounds = log.bounds();
    auto outOfRange = [&] {
      return makeError(ErrorCode::kOffsetOutOfRange, "offset ", from, " of partition ", name_, " is outside ",
                       bounds.start, " (log start) to ", bounds.end, " (end)");
    };
    if (from < bounds.start) return outOfRange();
    ReadOutcome outcome{.batches = nullptr,
                        .nextOffset = from,
                        .highWatermark = highWatermark_,
                        .logStart = bounds.start,
                        .acknowledged = acknowledged()};
    if (lastEpoch != kNoLeaderEpoch) {
      auto diverging = divergence(log, from, lastEpoch);
      if (!diverging.ok()) return kj::mv(diverging.error());
      outcome.diverging = kj::mv(diverging.value());
      if (outcome.diverging != nullptr) return kj::mv(outcome);
    }
    if (from > bounds.end) return outOfRange();
    if (from >= highWatermark_ || bytesMax == Bytes(0)) return kj::mv(outcome);
    outcome.batches = readRecordful(log, outcome.nextOffset, bytesMax);
    return kj::mv(outcome);
  });
  if (result.ok() && result.value().batches.size() > 0) {
    ++context_.metrics.reads;
    context_.metrics.readBytes += result.value().batches.size();
    context_.metrics.readLatency.add(context_.clock.steadyNs() - begun);
  }
  return result;
}

kj::Array<const kj::byte> Partition::readRecordful(PartitionLog& log, Offset& from, Bytes bytesMax) {
  for (auto wish = bytesMax; from < highWatermark_;) {
    auto batches = log.read(from, highWatermark_, wish);
    if (batches.size() == 0) break;
    auto next = from, firstFull = kNoOffset;
    size_t empty = 0;
    BatchIterator each(batches);
    while (auto* batch = each.next()) {
      if (batch->recordCount() == 0) {
        empty += batch->size();
      } else if (firstFull == kNoOffset) {
        firstFull = batch->baseOffset();
      }
      next = batch->nextOffset();
    }
    if (firstFull == kNoOffset) {
      // A long run of them is passed in few steps.
      wish = kj::max(wish, kSearchBytes);
      from = next;
      continue;
    }
    if (wish > bytesMax) {
      wish = bytesMax;
      from = kj::max(from, firstFull);
      continue;
    }
    from = next;
    return empty == 0 ? kj::mv(batches) : withoutEmpty(batches, empty);
  }
  return nullptr;
}

kj::Promise<void> Partition::whenReadable(Offset from) {
  if (highWatermark_ > from || !usable()) return kj::READY_NOW;
  return readers_.wait(from + 1);
}

kj::Promise<void> Partition::whenAcknowledgedReadable() {
  if (acknowledged_ <= highWatermark_ || !usable()) return kj::READY_NOW;
  // Counted from the oldest record that waits: while a device is stuck, hardly anybody waits, also not one after the
  // other for many partitions.
  int64_t left = kAcknowledgedWaitMs - unsynced().ageMs;
  if (left <= 0) return kj::READY_NOW;
  return readers_.wait(acknowledged_).exclusiveJoin(context_.timer.afterDelay(left * kj::MILLISECONDS));
}

Result<OffsetFound> Partition::findOffset(OffsetQuery query) {
  return guarded<OffsetFound>("look up an offset of", [&](PartitionLog& log) -> Result<OffsetFound> {
    switch (query.kind) {
      case OffsetQuery::Kind::kEarliest:
        return OffsetFound{.offset = log.bounds().start, .leaderEpoch = epochsOf(log).epochAt(log.bounds().start)};
      case OffsetQuery::Kind::kLatest:
        return OffsetFound{.offset = highWatermark_, .leaderEpoch = epoch_};
      case OffsetQuery::Kind::kTimestamp:
        return firstSince(log, query.timestamp);
      case OffsetQuery::Kind::kMaxTimestamp:
        return newest(log);
    }
    KJ_UNREACHABLE;
  });
}

LeaderEpochs& Partition::epochsOf(PartitionLog& log) {
  auto& epochs = producers_->epochs();
  epochs.dropBefore(log.bounds().start);
  return epochs;
}

Result<LeaderEpochs::End> Partition::endOfEpoch(LeaderEpoch epoch) {
  return guarded<LeaderEpochs::End>("look up a leader epoch of", [&](PartitionLog& log) -> Result<LeaderEpochs::End> {
    return epochsOf(log).endOffsetFor(epoch, log.bounds().end);
  });
}

Result<kj::Maybe<LeaderEpochs::End>> Partition::divergence(PartitionLog& log, Offset from, LeaderEpoch lastEpoch) {
  auto end = epochsOf(log).endOffsetFor(lastEpoch, log.bounds().end);
  if (end == LeaderEpochs::End()) {
    return makeError(ErrorCode::kOffsetOutOfRange, "partition ", name_, " has nothing of leader epoch ", lastEpoch,
                     ", its last one is ", epoch_);
  }
  if (end.epoch == lastEpoch && end.offset >= from) return kj::Maybe<LeaderEpochs::End>(nullptr);
  return kj::Maybe<LeaderEpochs::End>(end);
}

// The engine names the batch; which record of it is meant takes a look inside. When that record is one that was deleted
// (the log starts in the middle of the batch), the search goes on behind the batch.
Result<OffsetFound> Partition::firstSince(PartitionLog& log, TimestampMs atLeast) {
  KJ_IF_MAYBE(hit, log.seekTime(atLeast)) {
    return searchRecords(log, kj::max(hit->baseOffset, log.bounds().start), highWatermark_, atLeast);
  }
  return OffsetFound();
}

Result<OffsetFound> Partition::newest(PartitionLog& log) {
  auto bounds = log.bounds();
  auto newest = kNoTimestamp;
  KJ_IF_MAYBE(hit, log.maxTimestamp()) {
    if (hit->baseOffset >= bounds.start && hit->baseOffset < highWatermark_) {
      return searchRecords(log, hit->baseOffset, highWatermark_, hit->maxTimestamp);
    }
  } else {
    return OffsetFound();
  }
  // The engine's answer is not visible (yet, or any more): the extents on the way know theirs, the two at the ends are
  // looked into.
  for (auto& extent : log.extents()) {
    if (extent.end <= bounds.start || extent.first >= highWatermark_) continue;
    bool whole = extent.first >= bounds.start && extent.end <= highWatermark_;
    newest = kj::max(
        newest, whole ? extent.maxTimestamp
                      : newestOfBatches(log, kj::max(extent.first, bounds.start), kj::min(extent.end, highWatermark_)));
  }
  if (newest == kNoTimestamp) return OffsetFound();
  return searchRecords(log, bounds.start, highWatermark_, newest);
}

Result<OffsetFound> Partition::searchRecords(PartitionLog& log, Offset from, Offset upTo, TimestampMs atLeast) {
  auto extents = log.extents();
  for (auto& extent : extents) {
    if (extent.end <= from || extent.maxTimestamp < atLeast) continue;
    // Most often the first batch is the one.
    auto bytesMax = Bytes(1);
    for (auto at = kj::max(from, extent.first), end = kj::min(upTo, extent.end); at < end;) {
      auto batches = log.read(at, end, bytesMax);
      if (batches.size() == 0) break;
      bytesMax = kSearchBytes;
      BatchIterator each(batches);
      while (auto* batch = each.next()) {
        at = batch->nextOffset();
        if (batch->maxTimestamp() < atLeast) continue;
        RecordReader records(*batch);
        while (auto* record = records.next()) {
          if (record->offset < from || record->timestamp < atLeast) continue;
          return OffsetFound{
              .offset = record->offset, .timestamp = record->timestamp, .leaderEpoch = batch->leaderEpoch()};
        }
        KJ_IF_MAYBE(error, records.error()) {
          return makeError(error->code, "partition ", name_, ", batch at offset ", batch->baseOffset(), ": ",
                           error->message);
        }
      }
    }
  }
  return OffsetFound();
}

TimestampMs Partition::newestOfBatches(PartitionLog& log, Offset from, Offset upTo) {
  auto newest = kNoTimestamp;
  while (from < upTo) {
    auto batches = log.read(from, upTo, kSearchBytes);
    if (batches.size() == 0) break;
    BatchIterator each(batches);
    while (auto* batch = each.next()) {
      if (batch->baseOffset() < from) {
        // The log starts inside of it: the largest timestamp may be one of a record that was deleted.
        RecordReader records(*batch);
        while (auto* record = records.next()) {
          if (record->offset >= from) newest = kj::max(newest, record->timestamp);
        }
      } else {
        newest = kj::max(newest, batch->maxTimestamp());
      }
      from = batch->nextOffset();
    }
  }
  return newest;
}

Result<Offset> Partition::deleteRecords(Offset before) {
  return guarded<Offset>("delete records of", [&](PartitionLog& log) -> Result<Offset> {
    if (gate_.held()) {
      return makeError(ErrorCode::kRequestTimedOut, "the log of partition ", name_, " changes engines; try again");
    }
    auto start = log.bounds().start;
    auto target = before == kNoOffset ? highWatermark_ : before;
    if (target > highWatermark_ && target <= acknowledged_) {
      return makeError(ErrorCode::kRequestTimedOut, "records of partition ", name_, " up to offset ", acknowledged_,
                       " are not on the device yet; try again");
    }
    if (target < Offset(0) || target > highWatermark_) {
      return makeError(ErrorCode::kOffsetOutOfRange, "cannot delete records of partition ", name_, " before offset ",
                       target, ": the high watermark is ", highWatermark_);
    }
    if (target > start) log.dropBefore(target);
    auto bounds = log.bounds();
    if (bounds.durable == bounds.end) unsynced_ = inSync_ = Waiting();
    return bounds.start;
  });
}

Result<bool> Partition::maintain(kj::StringPtr doing, kj::FunctionParam<bool(PartitionLog& log)> action) {
  return guarded<bool>(doing, [&](PartitionLog& log) -> Result<bool> {
    if (gate_.held()) {
      return makeError(ErrorCode::kRequestTimedOut, "the log of partition ", name_, " changes engines; try again");
    }
    return action(log);
  });
}

kj::Own<Partition::Hold> Partition::hold() {
  return kj::heap<Hold>(kj::addRef(*this));
}

void Partition::configure(PartitionConfig config) {
  config_ = kj::mv(config);
  auto configured = guarded<bool>("configure", [&](PartitionLog& log) -> Result<bool> {
    log.configure(config_.log);
    advanceHighWatermark();
    // The interval under way may be longer than the new one, and a topic that turns to fsync has none.
    endInterval();
    scheduleSync();
    return true;
  });
  // A partition that goes offline has said so in the log and says so to everybody who asks.
  (void)configured;
}

PartitionStatus Partition::status() {
  PartitionStatus status;
  status.leaderEpoch = epoch_;
  status.highWatermark = highWatermark_;
  status.compaction = compaction_.clone();
  KJ_IF_MAYBE(error, whyOffline()) status.offline = kj::mv(error->message);
  if (!usable()) return status;
  auto described = guarded<bool>("describe", [&](PartitionLog& log) -> Result<bool> {
    auto bounds = log.bounds();
    status.logStart = bounds.start;
    status.end = bounds.end;
    status.durable = bounds.durable;
    status.bytes = log.sizeBytes();
    status.extents = static_cast<uint32_t>(log.extents().size());
    status.unsynced = unsynced();
    return true;
  });
  if (!described.ok()) status.offline = kj::str(described.error().message);
  return status;
}

// --- Producers
// --------------------------------------------------------------------------------------------------------------

Result<kj::Vector<ProducerDescription>> Partition::producers() const {
  if (!usable()) return offlineError();
  return producers_->states().describe();
}

void Partition::expireProducers() {
  if (usable()) producers_->expire(context_.clock.now());
}

void Partition::keepProducers() {
  if (keeping_ || closing_ || !usable()) return;
  bool onlyDurable = config_.durability != Durability::kOs;
  KJ_IF_MAYBE(row, producers_->due(log_->bounds(), onlyDurable, context_.clock.now())) {
    keeping_ = true;
    tasks_.add(writeProducers(kj::mv(*row)));
  }
}

kj::Promise<void> Partition::writeProducers(ProducerRow row) {
  auto upTo = row.upTo;
  try {
    co_await context_.pool.run([table = producers_->table(), row = kj::mv(row)] { table.commit({&row, 1}); });
    producers_->kept(upTo);
  } catch (const kj::Exception& exception) {
    // The row before it still holds: more of the log is read at the next start.
    KJ_LOG(ERROR, "the states of a partition's producers could not be written", name_, exception.getDescription());
  }
  keeping_ = false;
}

kj::Maybe<ProducerRow> Partition::takeLastProducerRow() {
  auto row = kj::mv(lastProducerRow_);
  lastProducerRow_ = nullptr;
  return row;
}

// --- Durability
// --------------------------------------------------------------------------------------------------------------

void Partition::scheduleSync() {
  if (syncing_ || !usable() || gate_.held() || config_.durability == Durability::kOs) return;
  auto bounds = log_->bounds();
  if (bounds.durable == bounds.end) return;
  syncing_ = true;
  tasks_.add(syncUntilClean(config_.durability == Durability::kInterval));
}

void Partition::requestSync() {
  if (syncing_ || closing_ || !usable()) return;
  auto bounds = log_->bounds();
  if (bounds.durable == bounds.end) return;
  syncing_ = true;
  tasks_.add(syncUntilClean(false));
}

// Everything that arrives during one sync rides on the next.
kj::Promise<void> Partition::syncUntilClean(bool afterInterval) {
  if (afterInterval && !closing_) co_await waitForInterval();
  while (usable() && !gate_.held() && log_->bounds().durable < log_->bounds().end) {
    co_await syncOnce();
    if (config_.durability != Durability::kFsync) break;
  }
  // What was appended during the last round of an interval waits for the next one.
  syncing_ = false;
  quiet_.wakeAll();
  scheduleSync();
}

kj::Promise<void> Partition::waitForInterval() {
  auto paf = kj::newPromiseAndFulfiller<void>();
  intervalEnd_ = kj::mv(paf.fulfiller);
  auto interval = kj::min(config_.flushMs, kIntervalMsMax) * kj::MILLISECONDS;
  return context_.timer.afterDelay(interval).exclusiveJoin(kj::mv(paf.promise));
}

void Partition::endInterval() {
  KJ_IF_MAYBE(end, intervalEnd_) (*end)->fulfill();
  intervalEnd_ = nullptr;
}

kj::Promise<void> Partition::syncOnce() {
  kj::Own<SharedJob> shared;
  KJ_IF_MAYBE(job, log_->startSync()) {
    shared = kj::atomicRefcounted<SharedJob>(kj::mv(*job));
  } else {
    co_return;
  }
  int64_t begun = context_.clock.steadyNs();
  auto bytes = shared->job->bytes();
  inSync_ = unsynced_;
  unsynced_ = Waiting();
  kj::Maybe<kj::Exception> failure;
  for (;;) {
    failure = nullptr;
    try {
      co_await context_.pool.run([job = kj::atomicAddRef(*shared)]() mutable { job->job->run(); });
    } catch (...) {
      failure = kj::runCatchingExceptions([] { throw; });
    }
    if (!mayPass(failure) || !roomAwaited_) break;
    // Whoever waits goes on waiting: nothing is lost, and a full device gets room again.
    auto paf = kj::newPromiseAndFulfiller<void>();
    syncPauseEnd_ = kj::mv(paf.fulfiller);
    co_await context_.timer.afterDelay(kSyncAgainMs * kj::MILLISECONDS).exclusiveJoin(kj::mv(paf.promise));
    syncPauseEnd_ = nullptr;
  }
  KJ_IF_MAYBE(exception, failure) {
    ++context_.metrics.syncFailures;
    log_->breakLog(kj::mv(shared->job), exception->getDescription());
    goOffline(kj::str("sync failed: ", exception->getDescription()));
    co_return;
  }
  ++context_.metrics.syncs;
  context_.metrics.syncedBytes += bytes.value();
  context_.metrics.syncLatency.add(context_.clock.steadyNs() - begun);
  log_->finishSync(kj::mv(shared->job));
  inSync_ = Waiting();
  advanceHighWatermark();
  keepProducers();
}

void Partition::noteUnsynced(uint64_t bytes) {
  if (unsynced_.bytes == 0) unsynced_.sinceNs = context_.clock.steadyNs();
  unsynced_.bytes += bytes;
}

Unsynced Partition::unsynced() const {
  if (!usable()) return {};
  uint64_t bytes = unsynced_.bytes + inSync_.bytes;
  if (bytes == 0) return {};
  // Deleting records may have settled it.
  auto bounds = log_->bounds();
  if (bounds.durable == bounds.end) return {};
  int64_t since = inSync_.bytes > 0 ? inSync_.sinceNs : unsynced_.sinceNs;
  return {Bytes(bytes), kj::max(int64_t{0}, context_.clock.steadyNs() - since) / 1'000'000};
}

void Partition::advanceHighWatermark() {
  auto bounds = log_->bounds();
  auto safe = config_.durability == Durability::kFsync ? bounds.durable : bounds.end;
  // Never back: a topic that turns to fsync keeps showing what it has shown.
  if (safe <= highWatermark_) return;
  highWatermark_ = safe;
  committers_.reach(highWatermark_);
  readers_.reach(highWatermark_);
}

void Partition::awaitRoomNoMore() {
  roomAwaited_ = false;
  KJ_IF_MAYBE(end, syncPauseEnd_) (*end)->fulfill();
}

kj::Promise<void> Partition::close(Ending ending) {
  // A sync under way uses the log; it ends by itself, and an interval is cut short.
  closing_ = true;
  awaitRoomNoMore();
  endInterval();
  closingBegun_.wakeAll();
  while (holds_ > 0)
    co_await holdsGone_.wait();
  while (syncing_ || keeping_ || checking_)
    co_await tasks_.onEmpty();
  try {
    if (usable() && ending == Ending::kKept) co_await syncOnce();
    if (usable() && ending == Ending::kKept) {
      lastProducerRow_ = producers_->last(log_->bounds(), context_.clock.now());
    }
  } catch (const kj::Exception& exception) {
    goOffline(kj::str("close: ", exception.getDescription()));
  }
  auto closed = kj::runCatchingExceptions([this] { log_ = nullptr; });
  KJ_IF_MAYBE(exception, closed) KJ_LOG(ERROR, "closing the log of a partition", name_, *exception);
  readers_.releaseAll();
  committers_.releaseAll();
}

}  // namespace cambium
