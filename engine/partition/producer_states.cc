#include "engine/partition/producer_states.h"

#include <algorithm>

#include "engine/base/crc32c.h"

namespace cambium {

namespace {

constexpr int8_t kSnapshotVersion = 2;
constexpr int8_t kVersionWithoutEpochs = 1;
constexpr size_t kCrcBytes = 4;

// Sequences go on at 0 behind 2^31 - 1.
int32_t sequenceAfter(int32_t sequence, int32_t distance) {
  return static_cast<int32_t>((int64_t{sequence} + distance) & INT32_MAX);
}

int32_t lastSequenceOf(const BatchView& batch) {
  return sequenceAfter(batch.baseSequence(), batch.lastOffsetDelta());
}

}  // namespace

Offset ProducerStates::Batch::nextOffset() const {
  return baseOffset + ((int64_t{lastSequence} - firstSequence) & INT32_MAX) + 1;
}

void ProducerStates::Producer::add(const Batch& batch) {
  if (count == kBatchesKept) {
    std::copy(batches.begin() + 1, batches.end(), batches.begin());
    --count;
  }
  batches[count++] = batch;
}

// --- What may be appended
// ----------------------------------------------------------------------------------------------------------

kj::Maybe<DuplicateBatch> ProducerStates::findDuplicate(const BatchView& batch) const {
  auto found = producers_.find(batch.producerId());
  if (found == producers_.end() || found->second->epoch != batch.producerEpoch()) return nullptr;
  auto& producer = *found->second;
  for (size_t i = 0; i < producer.count; ++i) {
    auto& known = producer.batches[i];
    if (known.firstSequence != batch.baseSequence() || known.lastSequence != lastSequenceOf(batch)) continue;
    return DuplicateBatch{known.baseOffset, known.nextOffset(), known.timestamp};
  }
  return nullptr;
}

ProducerStates::Head ProducerStates::headOf(int64_t producerId) const {
  auto found = producers_.find(producerId);
  if (found == producers_.end()) return Head();
  return Head{found->second->epoch, found->second->last().lastSequence};
}

Result<void> ProducerStates::checkNext(Head head, const BatchView& batch) {
  if (head.epoch < 0) return Result<void>();
  if (batch.producerEpoch() < head.epoch) {
    return makeError(ErrorCode::kInvalidProducerEpoch, "producer ", batch.producerId(), " comes with epoch ",
                     batch.producerEpoch(), ", but has been here with epoch ", head.epoch,
                     "; somebody else has taken its place, or it must ask for a new epoch");
  }
  bool renewed = batch.producerEpoch() > head.epoch;
  int32_t expected = renewed ? 0 : sequenceAfter(head.lastSequence, 1);
  if (batch.baseSequence() == expected) return Result<void>();
  return makeError(ErrorCode::kOutOfOrderSequenceNumber, "producer ", batch.producerId(), ", epoch ",
                   batch.producerEpoch(), ": sequence ", batch.baseSequence(), " came where ", expected,
                   renewed ? " was expected, with which a new epoch begins" : " was expected");
}

Result<kj::Maybe<DuplicateBatch>> ProducerStates::check(ByteView batches) const {
  std::unordered_map<int64_t, Head> heads;  // of producers with a batch further ahead in the same request
  kj::Maybe<DuplicateBatch> all;
  bool fresh = false, apart = false;
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    int64_t id = batch->producerId();
    if (id < 0) {
      fresh = true;
      continue;
    }
    KJ_IF_MAYBE(duplicate, findDuplicate(*batch)) {
      KJ_IF_MAYBE(before, all) {
        apart |= before->nextOffset != duplicate->baseOffset;
        before->nextOffset = duplicate->nextOffset;
        before->timestamp = kj::max(before->timestamp, duplicate->timestamp);
      } else {
        all = *duplicate;
      }
      continue;
    }
    fresh = true;
    auto ahead = heads.find(id);
    auto checked = checkNext(ahead == heads.end() ? headOf(id) : ahead->second, *batch);
    if (!checked.ok()) return kj::mv(checked.error());
    // One batch alone, the most frequent case, needs no memory.
    if (each.rest().size() > 0) heads.insert_or_assign(id, Head{batch->producerEpoch(), lastSequenceOf(*batch)});
  }
  if (all != nullptr && (fresh || apart)) {
    return makeError(ErrorCode::kDuplicateSequenceNumber,
                     "of the batches of one request some are in the log already, from offset ",
                     KJ_ASSERT_NONNULL(all).baseOffset, " on, ", fresh ? "others are not" : "but not side by side",
                     "; send those that are missing by themselves");
  }
  return kj::mv(all);
}

// --- What is known
// ----------------------------------------------------------------------------------------------------------

