#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/partition/partition.h"

// What a partition does when its log goes to another engine. See log_move.h for the steps.

namespace cambium {

void Partition::holdAppends() {
  gate_.hold();
  // A sync loop that waits for its interval would be waited for in turn.
  endInterval();
}

void Partition::releaseAppends() {
  gate_.release();
  letIn();
  scheduleSync();
}

kj::Promise<void> Partition::whenQuiet() {
  while (syncing_)
    co_await quiet_.wait();
}

kj::Promise<void> Partition::whenUnheld() {
  while (holds_ > 0)
    co_await holdsGone_.wait();
}

Result<LogSlice> Partition::slice(Offset from, Bytes bytesMax) {
  if (!usable()) return offlineError();
  LogSlice slice{};
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                slice.bounds = log_->bounds();
                from = kj::max(from, slice.bounds.start);
                slice.first = slice.next = slice.bounds.end;
                if (from >= slice.bounds.end) return;
                slice.batches = log_->read(from, slice.bounds.end, bytesMax);
                KJ_REQUIRE(slice.batches.size() > 0, "the log gives nothing at an offset that it has", from);
                BatchIterator each(slice.batches);
                while (auto* batch = each.next()) {
                  slice.first = kj::min(slice.first, batch->baseOffset());
                  slice.next = batch->nextOffset();
                }
              })) {
    if (exception->getType() == kj::Exception::Type::OVERLOADED) {
      return makeError(ErrorCode::kStorageError, "read ", name_, ": ", exception->getDescription());
    }
    goOffline(kj::str("read: ", exception->getDescription()));
    return offlineError();
  }
  return kj::mv(slice);
}

kj::Own<PartitionLog> Partition::exchangeLog(kj::Own<PartitionLog> log) {
  KJ_REQUIRE(gate_.held() && !syncing_, "a log in use cannot be exchanged", name_);
  auto old = kj::mv(log_);
  log_ = kj::mv(log);
  ++exchanges_;
  // The copy is synced as a whole, whatever the old log still had to be synced.
  unsynced_ = inSync_ = Waiting();
  if (usable()) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([this] { log_->configure(config_.log); })) {
      goOffline(kj::str("configure: ", exception->getDescription()));
    } else {
      advanceHighWatermark();
      keepProducers();
    }
  }
  return old;
}

void Partition::loseLog(kj::StringPtr reason) {
  goOffline(kj::str(reason));
}

}  // namespace cambium
