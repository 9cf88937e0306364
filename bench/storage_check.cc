#include <kj/debug.h>

#include "bench/storage_trials.h"
#include "engine/record/batch_builder.h"
#include "engine/record/record_rules.h"
#include "engine/record/validator.h"

namespace cambium::bench {

namespace {

// So many different batches are checked in turn: with 64 KiB each they fit into a second-level cache, as what comes off
// a socket does.
constexpr size_t kBatches = 8;
constexpr size_t kValueBytes = 100;
// The other half of a value repeats itself, so that a codec makes some two thirds of it.
constexpr size_t kRandomBytes = 50;

// A batch of 100-byte values, as near to `bytes` before compression as whole records allow.
kj::Array<kj::byte> batchOf(Bytes bytes, Codec codec, uint64_t& state) {
  BatchBuilder builder({.codec = codec});
  kj::byte value[kValueBytes];
  memset(value, 'x', sizeof(value));
  while (builder.count() == 0 ||
         builder.sizeBytes() + BatchBuilder::recordSizeBytes(nullptr, ByteView(value, kValueBytes)) <= bytes.value()) {
    for (size_t i = 0; i < kRandomBytes; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      value[i] = static_cast<kj::byte>(state >> 56);
    }
    builder.add(TimestampMs(1'700'000'000'000), nullptr, ByteView(value, kValueBytes));
  }
  return builder.finish();
}

}  // namespace

kj::Function<Sample()> checkTrial(const Workload& workload, kj::StringPtr subject, Places&) {
  bool records = subject == "records";
  if (!records && subject != "headers") refuseSubject(workload, subject);
  auto codec = parseCodec(workload.codec);
  KJ_REQUIRE(codec != nullptr, "there is no such codec; known are none, gzip, snappy, lz4, zstd", workload.codec);
  uint64_t state = 1;
  kj::Vector<kj::Array<kj::byte>> batches;
  for (size_t i = 0; i < kBatches; ++i)
    batches.add(batchOf(workload.batch, KJ_ASSERT_NONNULL(codec), state));
  return [&workload, records, batches = kj::mv(batches)]() mutable {
    auto count = workload.batches();
    uint64_t seen = 0;
    Stopwatch watch;
    for (uint64_t i = 0; i < count; ++i) {
      auto& bytes = batches[i % kBatches];
      auto checked = validateBatches(bytes, {.batchBytesMax = bytes.size()});
      KJ_REQUIRE(checked.ok(), checked.error());
      seen += static_cast<uint64_t>(checked.value().recordCount);
      if (!records) continue;
      auto read = checkRecords(KJ_ASSERT_NONNULL(BatchView::first(bytes)), {});
      KJ_REQUIRE(read.ok(), read.error());
    }
    return watch.stop(count, count * workload.batch.value(), seen);
  };
}

}  // namespace cambium::bench
