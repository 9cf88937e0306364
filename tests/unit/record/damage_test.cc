#include <gtest/gtest.h>

#include "engine/record/recompress.h"
#include "engine/record/record_walk.h"
#include "engine/record/validator.h"
#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

using namespace batch_layout;

// Limits that let damage show before they do.
constexpr DecompressionLimits kLimits{1 << 20};

kj::Array<kj::byte> sample(Codec codec) {
  BatchOptions options;
  options.codec = codec;
  return mixedBatch(options, 12, 40);
}

// The last offset of the batch is none: the reader refuses that, the walk looks at no offset of the header.
bool overflows(const BatchView& batch) {
  int64_t last;
  return __builtin_add_overflow(batch.baseOffset().value(), int64_t{batch.lastOffsetDelta()}, &last) ||
         batch.lastOffsetDelta() < batch.recordCount() - 1;
}

// Whatever the bytes are: reading them ends, gives no more records than announced, and they can be touched. The walk
// says of them what reading says.
void readThrough(ByteView bytes) {
  KJ_IF_MAYBE(batch, BatchView::first(bytes)) {
    RecordReader reader(*batch, kLimits);
    int64_t count = 0;
    bool dense = true;
    auto max = kNoTimestamp;
    while (auto* record = reader.next()) {
      EXPECT_GT(describe(*record).size(), 0u);
      dense = dense && record->offset - batch->baseOffset() == count;
      max = kj::max(max, record->timestamp);
      ++count;
    }
    if (batch->timestampType() == TimestampType::kCreateTime && !overflows(*batch)) {
      auto walk = walkRecords(*batch, {}, kLimits);
      EXPECT_EQ(walk.sound, dense && reader.error() == nullptr);
      if (walk.sound) EXPECT_EQ(walk.maxTimestamp, max);
    }
    if (reader.error() == nullptr) {
      EXPECT_EQ(count, batch->recordCount());
    } else {
      EXPECT_LE(count, batch->recordCount() < 0 ? 0 : batch->recordCount());
    }
    auto other = recompress(*batch, Codec::kNone, kDefaultCompressionLevel, kLimits);
    if (other.ok()) EXPECT_TRUE(wholeBatch(other.value()).crcMatches());
  }
}

TEST(Damage, EveryTruncationOfThePayloadIsAnError) {
  for (Codec codec : kAllCodecs) {
    auto whole = sample(codec);
    auto batch = wholeBatch(whole);
    RawBatch fields;
    fields.attributes = batch.attributes();
    fields.count = batch.recordCount();
    fields.lastOffsetDelta = batch.lastOffsetDelta();
    for (size_t size = 0; size < batch.payload().size(); ++size) {
      auto cut = rawBatch(batch.payload().slice(0, size), fields);
      EXPECT_TRUE(readingFails(cut, kLimits) == ErrorCode::kCorruptMessage) << codecName(codec).cStr() << ' ' << size;
    }
  }
}

TEST(Damage, EveryTruncationOfTheBatchIsRefused) {
  for (Codec codec : kAllCodecs) {
    auto whole = sample(codec);
    for (size_t size = 1; size < whole.size(); ++size) {
      auto result = validateBatches(whole.slice(0, size));
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().code, ErrorCode::kCorruptMessage);
    }
    EXPECT_TRUE(validateBatches(whole).ok());
  }
}

TEST(Damage, EveryFlippedBitIsSurvivedAndSeenByTheChecksum) {
  for (Codec codec : kAllCodecs) {
    auto whole = sample(codec);
    for (size_t at = 0; at < whole.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        whole[at] ^= static_cast<kj::byte>(1 << bit);
        readThrough(whole);
        // Base offset and leader epoch are the broker's to write: nobody minds what they were.
        bool free = at < kLength || (at >= kLeaderEpoch && at < kMagic);
        EXPECT_EQ(validateBatches(whole).ok(), free) << codecName(codec).cStr() << " byte " << at << " bit " << bit;
        whole[at] ^= static_cast<kj::byte>(1 << bit);
      }
    }
  }
}

TEST(Damage, EveryReplacedByteIsSurvivedBehindARightChecksum) {
  for (Codec codec : kAllCodecs) {
    auto whole = sample(codec);
    for (size_t at = kAttributes; at < whole.size(); ++at) {
      kj::byte original = whole[at];
      for (int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
        whole[at] = static_cast<kj::byte>(value);
        resign(whole);
        readThrough(whole);
        auto validated = validateBatches(whole);
        if (validated.ok()) EXPECT_EQ(validated.value().recordCount, wholeBatch(whole).recordCount());
      }
      whole[at] = original;
    }
  }
}

}  // namespace
}  // namespace cambium
