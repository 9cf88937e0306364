#pragma once

#include <array>
#include <list>
#include <unordered_map>

#include <kj/vector.h>

#include "engine/base/error.h"
#include "engine/partition/leader_epochs.h"
#include "engine/record/batch_view.h"

namespace cambium {

struct ProducerLimits {
  size_t producersMax = 100'000;              // per partition; whoever was silent longest goes first
  int64_t expirationMs = 24LL * 3600 * 1000;  // after so long without a batch a producer is forgotten
};

// One producer of a partition, for people (Kafka's DescribeProducers). No transactions yet.
struct ProducerDescription {
  int64_t producerId = -1;
  int16_t epoch = -1;
  int32_t lastSequence = -1;
  TimestampMs lastTimestamp = kNoTimestamp;  // the largest of its last batch
  int32_t coordinatorEpoch = -1;
  Offset transactionStart = kNoOffset;
  Offset lastOffset = kNoOffset;  // of the last record of its last batch
};

// Where a batch that is sent again lies since the first time.
struct DuplicateBatch {
  Offset baseOffset;
  Offset nextOffset;
  TimestampMs timestamp;  // max timestamp of the batch as it is stored
};

// What one partition knows of its idempotent producers (KIP-98): of each the epoch and the last five batches, by which
// a batch is recognised that comes a second time, and one that comes too early. Decides as Kafka's ProducerAppendInfo
// and ProducerStateEntry do (storage/internals/log), with these rules:
//
//     the same epoch, first and last sequence as one of the last five   a duplicate
//     a smaller epoch                                                   kInvalidProducerEpoch
//     a larger epoch                                                    must begin at sequence 0
//     the same epoch                                                    must continue at the last sequence + 1
//     a producer that is not known (any more)                           begins with any sequence
//
// Sequences count from 0 to 2^31 - 1 and go on at 0. Broken sequences give kOutOfOrderSequenceNumber. As since KIP-360,
// a producer stays known when its records are deleted; only time and the limit make it forgotten. Time here is the
// broker's when a batch came (Kafka takes the batch's timestamp, by which an import of old records is forgotten at
// once).
//
// Pure data without clock; movable. One thread.
class ProducerStates {
 public:
  explicit ProducerStates(ProducerLimits limits = {}) : limits_(limits) {}
  ProducerStates(ProducerStates&&) = default;
  ProducerStates& operator=(ProducerStates&&) = default;
  KJ_DISALLOW_COPY(ProducerStates);

  // Whether one or more batches that are appended together may be: null when they may, the place of the first time when
  // all of them are there already, one behind the other. Several that are duplicates only in part, or lie apart, are
  // refused with kDuplicateSequenceNumber: neither answer would be true for all. Batches without producer id always
  // may.
  Result<kj::Maybe<DuplicateBatch>> check(ByteView batches) const;

  // Takes notice of a batch of the log, unchecked: what is in the log was right when it came. Batches without producer
  // id, and control batches, say nothing.
  void note(const BatchView& batch, TimestampMs now);

  // Forgets who sent nothing for the time of the limits.
  void expire(TimestampMs now);
  // Forgets every batch that reaches beyond `end`, and producers of which none is left. True when there were none: the
  // states then are those of the log up to `end`. Else earlier batches of theirs may be missing; the log has them.
  bool truncateFrom(Offset end);

  size_t size() const { return producers_.size(); }
  // Sorted by id.
  kj::Vector<ProducerDescription> describe() const;

  // The states as bytes, with the leader epochs of the log beside them. `upTo`: the end of the log that they are of.
  // All integers big-endian:
  //
  //     uint32 CRC-32C of what follows, int8 version (2), int64 upTo, int32 count of producers, who came last at the
  //     end:
  //       int64 id, int16 epoch, int64 time of the last batch's coming, int8 count of batches, oldest first:
  //         int32 first sequence, int32 last sequence, int64 base offset, int64 timestamp
  //     leader epochs, see LeaderEpochs::write(); version 1 has none
  kj::Array<kj::byte> encode(Offset upTo, const LeaderEpochs& epochs = {}) const;
  struct Snapshot;
  // Null when the bytes are no such thing as a whole.
  static kj::Maybe<Snapshot> decode(ByteView bytes, ProducerLimits limits);

 private:
  static constexpr size_t kBatchesKept = 5;
  struct Batch {
    int32_t firstSequence, lastSequence;
    Offset baseOffset;
    TimestampMs timestamp;

    // A batch has as many sequences as offsets.
    Offset nextOffset() const;
  };
  struct Producer {
    int64_t id;
    int16_t epoch;
    uint8_t count = 0;  // of batches; at least one
    TimestampMs seenAt;
    std::array<Batch, kBatchesKept> batches;  // oldest first

    const Batch& last() const { return batches[count - 1u]; }
    void add(const Batch& batch);
  };
  // What the next batch of a producer has to continue. Epoch -1: not known.
  struct Head {
    int16_t epoch = -1;
    int32_t lastSequence = -1;
  };
  using Order = std::list<Producer>;  // who came last at the end

  kj::Maybe<DuplicateBatch> findDuplicate(const BatchView& batch) const;
  Head headOf(int64_t producerId) const;
  static Result<void> checkNext(Head head, const BatchView& batch);
  Producer& touch(int64_t id);

  ProducerLimits limits_;
  Order order_;
  std::unordered_map<int64_t, Order::iterator> producers_;
};

struct ProducerStates::Snapshot {
  Offset upTo;
  ProducerStates states;
  LeaderEpochs epochs;  // empty: nothing is said of them
};

}  // namespace cambium
