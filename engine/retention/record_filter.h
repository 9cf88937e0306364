#pragma once

#include <unordered_map>

#include "engine/record/batch_view.h"
#include "engine/record/compression.h"
#include "engine/record/record.h"
#include "engine/retention/key_map.h"

namespace cambium {

// The last batch of each living producer: its sequences must stay in the log, so that the producers' states can be made
// again from there. By producer id, the offset of the batch's last record.
using LastOffsets = std::unordered_map<int64_t, Offset>;

struct FilterRules {
  Offset logStart;    // records below were deleted
  Offset mapEnd;      // the map knows every key below; records from here on are left alone
  Offset keepOffset;  // stays whatever it is: the last one of the log, so that readers get to its end
  TimestampMs now;
  int64_t deleteRetentionMs;  // of tombstones
  // Nobody knows which records of earlier batches count: those of transactions. Their tombstones stay.
  bool keepTombstones = false;
  kj::Maybe<Codec> codec{};  // of the topic; with it, the level for batches of that codec
  int compressionLevel = kDefaultCompressionLevel;
};

struct FilterCounts {
  uint64_t recordsKept = 0;
  uint64_t recordsRemoved = 0;
  uint64_t bytesIn = 0;
  uint64_t bytesOut = 0;
  uint64_t transactional = 0;  // batches
  // When the next tombstone that was kept may go; null when none was.
  kj::Maybe<TimestampMs> nextHorizon;

  void add(const FilterCounts& other);
};

// What compaction makes of batches. A record stays when the map has no later one of its key, unless it is a tombstone
// whose time is over. Records without a key go. As in Apache Kafka (KIP-534) a batch with tombstones gets a delete
// horizon when it is first compacted, `deleteRetentionMs` from then; tombstones go at the first compaction after it.
// By then no earlier record of their keys is left, because the log is compacted from its beginning on.
//
//     batch                                   becomes
//     nothing to change                       itself, byte by byte
//     some records go, or a first horizon     the same offsets and fields, fewer records (SparseBatchBuilder)
//     all records go                          part of an empty batch that stands for the whole run of such
//     … the last one of a producer            a header with the producer's fields
//     control, or of a transaction            itself: which transactions were aborted is not known here; its records
//                                             make no others go, and tombstones behind it stay
//
// One pass over consecutive batches; one thread. Throws FAILED when a batch cannot be read, naming it.
class RecordFilter {
 public:
  // The map, the offsets and the rules outlive the filter.
  RecordFilter(const FilterRules& rules, const KeyHasher& hasher, const KeyMap& newest, const LastOffsets& producers)
      : rules_(rules), hasher_(hasher), newest_(newest), producers_(producers) {}
  KJ_DISALLOW_COPY(RecordFilter);

  // Takes whole batches that continue at those before; appends to `out` what they become, less an empty run at their
  // end.
  void filter(ByteView batches, ByteWriter& out);
  // Appends the empty run that is left.
  void finish(ByteWriter& out);

  // Whether what came out is anything but what went in.
  bool changed() const { return changed_; }
  const FilterCounts& counts() const { return counts_; }

 private:
  struct EmptyRun {
    Offset base{0}, next{0};
    LeaderEpoch epoch;
    size_t batches = 0;   // 0: there is none
    bool asItWas = true;  // it is one empty batch that was there already
  };
  struct Verdict {
    int32_t kept = 0, removed = 0;
    bool tombstones = false;  // among those kept
  };

  void filterOne(const BatchView& batch, ByteWriter& out);
  bool staysAsItIs(const BatchView& batch) const;
  bool keeps(const RecordView& record, bool tombstonesGo) const;
  Verdict judge(const BatchView& batch, bool tombstonesGo) const;
  kj::Array<kj::byte> rebuild(const BatchView& batch, bool tombstonesGo, kj::Maybe<TimestampMs> horizon) const;
  void emit(ByteView batch, ByteWriter& out);
  void addEmpty(const BatchView& batch, bool wasEmpty, ByteWriter& out);
  bool isLastOfProducer(const BatchView& batch) const;
  void noteHorizon(TimestampMs horizon);

  const FilterRules& rules_;
  const KeyHasher& hasher_;
  const KeyMap& newest_;
  const LastOffsets& producers_;
  FilterCounts counts_;
  EmptyRun run_;
  bool changed_ = false;
};

}  // namespace cambium
