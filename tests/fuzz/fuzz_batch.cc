#include <kj/debug.h>

#include "engine/base/crc32c.h"
#include "engine/record/record_reader.h"
#include "engine/record/record_rules.h"
#include "engine/record/record_walk.h"
#include "engine/record/validator.h"

// Any bytes as record batches: what the validator lets through can be read, or fails with an error, and the walk over
// its records says which. With the first byte odd, length and checksum are put right, so that what lies behind them is
// reached.

namespace cambium {
namespace {

void repair(kj::ArrayPtr<kj::byte> batch) {
  using namespace batch_layout;
  if (batch.size() < kHeaderBytes) return;
  storeBigEndian(batch.begin() + kBaseOffset, int64_t{0});
  storeBigEndian(batch.begin() + kLength, static_cast<int32_t>(batch.size() - kLengthFrom));
  batch[kMagic] = kMagicV2;
  storeBigEndian(batch.begin() + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
}

void one(ByteView input) {
  if (input.size() == 0) return;
  auto bytes = kj::heapArray<kj::byte>(input.slice(1, input.size()));
  if (input[0] % 2 == 1) repair(bytes);
  DecompressionLimits limits{.outputBytesMax = uint64_t{1} << 20};
  auto validated = validateBatches(bytes);
  // As a broker does, who gives offsets of its own.
  if (validated.ok()) stampBatch(bytes, Offset(0), LeaderEpoch(0));
  BatchIterator batches(bytes);
  int64_t records = 0;
  size_t count = 0;
  while (auto* batch = batches.next()) {
    ++count;
    records += batch->recordCount();
    RecordReader reader(*batch, limits);
    uint64_t sum = 0;
    int64_t index = 0;
    bool dense = true;
    auto max = kNoTimestamp;
    while (auto* record = reader.next()) {
      dense = dense && record->offset - batch->baseOffset() == index++;
      max = kj::max(max, record->timestamp);
      // Every byte that is handed out is there.
      KJ_IF_MAYBE(key, record->key)
        for (auto byte : *key)
          sum += byte;
      KJ_IF_MAYBE(value, record->value)
        for (auto byte : *value)
          sum += byte;
      for (auto& header : record->headers) {
        for (auto byte : header.key)
          sum += byte;
        KJ_IF_MAYBE(value, header.value)
          for (auto byte : *value)
            sum += byte;
      }
    }
    asm volatile("" : : "r"(sum));
    if (!validated.ok()) continue;
    auto walk = walkRecords(*batch, {}, limits);
    KJ_REQUIRE(walk.sound == (dense && reader.error() == nullptr), "the walk says something else than the reader");
    KJ_REQUIRE(!walk.sound || walk.maxTimestamp == max);
    KJ_REQUIRE(checkRecords(*batch, {}, limits).ok() == walk.sound);
  }
  if (validated.ok()) {
    KJ_REQUIRE(batches.rest().size() == 0, "bytes are left over of what is valid");
    KJ_REQUIRE(validated.value().batchCount == count);
    KJ_REQUIRE(validated.value().recordCount == records);
  }
}

}  // namespace
}  // namespace cambium

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cambium::one(kj::arrayPtr(data, size));
  return 0;
}
