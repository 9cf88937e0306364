#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/record/batch_builder.h"
#include "engine/record/record_reader.h"
#include "engine/record/sparse_batch.h"

namespace cambium {

// A record of a compacted topic. No value: a tombstone.
struct KeyedRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  int64_t timestamp = 1000;
};

inline kj::Maybe<ByteView> viewOf(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text->data()), text->size());
}

inline kj::Array<kj::byte> keyedBatch(int64_t base, const std::vector<KeyedRecord>& records, BatchOptions options = {},
                                      int32_t epoch = 0) {
  BatchBuilder builder(options);
  for (auto& record : records)
    builder.add(TimestampMs(record.timestamp), viewOf(record.key), viewOf(record.value));
  auto batch = builder.finish();
  stampBatch(batch, Offset(base), LeaderEpoch(epoch));
  return batch;
}

inline std::string textOf(const kj::Maybe<ByteView>& bytes) {
  KJ_IF_MAYBE(present, bytes) return std::string(reinterpret_cast<const char*>(present->begin()), present->size());
  return "null";
}

// "[0..4 0 a=1 3 b=null] [5..9] [10..10 p7 h2000]": of each batch its first and last offset, the records that it holds,
// the producer and the delete horizon. Damage is part of the text.
inline std::string describeKeyed(ByteView batches) {
  std::string all;
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    if (!all.empty()) all += " ";
    all += kj::str("[", batch->baseOffset(), "..", batch->lastOffset()).cStr();
    RecordReader records(*batch);
    while (auto* record = records.next())
      all += kj::str(" ", record->offset, " ").cStr() + textOf(record->key) + "=" + textOf(record->value);
    KJ_IF_MAYBE(error, records.error()) all += kj::str(" ", *error).cStr();
    if (batch->producerId() >= 0) all += kj::str(" p", batch->producerId()).cStr();
    KJ_IF_MAYBE(horizon, deleteHorizonOf(*batch)) all += kj::str(" h", *horizon).cStr();
    if (!batch->crcMatches()) all += " bad checksum";
    all += "]";
  }
  if (each.rest().size() > 0) all += kj::str(" +", each.rest().size()).cStr();
  return all;
}

}  // namespace cambium
