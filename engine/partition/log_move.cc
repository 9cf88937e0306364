#include "engine/partition/log_move.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

// What was appended during a sync of the copy is copied before appends are held, and that takes a moment, in which …
// So often at most: whoever appends faster than can be copied is held a little longer.
constexpr int kRoundsMax = 4;

// The longest that a sync under way is waited for while appends are held.
constexpr int64_t kQuietMs = 5000;

}  // namespace

LogMove::LogMove(kj::Own<Partition> partition, StorageEngine& to, LogId id, MovePace pace,
                 MoveSurroundings surroundings)
    : partition_(kj::mv(partition)),
      to_(kj::str(to.name())),
      pace_(pace),
      surroundings_(kj::mv(surroundings)),
      copy_(kj::atomicRefcounted<LogCopy>(to, kj::mv(id))) {}

LogMove::~LogMove() noexcept(false) {
  if (!partition_->holdsAppends()) return;
  // Dropped in the middle of the switch (the loop is being torn down): nothing may be written to either log.
  partition_->loseLog("its move to another engine was dropped half way");
  partition_->releaseAppends();
}

void LogMove::cancel() {
  cancelled_ = true;
  KJ_IF_MAYBE(pause, pause_) (*pause)->fulfill();
}

MoveStatus LogMove::status() {
  return MoveStatus{.to = kj::str(to_),
                    .phase = phase_,
                    .copiedUpTo = kj::max(copiedUpTo_, Offset(0)),
                    .copied = Bytes(copied_),
                    .total = partition_->status().bytes};
}

Error LogMove::failed(kj::StringPtr reason) const {
  return makeError(ErrorCode::kStorageError, "partition ", partition_->name(), " stays where it is: ", reason);
}

kj::Promise<void> LogMove::onPool(kj::Function<void(LogCopy&)> step) {
  return surroundings_.pool.run([copy = kj::atomicAddRef(*copy_), step = kj::mv(step)]() mutable { step(*copy); });
}

kj::Promise<Result<LogMove::Outcome>> LogMove::run() {
  kj::Maybe<Result<Outcome>> outcome;
  partition_->setMoving(true);
  try {
    outcome = co_await steps();
  } catch (const kj::Exception& exception) {
    outcome = Result<Outcome>(failed(exception.getDescription()));
  }
  partition_->setMoving(false);
  partition_->releaseAppends();
  // The log that is not in charge, whichever it is: closed where it may block.
  co_await onPool([](LogCopy& copy) { copy.close(); });
  co_return kj::mv(KJ_ASSERT_NONNULL(outcome));
}

kj::Promise<Result<LogMove::Outcome>> LogMove::steps() {
  using Ended = Result<Outcome>;
  co_await partition_->whenUnheld();
  // Before anything is done to what is in the other engine: it may be the log in charge, see recordSwitch().
  KJ_IF_MAYBE(reason, partition_->whyOffline()) co_return Ended(kj::mv(*reason));
  KJ_IF_MAYBE(reason, surroundings_.lackOfRoom(partition_->status().bytes)) co_return Ended(failed(*reason));
  co_await onPool([options = partition_->config().log](LogCopy& copy) { copy.begin(options); });
  begunNs_ = surroundings_.clock.steadyNs();
  appendedBefore_ = partition_->appendedBytes();
  for (int round = 0; round < kRoundsMax; ++round) {
    auto before = copied_;
    auto there = co_await catchUp(false);
    if (!there.ok()) co_return Ended(kj::mv(there.error()));
    if (!there.value()) co_return Ended(Outcome::kCancelled);
    // Little came during the last sync: little is left to be copied and synced while appends wait.
    if (round > 0 && copied_ - before <= pace_.sliceBytes.value()) break;
    co_await onPool([](LogCopy& copy) { copy.sync(); });
  }
  co_return co_await switchOver();
}

kj::Promise<Result<bool>> LogMove::catchUp(bool all) {
  for (;;) {
    if (cancelled_) co_return Result<bool>(false);
    auto slice = partition_->slice(copiedUpTo_, pace_.sliceBytes);
    if (!slice.ok()) co_return Result<bool>(kj::mv(slice.error()));
    auto next = slice.value().next;
    auto bytes = slice.value().batches.size();
    if (bytes == 0) co_return Result<bool>(true);
    // The rest that is copied while appends wait has room: it is little.
    if (!all && copied_ - checkedAt_ >= pace_.spaceCheckEvery.value()) {
      checkedAt_ = copied_;
      KJ_IF_MAYBE(reason, surroundings_.lackOfRoom(pace_.spaceCheckEvery)) co_return Result<bool>(failed(*reason));
    }
    bool last = next == slice.value().bounds.end;
    co_await onPool(
        [slice = kj::mv(slice.value()), every = pace_.syncEvery](LogCopy& copy) { copy.append(slice, every); });
    copiedUpTo_ = next;
    copied_ += bytes;
    if (last && !all) co_return Result<bool>(true);
    if (!all) co_await keepPace();
  }
}

