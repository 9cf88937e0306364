#include "engine/partition/log_copy.h"

#include <kj/debug.h>

namespace cambium {

void LogCopy::begin(LogOptions options) {
  log_ = nullptr;
  engine_.drop(id_.clone());
  log_ = engine_.open(id_.clone(), options);
}

void LogCopy::append(const LogSlice& slice, Bytes syncEvery) {
  KJ_REQUIRE(slice.first >= log_->bounds().end, "the batches of the log were changed while it was copied", id_.name,
             slice.first, log_->bounds().end);
  if (log_->bounds().end != slice.first) log_->resetTo(slice.first);
  auto end = log_->append(slice.batches);
  KJ_REQUIRE(end == slice.next, "the copy ends elsewhere than what was appended to it", id_.name, end, slice.next);
  unsynced_ += slice.batches.size();
  if (unsynced_ >= syncEvery.value()) sync();
}

void LogCopy::sync() {
  syncNow(*log_);
  unsynced_ = 0;
}

void LogCopy::complete(Bounds source) {
  // Nothing is in the source, and perhaps never was: then there was nothing to append.
  if (source.start == source.end && log_->bounds().end != source.end) log_->resetTo(source.end);
  sync();
  if (log_->bounds().start < source.start) log_->dropBefore(source.start);
  auto mine = log_->bounds();
  KJ_REQUIRE(mine.start == source.start && mine.end == source.end && mine.durable == source.end,
             "the copy is not what the log is; nothing was changed", id_.name, mine.start, mine.durable, mine.end,
             source.start, source.end);
}

}  // namespace cambium
