#include "engine/partition/producer_keeper.h"

#include <kj/debug.h>

namespace cambium {

namespace {

// Read at a time when the log is opened.
constexpr Bytes kReplayBytes = mebibytes(1);

// Of one batch of a log.
struct BatchPlace {
  Offset base, next;
  LeaderEpoch epoch;
};

BatchPlace batchAt(PartitionLog& log, Offset offset) {
  auto bytes = log.read(offset, log.bounds().end, Bytes(1));
  BatchIterator each(bytes);
  auto* batch = each.next();
  KJ_REQUIRE(batch != nullptr, "the log gives nothing at an offset that it has", offset);
  return {batch->baseOffset(), batch->nextOffset(), batch->leaderEpoch()};
}

}  // namespace

kj::Own<ProducerKeeper> ProducerKeeper::recover(LogId id, PartitionLog& log, ProducerTable table, ProducerLimits limits,
                                                TimestampMs now) {
  auto keeper = kj::heap<ProducerKeeper>(kj::mv(id), table, limits);
  auto bounds = log.bounds();
  KJ_IF_MAYBE(row, keeper->takeUp(bounds, now)) {
    auto from = kj::max(*row, bounds.start);
    if (keeper->epochs_.isEmpty()) keeper->findEpochs(log, bounds.start, from);
    keeper->replay(log, from, now);
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
    if (keeper->epochs_.isEmpty()) keeper->findEpochs(log, bounds.start, living);
    keeper->replay(log, living, now);
  }
  if (keeper->rowIsWrong_) {
    keeper->correction_ = keeper->rowOf(bounds, now);
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
      epochs_ = kj::mv(snapshot->epochs);
      epochs_.truncateFrom(bounds.end);
      epochsUpTo_ = keptUpTo_;
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
    while (auto* batch = each.next()) {
      if (batch->nextOffset() > epochsUpTo_) epochs_.assign(batch->leaderEpoch(), kj::max(batch->baseOffset(), from));
      from = batch->nextOffset();
    }
  }
}

void ProducerKeeper::findEpochs(PartitionLog& log, Offset from, Offset upTo) {
  epochsUpTo_ = upTo;
  if (from >= upTo) return;
  auto last = batchAt(log, upTo - 1);
  while (from < upTo) {
    auto here = batchAt(log, from);
    epochs_.assign(here.epoch, from);
    if (here.epoch >= last.epoch) return;
    // The first batch of a later epoch lies in [low, high].
    auto low = here.next, high = last.base;
    while (low < high) {
      auto middle = batchAt(log, low + (high - low) / 2);
      if (middle.epoch > here.epoch) {
        high = middle.base;
      } else {
        low = middle.next;
      }
    }
    from = high;
  }
}

void ProducerKeeper::appended(ByteView batches, TimestampMs now) {
  bytesSinceRow_ += batches.size();
  BatchIterator each(batches);
  while (auto* batch = each.next())
    states_.note(*batch, now);
}

ProducerRow ProducerKeeper::rowOf(Bounds bounds, TimestampMs now) {
  states_.expire(now);
  epochs_.dropBefore(bounds.start);
  bytesSinceRow_ = 0;
  return ProducerRow{ProducerTable::keyOf(id_), states_.encode(bounds.end, epochs_), bounds.end};
}

kj::Maybe<ProducerRow> ProducerKeeper::takeRow(kj::Maybe<ProducerRow>& from) {
  auto row = kj::mv(from);
  from = nullptr;
  return row;
}

kj::Maybe<ProducerRow> ProducerKeeper::due(Bounds bounds, bool onlyDurable, TimestampMs now) {
  if (pending_ == nullptr && bytesSinceRow_ >= kProducerRowEvery.value()) pending_ = rowOf(bounds, now);
  KJ_IF_MAYBE(row, pending_) {
    if (!onlyDurable || bounds.durable >= row->upTo) return takeRow(pending_);
  }
  return nullptr;
}

kj::Maybe<ProducerRow> ProducerKeeper::last(Bounds bounds, TimestampMs now) {
  bool nothing = keptUpTo_ == kNoOffset && bounds.start == bounds.end && states_.size() == 0;
  if (nothing || keptUpTo_ == bounds.end || bounds.durable < bounds.end) return nullptr;
  return rowOf(bounds, now);
}

}  // namespace cambium
