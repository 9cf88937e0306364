#include "engine/retention/partition_cleanup.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/retention/retention_rules.h"

namespace cambium {

namespace {

// Given up in one turn of the loop: removing a file of a segment takes a millisecond or a few.
constexpr size_t kExtentsPerTurn = 8;
constexpr Bytes kBytesPerTurn = mebibytes(128);

constexpr int64_t kBackoffMsMax = 3'600'000;

}  // namespace

void PartitionCleanup::configure(CleanupConfig config) {
  bool compacted = config_.compacts();
  config_ = config;
  // It may help.
  failures_ = 0;
  retryAtNs_ = 0;
  if (compacted && !config_.compacts()) partition_->setCompactionStatus({});
}

LogPicture PartitionCleanup::look(PartitionLog& log) {
  if (exchanges_ != partition_->exchanges()) {
    // In another engine the extents are others, and the last one is open.
    exchanges_ = partition_->exchanges();
    closedAt_ = timedExtent_ = kNoOffset;
    untimed_ = UntimedExtents();
  }
  LogPicture picture{.bounds = log.bounds(), .highWatermark = partition_->highWatermark(), .extents = log.extents()};
  picture.lastIsClosed = picture.bounds.end == closedAt_;
  untimed_.fill(picture.extents, context_.clock.now());
  return picture;
}

void PartitionCleanup::closeLastIfOld(PartitionLog& log, LogPicture& picture) {
  if (!shouldCloseLast(picture, partition_->config().log.segmentMs, context_.clock.now())) return;
  log.closeExtent();
  closedAt_ = picture.bounds.end;
  picture.lastIsClosed = true;
}

// --- Retention
// --------------------------------------------------------------------------------------------------------------

bool PartitionCleanup::retainSome() {
  if (partition_->isOffline() || partition_->isClosing() || partition_->holdsAppends()) return false;
  RetentionCut cut;
  bool more = false;
  auto done = partition_->maintain("apply retention to", [&](PartitionLog& log) {
    auto picture = look(log);
    cut = retain(picture, config_, context_.clock.now());
    if (cut.extents == 0) {
      closeLastIfOld(log, picture);
      return true;
    }
    auto all = cut.extents;
    cut.extents = 0;
    cut.bytes = Bytes(0);
    while (cut.extents < all && cut.extents < kExtentsPerTurn && cut.bytes < kBytesPerTurn)
      cut.bytes += picture.extents[cut.extents++].bytes.value();
    more = cut.extents < all;
    if (!more && cut.closeLast) {
      log.closeExtent();
      closedAt_ = picture.bounds.end;
    }
    log.dropBefore(kj::max(picture.bounds.start, picture.extents[cut.extents - 1].end));
    return true;
  });
  if (!done.ok()) {
    KJ_LOG(ERROR, "retention", partition_->name(), done.error().message);
    return false;
  }
  partition_->metrics().deletedExtents += cut.extents;
  partition_->metrics().deletedBytes += cut.bytes.value();
  return more;
}

// --- Compaction
// --------------------------------------------------------------------------------------------------------------

kj::Promise<void> PartitionCleanup::loadProgress() {
  struct Loaded final : public kj::AtomicRefcounted {
    CleanerProgress progress;
  };
  auto self = kj::addRef(*this);
  auto loaded = kj::atomicRefcounted<Loaded>();
  try {
    co_await context_.pool.run([table = context_.table, log = log_.clone(), job = kj::atomicAddRef(*loaded)]() mutable {
      job->progress = table.load(log);
    });
  } catch (const kj::Exception& exception) {
    KJ_LOG(WARNING, "how far a log was compacted is not known; it is compacted anew", log_.name,
           exception.getDescription());
  }
  progress_ = loaded->progress;
  progressLoaded_ = true;
}

TimestampMs PartitionCleanup::firstDirtyTimestamp(PartitionLog& log, const LogPicture& picture) {
  if (config_.maxCompactionLagMs == CleanupConfig().maxCompactionLagMs) return kNoTimestamp;
  auto part = dirtyPart(picture, config_, progress_, context_.clock.now());
  if (part.firstDirtyExtent == part.extents.size()) return kNoTimestamp;
  auto& extent = part.extents[part.firstDirtyExtent];
  auto from = kj::max(kj::max(extent.first, part.firstDirty), picture.bounds.start);
  if (timedExtent_ != from) {
    timedExtent_ = from;
    timedAt_ = kNoTimestamp;
    auto batches = log.read(from, extent.end, Bytes(1));
    KJ_IF_MAYBE(batch, BatchView::first(batches)) timedAt_ = batch->maxTimestamp();
  }
  return timedAt_ == kNoTimestamp ? extent.maxTimestamp : timedAt_;
}

kj::Maybe<CompactionPlan> PartitionCleanup::plan() {
  kj::Maybe<CompactionPlan> plan;
  bool sync = false;
  if (!config_.compacts() || partition_->isOffline() || partition_->isClosing() || partition_->isMoving())
    return nullptr;
  auto looked = partition_->maintain("look at what to compact of", [&](PartitionLog& log) {
    auto picture = look(log);
    closeLastIfOld(log, picture);
    auto planNow = [&] {
      return planCompaction(picture, config_, progress_, firstDirtyTimestamp(log, picture), context_.clock.now());
    };
    plan = planNow();
    // Nobody syncs a log with durability=os but whoever wants to compact it.
    if (plan == nullptr && picture.bounds.durable < picture.highWatermark) {
      picture.bounds.durable = picture.highWatermark;
      sync = planNow() != nullptr;
    }
    return true;
  });
  if (sync) partition_->requestSync();
  // A partition that goes offline has said so.
  if (!looked.ok()) return nullptr;
  return plan;
}

kj::Maybe<double> PartitionCleanup::dirtyRatioIfDue() {
  if (context_.clock.steadyNs() < retryAtNs_) return nullptr;
  KJ_IF_MAYBE(due, plan()) return due->dirtyRatio;
  return nullptr;
}

kj::Own<Compaction> PartitionCleanup::begin(CompactionPlan plan) {
  auto& config = partition_->config();
  CompactionSettings settings{.now = context_.clock.now(),
                              .deleteRetentionMs = config_.deleteRetentionMs,
                              .codec = config.codec,
                              .compressionLevel = config.compressionLevel,
                              .segmentBytes = config.log.segmentBytes,
                              .keysMax = context_.keysMax,
                              .seed = {},
                              .producers = {}};
  context_.entropy.generate(kj::arrayPtr(settings.seed.data(), settings.seed.size()));
  auto producers = partition_->producers();
  if (producers.ok()) {
    for (auto& producer : producers.value())
      settings.producers.emplace(producer.producerId, producer.lastOffset);
  }
  return kj::atomicRefcounted<Compaction>(kj::mv(plan), kj::mv(settings));
}

kj::Promise<void> PartitionCleanup::compact() {
  auto self = kj::addRef(*this);
  auto hold = partition_->hold();
  for (;;) {
    kj::Own<Compaction> pass;
    KJ_IF_MAYBE(due, plan()) {
      pass = begin(kj::mv(*due));
    } else {
      co_return;
    }
    auto failure = co_await run(kj::atomicAddRef(*pass));
    pass->giveUp();
    count(*pass);
    KJ_IF_MAYBE(reason, failure) {
      fail(*reason);
      co_return;
    }
    if (!pass->outcome().complete) co_return;
    failures_ = 0;
    bool further = pass->outcome().progress != progress_;
    progress_ = pass->outcome().progress;
    show(nullptr);
    if (!further) co_return;
    co_await saveProgress();
  }
}

kj::Promise<kj::Maybe<kj::String>> PartitionCleanup::run(kj::Own<Compaction> pass) {
  using Failure = kj::Maybe<kj::String>;
  auto closing = partition_->whenClosing().fork();
  while (pass->next() != Compaction::Step::kDone) {
    if (partition_->isClosing() || partition_->isOffline() || partition_->isMoving()) co_return Failure();
    if (pass->next() == Compaction::Step::kLog) {
      // What goes wrong here is no reason to go offline: a log that is broken says so to everybody else as well.
      kj::Maybe<kj::Exception> thrown;
      auto done = partition_->maintain("compact", [&](PartitionLog& log) {
        thrown = kj::runCatchingExceptions([&] { pass->onLog(log); });
        return true;
      });
      if (!done.ok()) co_return Failure(kj::mv(done.error().message));
      KJ_IF_MAYBE(exception, thrown) co_return Failure(kj::str(exception->getDescription()));
      continue;
    }
    kj::Maybe<kj::Exception> thrown;
    try {
      co_await context_.pool.run([job = kj::atomicAddRef(*pass)]() mutable { job->work(); });
    } catch (...) {
      thrown = kj::runCatchingExceptions([] { throw; });
    }
    KJ_IF_MAYBE(exception, thrown) co_return Failure(kj::str(exception->getDescription()));
    partition_->metrics().compactionBytes += pass->moved().value();
    co_await context_.throttle.pay(pass->moved()).exclusiveJoin(closing.addBranch());
  }
  co_return Failure();
}

void PartitionCleanup::count(const Compaction& pass) {
  auto& outcome = pass.outcome();
  auto& metrics = partition_->metrics();
  if (outcome.complete) ++metrics.compactions;
  metrics.compactedRecords += outcome.counts.recordsRemoved;
  if (outcome.bytesBefore > outcome.bytesAfter) metrics.reclaimedBytes += outcome.bytesBefore - outcome.bytesAfter;
}

void PartitionCleanup::fail(kj::StringPtr reason) {
  auto backoff = context_.backoffMs;
  for (int i = 0; i < failures_ && backoff < kBackoffMsMax; ++i)
    backoff *= 2;
  backoff = kj::min(backoff, kBackoffMsMax);
  ++failures_;
  ++partition_->metrics().compactionFailures;
  retryAtNs_ = context_.clock.steadyNs() + backoff * 1'000'000;
  KJ_LOG(ERROR, "a partition could not be compacted; it is tried again", partition_->name(), reason, failures_,
         backoff);
  show(kj::str(reason, "; failed ", failures_, failures_ == 1 ? " time" : " times", ", tried again after ", backoff,
               " ms"));
}

void PartitionCleanup::show(kj::Maybe<kj::String> failure) {
  partition_->setCompactionStatus({progress_.cleanedUpTo, kj::mv(failure)});
}

kj::Promise<void> PartitionCleanup::saveProgress() {
  try {
    co_await context_.pool.run(
        [table = context_.table, log = log_.clone(), progress = progress_] { table.save(log, progress); });
  } catch (const kj::Exception& exception) {
    // It counts as long as the broker runs; then the log is compacted anew.
    KJ_LOG(WARNING, "how far a log was compacted could not be kept", log_.name, exception.getDescription());
  }
}

}  // namespace cambium