// So much may be copied by now: the pace, and twice what came meanwhile, lest the copy falls behind its source for
// ever.
kj::Promise<void> LogMove::keepPace() {
  auto perSecond = pace_.bytesPerSecond.value();
  if (perSecond == 0 || cancelled_) co_return;
  auto allowance = 2 * (partition_->appendedBytes() - appendedBefore_);
  auto owed = copied_ > allowance ? copied_ - allowance : 0;
  // However slow it is: it looks again after a while, and a number of nanoseconds stays in its range.
  constexpr double kSecondsMax = 1e6;
  auto seconds = kj::min(static_cast<double>(owed) / static_cast<double>(perSecond), kSecondsMax);
  auto dueNs = static_cast<int64_t>(seconds * 1e9);
  auto waitNs = begunNs_ + dueNs - surroundings_.clock.steadyNs();
  // Timers are no finer than this.
  constexpr int64_t kLeastNs = 1'000'000;
  if (waitNs < kLeastNs) co_return;
  auto paf = kj::newPromiseAndFulfiller<void>();
  pause_ = kj::mv(paf.fulfiller);
  co_await surroundings_.timer.afterDelay(waitNs * kj::NANOSECONDS).exclusiveJoin(kj::mv(paf.promise));
  pause_ = nullptr;
}

kj::Promise<Result<LogMove::Outcome>> LogMove::switchOver() {
  using Ended = Result<Outcome>;
  phase_ = MoveStatus::Phase::kSwitching;
  partition_->holdAppends();
  // A full device may hold up a sync for as long as it likes, but appends and whoever cancels do not wait for that.
  auto paf = kj::newPromiseAndFulfiller<void>();
  pause_ = kj::mv(paf.fulfiller);
  co_await partition_->whenQuiet()
      .exclusiveJoin(kj::mv(paf.promise))
      .exclusiveJoin(surroundings_.timer.afterDelay(kQuietMs * kj::MILLISECONDS));
  pause_ = nullptr;
  if (cancelled_) co_return Ended(Outcome::kCancelled);
  if (!partition_->isQuiet()) co_return Ended(failed("a sync of the log does not come to an end"));
  auto there = co_await catchUp(true);
  if (!there.ok()) co_return Ended(kj::mv(there.error()));
  if (!there.value()) co_return Ended(Outcome::kCancelled);
  auto end = partition_->slice(copiedUpTo_, pace_.sliceBytes);
  if (!end.ok()) co_return Ended(kj::mv(end.error()));
  co_await onPool([bounds = end.value().bounds](LogCopy& copy) { copy.complete(bounds); });
  if (cancelled_) co_return Ended(Outcome::kCancelled);
  auto recorded = co_await recordSwitch();
  if (!recorded.ok()) co_return Ended(kj::mv(recorded.error()));
  if (recorded.value() != Outcome::kSwitched) co_return Ended(recorded.value());
  auto old = partition_->exchangeLog(copy_->take());
  partition_->releaseAppends();
  // What goes wrong with it now is no matter any more.
  try {
    co_await surroundings_.pool.run([old = kj::mv(old)]() mutable { old = nullptr; });
  } catch (const kj::Exception& exception) {
    KJ_LOG(WARNING, "closing the log that was moved from", partition_->name(), exception.getDescription());
  }
  co_return Ended(Outcome::kSwitched);
}

kj::Promise<Result<LogMove::Outcome>> LogMove::recordSwitch() {
  using Ended = Result<Outcome>;
  kj::Maybe<kj::Exception> thrown;
  try {
    auto recorded = co_await surroundings_.recordSwitch();
    if (!recorded.ok()) co_return Ended(kj::mv(recorded.error()));
    co_return Ended(Outcome::kSwitched);
  } catch (const kj::Exception& exception) {
    thrown = kj::cp(exception);
  }
  auto& exception = KJ_ASSERT_NONNULL(thrown);
  if (exception.getType() == kj::Exception::Type::OVERLOADED) co_return Ended(failed(exception.getDescription()));
  partition_->loseLog(kj::str("until the broker is restarted it is not known whether its log is in ", to_,
                              ", because the metadata store failed: ", exception.getDescription()));
  co_return Ended(Outcome::kUnknown);
}

}  // namespace cambium
