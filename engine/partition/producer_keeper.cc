#include "engine/partition/producer_keeper.h"

#include <kj/debug.h>

namespace cambium {

namespace {

// Read at a time when the log is opened.
constexpr Bytes kReplayBytes = mebibytes(1);

}  // namespace

kj::Own<ProducerKeeper> ProducerKeeper::recover(LogId id, PartitionLog& log, ProducerTable table, ProducerLimits limits,
                                                TimestampMs now) {
  auto keeper = kj::heap<ProducerKeeper>(kj::mv(id), table, limits);
  auto bounds = log.bounds();
  KJ_IF_MAYBE(from, keeper->takeUp(bounds, now)) {
    keeper->replay(log, kj::max(*from, bounds.start), now);
  } else {
    // Whoever wrote to an extent only that long ago is forgotten. The last one is read in any case: timestamps are the
    // producers', and may lie behind.
    auto living = bounds.start;
    auto extents = log.extents();
    for (size_t i = 0; i + 1 < extents.size(); ++i) {
      auto newest = extents[i].maxTimestamp;
      if (newest == kNoTimestamp || now - newest < limits.expirationMs) break;
      living = kj::max(living, extents[i].end);
    }
    keeper->replay(log, living, now);
  }
  if (keeper->rowIsWrong_) {
    keeper->correction_ = keeper->rowOf(bounds.end, now);
    keeper->keptUpTo_ = bounds.end;
  }
  return keeper;
}

void ProducerKeeper::complain(kj::String what) {
  rowIsWrong_ = true;
  complaint_ = kj::mv(what);
}

kj::Maybe<Offset> ProducerKeeper::takeUp(Bounds bounds, TimestampMs now) {
  kj::Maybe<kj::Array<kj::byte>> row;
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { row = table_.load(id_); })) {
    complain(kj::str(id_.name, ": its producers cannot be read (", exception->getDescription(),
                     "); they were made again from the log"));
  }
  KJ_IF_MAYBE(bytes, row) {
    KJ_IF_MAYBE(snapshot, ProducerStates::decode(*bytes, limits_)) {
      keptUpTo_ = kj::min(snapshot->upTo, bounds.end);
      rowIsWrong_ = snapshot->upTo > bounds.end;
      // What the log has lost may be of plain producers alone.
      if (rowIsWrong_ && !snapshot->states.truncateFrom(bounds.end)) return nullptr;
      states_ = kj::mv(snapshot->states);
      states_.expire(now);
      return keptUpTo_;
    }
    complain(kj::str(id_.name, ": what is stored of its producers is damaged; it was made again from the log"));
  }
  return nullptr;
}

void ProducerKeeper::replay(PartitionLog& log, Offset from, TimestampMs now) {
  auto end = log.bounds().end;
  while (from < end) {
    auto batches = log.read(from, end, kReplayBytes);
    KJ_REQUIRE(batches.size() > 0, "the log gives nothing at an offset that it has", id_.name, from, end);
    appended(batches, now);
    BatchIterator each(batches);
    while (auto* batch = each.next())
      from = batch->nextOffset();
  }
}

void ProducerKeeper::appended(ByteView batches, TimestampMs now) {
  bytesSinceRow_ += batches.size();
  BatchIterator each(batches);
  while (auto* batch = each.next())
    states_.note(*batch, now);
}

ProducerRow ProducerKeeper::rowOf(Offset upTo, TimestampMs now) {
  states_.expire(now);
  bytesSinceRow_ = 0;
  return ProducerRow{ProducerTable::keyOf(id_), states_.encode(upTo), upTo};
}

kj::Maybe<ProducerRow> ProducerKeeper::takeRow(kj::Maybe<ProducerRow>& from) {
  auto row = kj::mv(from);
  from = nullptr;
  return row;
}

kj::Maybe<ProducerRow> ProducerKeeper::due(Bounds bounds, bool onlyDurable, TimestampMs now) {
  if (pending_ == nullptr && bytesSinceRow_ >= kProducerRowEvery.value()) pending_ = rowOf(bounds.end, now);
  KJ_IF_MAYBE(row, pending_) {
    if (!onlyDurable || bounds.durable >= row->upTo) return takeRow(pending_);
  }
  return nullptr;
}

kj::Maybe<ProducerRow> ProducerKeeper::last(Bounds bounds, TimestampMs now) {
  bool nothing = keptUpTo_ == kNoOffset && bounds.start == bounds.end && states_.size() == 0;
  if (nothing || keptUpTo_ == bounds.end || bounds.durable < bounds.end) return nullptr;
  return rowOf(bounds.end, now);
}

}  // namespace cambium
