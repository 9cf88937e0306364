#include "bench/batch_source.h"

#include <kj/debug.h>

#include "engine/record/batch_builder.h"

namespace cambium::bench {

namespace {
constexpr size_t kKeptBytes = 512 << 10;
constexpr TimestampMs kBegin{1'700'000'000'000};
}  // namespace

BatchSource::BatchSource(Bytes bytes) {
  size_t count = kj::max(kKeptBytes / bytes.value(), size_t{2});
  count = kj::min(count, size_t{64});
  uint64_t state = 1;
  kj::byte value[kValueBytes];
  for (size_t i = 0; i < count; ++i) {
    BatchBuilder builder;
    while (builder.count() == 0 ||
           builder.sizeBytes() + BatchBuilder::recordSizeBytes(nullptr, ByteView(value, kValueBytes)) <=
               bytes.value()) {
      for (auto& b : value) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        b = static_cast<kj::byte>(state >> 56);
      }
      builder.add(kBegin, nullptr, ByteView(value, kValueBytes));
    }
    records_ = builder.count();
    batches_.add(builder.finish());
    KJ_ASSERT(batches_.back().size() == batches_[0].size(), "batches of one source differ");
  }
}

kj::ArrayPtr<kj::byte> BatchSource::next() {
  auto& batch = batches_[turn_];
  turn_ = (turn_ + 1) % batches_.size();
  stampBatch(batch, Offset(0), kNoLeaderEpoch);
  return batch;
}

kj::ArrayPtr<kj::byte> BatchSource::nextAt(Offset base) {
  auto batch = next();
  stampBatch(batch, base, LeaderEpoch(0));
  return batch;
}

}  // namespace cambium::bench