ProducerStates::Producer& ProducerStates::touch(int64_t id) {
  auto found = producers_.find(id);
  if (found != producers_.end()) {
    order_.splice(order_.end(), order_, found->second);
    return order_.back();
  }
  if (producers_.size() >= limits_.producersMax && !order_.empty()) {
    producers_.erase(order_.front().id);
    order_.pop_front();
  }
  order_.push_back(Producer{.id = id, .epoch = -1, .seenAt = kNoTimestamp, .batches = {}});
  producers_.emplace(id, std::prev(order_.end()));
  return order_.back();
}

void ProducerStates::note(const BatchView& batch, TimestampMs now) {
  if (batch.producerId() < 0 || batch.isControl()) return;
  auto& producer = touch(batch.producerId());
  if (producer.epoch != batch.producerEpoch()) {
    producer.epoch = batch.producerEpoch();
    producer.count = 0;
  }
  producer.seenAt = now;
  producer.add(Batch{batch.baseSequence(), lastSequenceOf(batch), batch.baseOffset(), batch.maxTimestamp()});
}

void ProducerStates::expire(TimestampMs now) {
  for (auto at = order_.begin(); at != order_.end();) {
    bool expired = now - at->seenAt >= limits_.expirationMs;
    if (expired) producers_.erase(at->id);
    at = expired ? order_.erase(at) : std::next(at);
  }
}

bool ProducerStates::truncateFrom(Offset end) {
  bool untouched = true;
  for (auto at = order_.begin(); at != order_.end();) {
    auto kept = at->count;
    while (kept > 0 && at->batches[kept - 1u].nextOffset() > end)
      --kept;
    untouched &= kept == at->count;
    at->count = kept;
    if (kept == 0) producers_.erase(at->id);
    at = kept == 0 ? order_.erase(at) : std::next(at);
  }
  return untouched;
}

kj::Vector<ProducerDescription> ProducerStates::describe() const {
  kj::Vector<ProducerDescription> all(order_.size());
  for (auto& producer : order_) {
    all.add(ProducerDescription{.producerId = producer.id,
                                .epoch = producer.epoch,
                                .lastSequence = producer.last().lastSequence,
                                .lastTimestamp = producer.last().timestamp,
                                .lastOffset = producer.last().nextOffset() - 1});
  }
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.producerId < b.producerId; });
  return all;
}

// --- As bytes
// ----------------------------------------------------------------------------------------------------------

kj::Array<kj::byte> ProducerStates::encode(Offset upTo, const LeaderEpochs& epochs) const {
  constexpr size_t kHeadBytes = 17, kProducerBytes = 19, kBatchBytes = 24;
  ByteWriter out(kHeadBytes + order_.size() * (kProducerBytes + kBatchesKept * kBatchBytes) + epochs.bytes());
  out.uint32(0);
  out.int8(kSnapshotVersion);
  out.int64(upTo.value());
  out.int32(static_cast<int32_t>(order_.size()));
  for (auto& producer : order_) {
    out.int64(producer.id);
    out.int16(producer.epoch);
    out.int64(producer.seenAt.value());
    out.int8(static_cast<int8_t>(producer.count));
    for (size_t i = 0; i < producer.count; ++i) {
      auto& batch = producer.batches[i];
      out.int32(batch.firstSequence);
      out.int32(batch.lastSequence);
      out.int64(batch.baseOffset.value());
      out.int64(batch.timestamp.value());
    }
  }
  epochs.write(out);
  auto written = out.written();
  storeBigEndian(written.begin(), crc32c(written.slice(kCrcBytes, written.size())));
  return out.finish();
}

kj::Maybe<ProducerStates::Snapshot> ProducerStates::decode(ByteView bytes, ProducerLimits limits) {
  ByteReader in(bytes);
  uint32_t crc = in.uint32();
  if (in.failed() || crc != crc32c(bytes.slice(kCrcBytes, bytes.size()))) return nullptr;
  auto version = in.int8();
  if (version != kSnapshotVersion && version != kVersionWithoutEpochs) return nullptr;
  Snapshot snapshot{Offset(in.int64()), ProducerStates(limits), {}};
  int32_t count = in.int32();
  for (int32_t i = 0; i < count && !in.failed(); ++i) {
    auto& producer = snapshot.states.touch(in.int64());
    producer.epoch = in.int16();
    producer.seenAt = TimestampMs(in.int64());
    auto batches = in.int8();
    if (producer.count > 0 || batches < 1 || static_cast<size_t>(batches) > kBatchesKept) return nullptr;
    for (int8_t b = 0; b < batches; ++b) {
      int32_t firstSequence = in.int32(), lastSequence = in.int32();
      Offset baseOffset(in.int64());
      producer.add(Batch{firstSequence, lastSequence, baseOffset, TimestampMs(in.int64())});
    }
  }
  if (count < 0) return nullptr;
  if (version != kVersionWithoutEpochs) {
    KJ_IF_MAYBE(epochs, LeaderEpochs::read(in)) {
      snapshot.epochs = kj::mv(*epochs);
    } else {
      return nullptr;
    }
  }
  if (!in.finished()) return nullptr;
  return kj::mv(snapshot);
}

}  // namespace cambium
