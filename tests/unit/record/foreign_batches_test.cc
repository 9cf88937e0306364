#include <gtest/gtest.h>

#include <kj/encoding.h>

#include "engine/record/record_rules.h"
#include "engine/record/validator.h"
#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

// Batches as a client that nobody here wrote makes them: kafka-python 2.0.6 (DefaultRecordBatchBuilder; producer id
// 4711, epoch 3, base sequence 42), with python-snappy 0.7.3, lz4 4.4.5 and zstandard 0.25.0.
struct ForeignBatch {
  Codec codec;
  const char* hex;
};
constexpr ForeignBatch kForeignBatches[] = {
    {Codec::kNone,
     "000000000000000000000064000000000209acf1e20000000000020000018bcfe568000000018bcfe5680700000000000012670003000000"
     "2a000000033e0000000a6b65792d301468656c6c6f2c206c6f67020a7472616365066162630c000e0201000016000604000104026101000"
     "0"},
    {Codec::kGzip,
     "00000000000000000000008e00000000020de43cf30001000000030000018bcfe568000000018bcfe5680a00000000000012670003000000"
     "2a000000041f8b0800b1f2006b02ffb3636060e0ca4eadd43510c948cdc9c9d751c8c94f67e22a294a4c4e654b4c4ae661e0636264601063"
     "6063616064614a04b2a7b03288b0b11524a634b02627e6266596e62a8cd2e4d10c002c4b2ff27f010000"},
    {Codec::kSnappy,
     "0000000000000000000000a100000000020208cd510002000000030000018bcfe568000000018bcfe5680a00000000000012670003000000"
     "2a0000000482534e415050590000000001000000010000005cff02f0463e0000000a6b65792d301468656c6c6f2c206c6f67020a74726163"
     "65066162630c000e02010000160006040001040261010000940500140606706164800563616d6269756d2063fe0800fe0800fe0800fe0800"
     "da08000000"},
    {Codec::kLz4,
     "00000000000000000000009a00000000024d6a7a3a0003000000030000018bcfe568000000018bcfe5680a00000000000012670003000000"
     "2a0000000404224d1868407f010000000000007c52000000ff373e0000000a6b65792d301468656c6c6f2c206c6f67020a74726163650661"
     "62630c000e02010000160006040001040261010000940500140606706164800563616d6269756d200800ff225069756d200000000000"},
    {Codec::kZstd,
     "00000000000000000000008b000000000270ac49770004000000030000018bcfe568000000018bcfe5680a00000000000012670003000000"
     "2a0000000428b52ffd607f0085020074043e0000000a6b65792d301468656c6c6f2c206c6f67020a7472616365066162630c000e02010000"
     "160006040001040261010000940500140606706164800563616d6269756d2000010046cdd41205"},
};
// The same records in each; the compressed ones have one more, to compress.
constexpr char kRecords[] =
    "0 @1700000000000 \"key-0\": \"hello, log\" trace=\"abc\"\n"
    "1 @1700000000007 null: \"\"\n"
    "2 @1700000000003 \"\": null a=null =\"\"";

TEST(ForeignBatches, AreValidAndReadable) {
  auto padding = repeated(view("cambium "), 40);
  for (auto& foreign : kForeignBatches) {
    auto bytes = fromHex(foreign.hex);
    auto validated = validateBatches(bytes);
    ASSERT_TRUE(validated.ok()) << validated.error().message.cStr();
    auto batch = wholeBatch(bytes);
    EXPECT_EQ(batch.codec(), foreign.codec);
    EXPECT_EQ(batch.producerId(), 4711);
    EXPECT_EQ(batch.producerEpoch(), 3);
    EXPECT_EQ(batch.baseSequence(), 42);
    auto expected = kj::str(kRecords);
    if (foreign.codec != Codec::kNone) {
      expected = kj::str(expected, "\n3 @1700000000010 \"pad\": \"", padding.asChars(), '"');
    }
    EXPECT_EQ(describeAll(bytes), expected);
    auto checked = checkRecords(batch, {});
    EXPECT_TRUE(checked.ok()) << checked.error().message.cStr();
  }
}

TEST(ForeignBatches, OursAreTheSameBytes) {
  BatchOptions options;
  options.producerId = 4711;
  options.producerEpoch = 3;
  options.baseSequence = 42;
  BatchBuilder builder(options);
  RecordHeader trace[] = {{view("trace"), view("abc")}};
  RecordHeader odd[] = {{view("a"), nullptr}, {view(""), view("")}};
  builder.add(TimestampMs(1700000000000), view("key-0"), view("hello, log"), kj::arrayPtr(trace, 1));
  builder.add(TimestampMs(1700000000007), nullptr, view(""));
  builder.add(TimestampMs(1700000000003), view(""), nullptr, kj::arrayPtr(odd, 2));
  auto ours = builder.finish();
  auto theirs = fromHex(kForeignBatches[0].hex);
  // The client leaves the leader epoch, which is the broker's and outside the checksum, at 0.
  stampBatch(theirs, Offset(0), kNoLeaderEpoch);
  EXPECT_EQ(kj::encodeHex(ours), kj::encodeHex(theirs));
}

}  // namespace
}  // namespace cambium
