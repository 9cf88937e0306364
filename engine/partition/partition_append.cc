#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/partition/partition.h"

// How batches get into a partition: at once, or in turn behind others.

namespace cambium {

namespace {

Error refusedBy(kj::StringPtr partition, Error error) {
  error.message = kj::str("partition ", partition, ": ", error.message);
  return error;
}

// The check of one append on a thread. It owns what it works on: the partition may be gone before it ends.
struct IntakeJob final : public kj::AtomicRefcounted {
  IntakeJob(kj::Array<kj::byte> batches, IntakeRules rules) : batches(kj::mv(batches)), rules(kj::mv(rules)) {}

  void run() {
    KJ_IF_MAYBE(exception,
                kj::runCatchingExceptions([this] { taken = takeIn(batches, rules, IntakePlace::kThread); })) {
      taken = Result<Intake>(
          makeError(ErrorCode::kUnknown, "the batches could not be checked: ", exception->getDescription()));
    }
  }

  kj::Array<kj::byte> batches;
  const IntakeRules rules;
  kj::Maybe<Result<Intake>> taken;
};

}  // namespace

IntakeRules Partition::intakeRules() const {
  return IntakeRules(config_, context_.inflatedBytesMax, context_.clock.now());
}

Result<AppendOutcome> Partition::append(kj::ArrayPtr<kj::byte> batches) {
  int64_t begunNs = context_.clock.steadyNs();
  if (gate_.closed()) {
    return refused(
        makeError(ErrorCode::kRequestTimedOut, "other appends wait, or the log changes engines; send again"));
  }
  if (!usable()) return refusedOffline();
  return finishAppend(batches, KJ_ASSERT_NONNULL(takeIn(batches, intakeRules(), IntakePlace::kThread)), begunNs);
}

kj::Maybe<Result<AppendOutcome>> Partition::appendNow(kj::ArrayPtr<kj::byte> batches) {
  if (gate_.closed()) return nullptr;
  int64_t begunNs = context_.clock.steadyNs();
  if (!usable()) return refusedOffline();
  auto taken = takeIn(batches, intakeRules(), IntakePlace::kLoop);
  KJ_IF_MAYBE(intake, taken) return finishAppend(batches, kj::mv(*intake), begunNs);
  return nullptr;
}

kj::Promise<Result<AppendOutcome>> Partition::appendLater(kj::Array<kj::byte> batches) {
  // When nobody waits, the loop has tried in vain.
  bool large = !gate_.closed();
  auto outcome = gate_.wait(AppendGate::Waiting{kj::mv(batches), large, context_.clock.steadyNs()});
  letIn();
  return outcome;
}

// Each takes up to a millisecond, and there may be very many. After some of them the loop looks for I/O first, and does
// what that brings; the wait for it counts as a check under way.
void Partition::letIn() {
  constexpr size_t kAtOnceMax = 32;
  for (size_t count = 0; !checking_; ++count) {
    KJ_IF_MAYBE(first, gate_.first()) {
      if (count == kAtOnceMax) {
        checking_ = true;
        tasks_.add(context_.timer.afterDelay(0 * kj::NANOSECONDS).then([this] {
          checking_ = false;
          letIn();
        }));
        return;
      }
      auto outcome = tryFirst(*first);
      KJ_IF_MAYBE(done, outcome) {
        gate_.finishFirst(kj::mv(*done));
        continue;
      }
      checking_ = true;
      tasks_.add(checkFirst());
    }
    return;
  }
}

// Null when the batches have to be checked on a thread.
kj::Maybe<Result<AppendOutcome>> Partition::tryFirst(AppendGate::Waiting& first) {
  if (!usable()) return refusedOffline();
  KJ_IF_MAYBE(checked, first.checked) return finishAppend(first.batches, kj::mv(*checked), first.begunNs);
  if (!first.large) {
    auto taken = takeIn(first.batches, intakeRules(), IntakePlace::kLoop);
    KJ_IF_MAYBE(intake, taken) return finishAppend(first.batches, kj::mv(*intake), first.begunNs);
  }
  if (closing_) return refused(makeError(ErrorCode::kRequestTimedOut, "the partition is being closed; send again"));
  return nullptr;
}

kj::Promise<void> Partition::checkFirst() {
  auto job = kj::atomicRefcounted<IntakeJob>(kj::mv(gate_.front().batches), intakeRules());
  try {
    co_await context_.checkPool.run([job = kj::atomicAddRef(*job)]() mutable { job->run(); });
  } catch (const kj::Exception& exception) {
    job->taken = Result<Intake>(
        makeError(ErrorCode::kUnknown, "the batches could not be checked: ", exception.getDescription()));
  }
  auto& first = gate_.front();
  first.batches = kj::mv(job->batches);
  first.checked = kj::mv(KJ_ASSERT_NONNULL(job->taken));
  checking_ = false;
  letIn();
}

Result<AppendOutcome> Partition::refused(Error error) {
  ++context_.metrics.appendFailures;
  return refusedBy(name_, kj::mv(error));
}

Result<AppendOutcome> Partition::refusedOffline() {
  ++context_.metrics.appendFailures;
  return offlineError();
}

Result<AppendOutcome> Partition::finishAppend(kj::ArrayPtr<kj::byte> batches, Result<Intake> taken, int64_t begunNs) {
  if (!taken.ok()) return refused(kj::mv(taken.error()));
  auto& intake = taken.value();
  auto sequences = producers_->states().check(batches);
  if (!sequences.ok()) return refused(kj::mv(sequences.error()));
  KJ_IF_MAYBE(duplicate, sequences.value()) return answerDuplicate(*duplicate);
  if (intake.converted != nullptr) batches = intake.converted;
  auto appended = guarded<AppendOutcome>(
      "append to", [&](PartitionLog& log) -> Result<AppendOutcome> { return stampAndWrite(log, batches); });
  auto& metrics = context_.metrics;
  if (!appended.ok()) {
    ++metrics.appendFailures;
    return appended;
  }
  producers_->appended(batches, context_.clock.now());
  ++metrics.appends;
  metrics.appendedRecords += static_cast<uint64_t>(intake.recordCount);
  metrics.appendedBytes += batches.size();
  appendedBytes_ += batches.size();
  metrics.appendLatency.add(context_.clock.steadyNs() - begunNs);
  noteUnsynced(batches.size());
  if (config_.durability != Durability::kFsync) advanceHighWatermark();
  scheduleSync();
  keepProducers();
  return appended;
}

AppendOutcome Partition::stampAndWrite(PartitionLog& log, kj::ArrayPtr<kj::byte> batches) {
  AppendOutcome outcome;
  auto bounds = log.bounds();
  outcome.baseOffset = bounds.end;
  outcome.logStart = bounds.start;
  if (config_.timestampType == TimestampType::kLogAppendTime) outcome.logAppendTime = context_.clock.now();
  auto next = bounds.end;
  auto rest = batches;
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    auto bytes = rest.slice(0, batch->size());
    rest = rest.slice(batch->size(), rest.size());
    int64_t count = int64_t{batch->lastOffsetDelta()} + 1;
    stampBatch(bytes, next, epoch_);
    if (outcome.logAppendTime != kNoTimestamp) stampLogAppendTime(bytes, outcome.logAppendTime);
    next += count;
  }
  outcome.nextOffset = log.append(batches);
  KJ_ASSERT(outcome.nextOffset == next, "the log ends elsewhere than its batches", name_);
  return outcome;
}

Result<AppendOutcome> Partition::answerDuplicate(const DuplicateBatch& duplicate) const {
  bool brokersTime = config_.timestampType == TimestampType::kLogAppendTime;
  return AppendOutcome{.baseOffset = duplicate.baseOffset,
                       .nextOffset = duplicate.nextOffset,
                       .logAppendTime = brokersTime ? duplicate.timestamp : kNoTimestamp,
                       .logStart = log_->bounds().start,
                       .duplicate = true};
}

}  // namespace cambium
