#pragma once

#include <gtest/gtest.h>
#include <map>
#include <random>

#include "engine/partition/producer_states.h"
#include "engine/retention/record_filter.h"
#include "engine/storage/partition_log.h"
#include "tests/unit/retention/keyed_batches.h"

namespace cambium {

// Throws unless the batches follow one another from the log's start to its end, with sound checksums.
inline void requireDense(ByteView batches, Bounds bounds) {
  auto at = kNoOffset;
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    KJ_REQUIRE(at == kNoOffset ? batch->baseOffset() <= bounds.start : batch->baseOffset() == at, batch->baseOffset());
    KJ_REQUIRE(batch->crcMatches(), batch->baseOffset());
    at = batch->nextOffset();
  }
  KJ_REQUIRE(each.rest().size() == 0 && (at == bounds.end || bounds.start == bounds.end), at, bounds.end);
}

// "a=1 b=2 " for the newest value of each key from `start` on; a tombstone is no value.
inline std::string newestOf(ByteView batches, Offset start) {
  std::map<std::string, std::string> values;
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    RecordReader records(*batch);
    while (auto* record = records.next()) {
      if (record->offset < start) continue;
      auto key = textOf(record->key);
      if (record->value == nullptr) {
        values.erase(key);
      } else {
        values[key] = textOf(record->value);
      }
    }
  }
  std::string all;
  for (auto& [key, value] : values)
    all += key + "=" + value + " ";
  return all;
}

// What was ever appended to a log, made up by a seed, and what of it must still be there.
class KeyedModel {
 public:
  explicit KeyedModel(uint32_t seed) : random_(seed) {}

  bool chance(int percent) { return below(100) < percent; }
  int64_t below(int64_t bound) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound)); }

  // One to eight records of sixty keys, some of them tombstones, some without key, in any codec; some batches are of
  // one of five producers.
  kj::Array<kj::byte> nextBatch(Offset base) {
    static constexpr Codec kCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};
    std::vector<KeyedRecord> records;
    auto count = 1 + below(8);
    for (int64_t i = 0; i < count; ++i) {
      KeyedRecord record{"k" + std::to_string(below(60)), "v" + std::to_string(written_.size()), 1000 + below(100'000)};
      if (chance(15)) record.value.reset();
      if (chance(2)) record.key.reset();
      written_.push_back({(base + i).value(), record});
      records.push_back(kj::mv(record));
    }
    BatchOptions options{.codec = kCodecs[below(5)]};
    if (chance(40)) {
      options.producerId = below(5);
      options.producerEpoch = 0;
      options.baseSequence = sequences_[options.producerId];
      sequences_[options.producerId] += static_cast<int32_t>(count);
      lastOffsets_[options.producerId] = base + (count - 1);
    }
    return keyedBatch(base.value(), records, options);
  }
  const LastOffsets& lastOffsets() const { return lastOffsets_; }

  // `compactedTo`: every key comes once below it; kNoOffset: nothing is known of that.
  void check(PartitionLog& log, Offset compactedTo) {
    auto bounds = log.bounds();
    auto all = log.read(bounds.start, bounds.end, Bytes(UINT64_MAX));
    requireDense(all, bounds);
    std::map<int64_t, const KeyedRecord*> byOffset;
    std::map<std::string, int64_t> newest;
    for (auto& [offset, record] : written_) {
      byOffset[offset] = &record;
      if (record.key && offset >= bounds.start.value()) newest[*record.key] = offset;
    }
    std::map<std::string, int64_t> found;  // the newest in the log
    BatchIterator each(all);
    while (auto* batch = each.next()) {
      RecordReader records(*batch);
      while (auto* record = records.next()) {
        auto offset = record->offset.value();
        auto& original = *byOffset.at(offset);
        ASSERT_EQ(textOf(record->key), textOf(viewOf(original.key))) << offset;
        ASSERT_EQ(textOf(record->value), textOf(viewOf(original.value))) << offset;
        ASSERT_EQ(record->timestamp.value(), original.timestamp) << offset;
        if (!original.key || offset < bounds.start.value()) continue;
        auto before = found.find(*original.key);
        if (record->offset < compactedTo && before != found.end()) {
          ADD_FAILURE() << *original.key << " at " << before->second << " and " << offset << ", compacted up to "
                        << compactedTo.value();
        }
        found[*original.key] = offset;
      }
      ASSERT_TRUE(records.error() == nullptr);
    }
    for (auto& [key, offset] : newest) {
      auto known = found.find(key);
      if (byOffset[offset]->value) {
        ASSERT_TRUE(known != found.end() && known->second == offset) << key << " at " << offset << " is gone";
      } else {
        // A tombstone may go, but nothing it deleted may come back.
        ASSERT_TRUE(known == found.end() || known->second == offset) << key << " was deleted at " << offset;
      }
    }
  }

  // Who reads the log knows the last sequence of every producer whose last batch was not deleted.
  void checkProducers(PartitionLog& log) {
    auto bounds = log.bounds();
    auto all = log.read(bounds.start, bounds.end, Bytes(UINT64_MAX));
    ProducerStates states;
    BatchIterator each(all);
    while (auto* batch = each.next())
      states.note(*batch, TimestampMs(0));
    std::map<int64_t, int32_t> known;
    for (auto& producer : states.describe())
      known[producer.producerId] = producer.lastSequence;
    for (auto& [producer, offset] : lastOffsets_) {
      if (offset >= bounds.start) EXPECT_EQ(known[producer], sequences_[producer] - 1) << producer;
    }
  }

 private:
  std::mt19937 random_;
  std::vector<std::pair<int64_t, KeyedRecord>> written_;
  std::map<int64_t, int32_t> sequences_;
  LastOffsets lastOffsets_;
};

}  // namespace cambium
