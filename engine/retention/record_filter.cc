#include "engine/retention/record_filter.h"

#include <kj/debug.h>

#include "engine/record/record_reader.h"
#include "engine/record/sparse_batch.h"

namespace cambium {

namespace {

[[noreturn]] void throwUnreadable(const BatchView& batch, const Error& error) {
  KJ_FAIL_REQUIRE("a batch cannot be compacted", batch.baseOffset(), batch.nextOffset(), error);
}

}  // namespace

void FilterCounts::add(const FilterCounts& other) {
  recordsKept += other.recordsKept;
  recordsRemoved += other.recordsRemoved;
  bytesIn += other.bytesIn;
  bytesOut += other.bytesOut;
  transactional += other.transactional;
  KJ_IF_MAYBE(theirs, other.nextHorizon) {
    nextHorizon = kj::min(*theirs, nextHorizon.orDefault(*theirs));
  }
}

void RecordFilter::filter(ByteView batches, ByteWriter& out) {
  counts_.bytesIn += batches.size();
  BatchIterator each(batches);
  while (auto* batch = each.next())
    filterOne(*batch, out);
  KJ_REQUIRE(each.rest().size() == 0, "what the log gave are no whole batches", each.rest().size());
}

void RecordFilter::finish(ByteWriter& out) {
  if (run_.batches == 0) return;
  auto batch = emptyBatch(run_.base, run_.next, run_.epoch);
  counts_.bytesOut += batch.size();
  out.bytes(batch);
  changed_ |= !run_.asItWas;
  run_ = EmptyRun();
}

void RecordFilter::emit(ByteView batch, ByteWriter& out) {
  finish(out);
  counts_.bytesOut += batch.size();
  out.bytes(batch);
}

bool RecordFilter::staysAsItIs(const BatchView& batch) const {
  return batch.isControl() || batch.isTransactional() || batch.baseOffset() >= rules_.mapEnd;
}

bool RecordFilter::isLastOfProducer(const BatchView& batch) const {
  if (batch.producerId() < 0) return false;
  auto found = producers_.find(batch.producerId());
  return found != producers_.end() && found->second == batch.lastOffset();
}

void RecordFilter::filterOne(const BatchView& batch, ByteWriter& out) {
  if (staysAsItIs(batch)) {
    counts_.recordsKept += static_cast<uint64_t>(batch.recordCount());
    if (batch.isTransactional() && !batch.isControl()) ++counts_.transactional;
    return emit(batch.bytes(), out);
  }
  if (batch.recordCount() == 0) {
    if (isLastOfProducer(batch)) return emit(batch.bytes(), out);
    return addEmpty(batch, batch.producerId() < 0, out);
  }
  auto before = deleteHorizonOf(batch);
  bool tombstonesGo = false;
  if (!rules_.keepTombstones && counts_.transactional == 0) {
    KJ_IF_MAYBE(horizon, before) tombstonesGo = rules_.now >= *horizon;
  }
  auto verdict = judge(batch, tombstonesGo);
  counts_.recordsKept += static_cast<uint64_t>(verdict.kept);
  counts_.recordsRemoved += static_cast<uint64_t>(verdict.removed);
  if (verdict.kept == 0) {
    changed_ = true;
    if (isLastOfProducer(batch)) return emit(emptied(batch), out);
    return addEmpty(batch, false, out);
  }
  // A batch that the map knows in part has its turn when it is known as a whole.
  kj::Maybe<TimestampMs> horizon;
  if (verdict.tombstones && before == nullptr && batch.nextOffset() <= rules_.mapEnd) {
    int64_t moment;
    if (__builtin_add_overflow(rules_.now.value(), rules_.deleteRetentionMs, &moment)) moment = INT64_MAX;
    horizon = TimestampMs(moment);
    noteHorizon(TimestampMs(moment));
  } else if (verdict.tombstones) {
    // A past one was not enough for some other reason, which another pass alone would not end.
    KJ_IF_MAYBE(known, before) {
      if (*known > rules_.now) noteHorizon(*known);
    }
  }
  if (verdict.removed == 0 && horizon == nullptr) return emit(batch.bytes(), out);
  changed_ = true;
  emit(rebuild(batch, tombstonesGo, horizon), out);
}

void RecordFilter::noteHorizon(TimestampMs horizon) {
  counts_.nextHorizon = kj::min(horizon, counts_.nextHorizon.orDefault(horizon));
}

bool RecordFilter::keeps(const RecordView& record, bool tombstonesGo) const {
  if (record.offset < rules_.logStart) return false;
  if (record.offset >= rules_.mapEnd || record.offset == rules_.keepOffset) return true;
  KJ_IF_MAYBE(key, record.key) {
    if (newest_.newest(hasher_(*key)) > record.offset) return false;
    return record.value != nullptr || !tombstonesGo;
  }
  return false;
}

RecordFilter::Verdict RecordFilter::judge(const BatchView& batch, bool tombstonesGo) const {
  Verdict verdict;
  RecordReader records(batch);
  while (auto* record = records.next()) {
    bool kept = keeps(*record, tombstonesGo);
    ++(kept ? verdict.kept : verdict.removed);
    verdict.tombstones |= kept && record->value == nullptr;
  }
  KJ_IF_MAYBE(error, records.error()) throwUnreadable(batch, *error);
  return verdict;
}

kj::Array<kj::byte> RecordFilter::rebuild(const BatchView& batch, bool tombstonesGo,
                                          kj::Maybe<TimestampMs> horizon) const {
  SparseBatchBuilder builder(batch, horizon);
  RecordReader records(batch);
  while (auto* record = records.next()) {
    if (keeps(*record, tombstonesGo)) builder.add(*record);
  }
  int level = kDefaultCompressionLevel;
  KJ_IF_MAYBE(codec, rules_.codec) {
    if (*codec == batch.codec()) level = rules_.compressionLevel;
  }
  auto built = builder.finish(level);
  if (!built.ok()) throwUnreadable(batch, built.error());
  return kj::mv(built.value());
}

// Batches of one run have one leader epoch, so that where epochs begin stays readable.
void RecordFilter::addEmpty(const BatchView& batch, bool wasEmpty, ByteWriter& out) {
  bool continues = run_.batches > 0 && run_.epoch == batch.leaderEpoch() && batch.nextOffset() - run_.base <= INT32_MAX;
  if (!continues) {
    finish(out);
    run_ = EmptyRun{batch.baseOffset(), batch.baseOffset(), batch.leaderEpoch()};
  }
  run_.next = batch.nextOffset();
  ++run_.batches;
  run_.asItWas = wasEmpty && run_.batches == 1;
}

}  // namespace cambium
