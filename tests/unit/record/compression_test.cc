#include "engine/record/compression.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <sys/resource.h>

#include <kj/encoding.h>

#include "engine/base/byte_cursor.h"
#include "tests/unit/record/samples.h"

namespace cambium {
namespace {

constexpr DecompressionLimits kNoLimits{UINT64_MAX};
constexpr size_t kMebi = size_t{1} << 20;

void expectError(const Drained& drained, ErrorCode code, const char* part) {
  KJ_IF_MAYBE(error, drained.error) {
    EXPECT_EQ(errorName(error->code), errorName(code)) << error->message.cStr();
    EXPECT_NE(strstr(error->message.cStr(), part), nullptr) << error->message.cStr();
  } else {
    ADD_FAILURE() << "no error; expected: " << part;
  }
}

void expectContent(const Drained& drained, ByteView content) {
  KJ_IF_MAYBE(error, drained.error) {
    ADD_FAILURE() << error->message.cStr();
  }
  EXPECT_TRUE(drained.bytes.asPtr() == content);
}

// The most memory this process ever had.
size_t peakBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) << 10;
}

TEST(Compression, EveryCodecRoundTripsEverySize) {
  for (Codec codec : kAllCodecs) {
    for (size_t size : {0, 1, 2, 100, 4096, 32767, 32768, 32769, 65536, 200000, 1500000}) {
      auto data = text(size);
      auto compressed = compress(codec, data);
      for (size_t piece : {7, 1000, 70000}) {
        if (size > 200000 && piece == 7) continue;
        expectContent(drain(codec, compressed, {}, piece), data);
      }
    }
  }
}

TEST(Compression, LevelsOutsideTheRangeAreTakenAsTheNearest) {
  auto data = text(20000);
  for (Codec codec : kCompressingCodecs) {
    for (int level : {-1000000, -2, 0, 1, 9, 12, 17, 22, 1000000}) {
      expectContent(drain(codec, compress(codec, data, level)), data);
    }
    // Contexts are reused: a level must not stick to the next call.
    EXPECT_TRUE(compress(codec, data) == compress(codec, data));
    auto usual = compress(codec, data);
    compress(codec, data, 9);
    EXPECT_TRUE(compress(codec, data) == usual) << codecName(codec).cStr();
  }
  EXPECT_LT(compress(Codec::kGzip, data, 9).size(), compress(Codec::kGzip, data, 1).size());
  EXPECT_LT(compress(Codec::kZstd, data, 19).size(), compress(Codec::kZstd, data, -50).size());
  EXPECT_LT(compress(Codec::kLz4, data, 12).size(), compress(Codec::kLz4, data).size());
}

TEST(Compression, HeadroomStandsInFront) {
  auto data = text(3000);
  for (Codec codec : kAllCodecs) {
    auto plain = compress(codec, data);
    auto withRoom = compress(codec, data, kDefaultCompressionLevel, 61);
    EXPECT_TRUE(withRoom.slice(61, withRoom.size()) == plain.asPtr());
  }
}

TEST(Compression, WritesWhatKafkasClientsExpect) {
  auto data = text(100000);
  auto snappy = compress(Codec::kSnappy, data);
  EXPECT_EQ(kj::encodeHex(snappy.slice(0, 16)), "82534e41505059000000000100000001"_kj);
  auto lz4 = compress(Codec::kLz4, data);
  // Frame magic; version 1 with independent blocks and nothing else; blocks of 64 KiB (LZ4 Frame Format 1.6).
  EXPECT_EQ(kj::encodeHex(lz4.slice(0, 6)), "04224d186040"_kj);
  EXPECT_EQ(kj::encodeHex(compress(Codec::kGzip, data).slice(0, 3)), "1f8b08"_kj);
  EXPECT_EQ(kj::encodeHex(compress(Codec::kZstd, data).slice(0, 4)), "28b52ffd"_kj);
}

TEST(Compression, GzipOfSeveralMembersIsOneStream) {
  auto a = text(50000, 1);
  auto b = text(10, 2);
  auto members = joined({compress(Codec::kGzip, a), compress(Codec::kGzip, nullptr), compress(Codec::kGzip, b)});
  expectContent(drain(Codec::kGzip, members), joined({a, b}));
  expectError(drain(Codec::kGzip, joined({members, view("x")})), ErrorCode::kCorruptMessage, "gzip data");
  expectError(drain(Codec::kGzip, joined({members, view("garbage that is no member")})), ErrorCode::kCorruptMessage,
              "incorrect header check");
}

TEST(Compression, ZstdOfSeveralFramesIsOneStream) {
  auto a = text(300000, 1);
  auto b = text(10, 2);
  auto frames = joined({compress(Codec::kZstd, a), compress(Codec::kZstd, b)});
  expectContent(drain(Codec::kZstd, frames), joined({a, b}));
  expectError(drain(Codec::kZstd, joined({frames, view("garbage")})), ErrorCode::kCorruptMessage, "zstd data");
}

TEST(Compression, ZstdThatNeedsAHugeWindowIsRefused) {
  // A frame header (RFC 8878, 3.1.1) with a window of 2^31 bytes and no content size, then an empty last block.
  expectError(drain(Codec::kZstd, fromHex("28b52ffd00a8010000")), ErrorCode::kCorruptMessage, "too much memory");
  // 128 MiB, as the highest level of a Java producer asks for, is fine for one raw byte, and takes no such memory.
  size_t before = peakBytes();
  expectContent(drain(Codec::kZstd, fromHex("28b52ffd008809000061")), view("a"));
  // The address sanitizer keeps an eighth of its own.
  EXPECT_LT(peakBytes() - before, 24 * kMebi);
  // With 1 KiB and nothing in it, it is an empty stream.
  expectContent(drain(Codec::kZstd, fromHex("28b52ffd0000010000")), nullptr);
}

TEST(Compression, Lz4IsOneFrameWithAVerifiedHeader) {
  auto data = text(100000);
  auto frame = compress(Codec::kLz4, data);
  expectError(drain(Codec::kLz4, joined({frame, frame})), ErrorCode::kCorruptMessage, "follow the end of the frame");
  auto broken = joined({frame});
  broken[6] ^= 1;  // the header's checksum
  expectError(drain(Codec::kLz4, broken), ErrorCode::kCorruptMessage, "headerChecksum_invalid");
  auto foreign = joined({frame});
  foreign[0] ^= 1;
  expectError(drain(Codec::kLz4, foreign), ErrorCode::kCorruptMessage, "frameType_unknown");
}

TEST(Compression, Lz4FramesOfOtherKindsAreRead) {
  auto data = text(300000);
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockMode = LZ4F_blockLinked;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
  preferences.frameInfo.contentSize = data.size();
  auto frame = kj::heapArray<kj::byte>(LZ4F_compressFrameBound(data.size(), &preferences));
  size_t size = LZ4F_compressFrame(frame.begin(), frame.size(), data.begin(), data.size(), &preferences);
  expectContent(drain(Codec::kLz4, frame.slice(0, size)), data);
  frame[size - 1] ^= 1;
  expectError(drain(Codec::kLz4, frame.slice(0, size)), ErrorCode::kCorruptMessage, "contentChecksum_invalid");
}

TEST(Compression, SnappyIsReadRawAndFramed) {
  auto data = text(100);
  // Raw: the length, then one literal of 100 bytes (Snappy's format_description).
  kj::byte head[] = {100, 60 << 2, 99};
  auto raw = joined({kj::arrayPtr(head, 3), data});
  expectContent(drain(Codec::kSnappy, raw), data);

  auto header = fromHex("82534e41505059000000000100000001");
  auto length = fromHex("00000067");
  auto framed = joined({header, length, raw, length, raw});
  expectContent(drain(Codec::kSnappy, framed), joined({data, data}));
  // Streams one after another, and versions as some writers fill them in.
  auto otherVersion = fromHex("82534e41505059000100000001000000");
  expectContent(drain(Codec::kSnappy, joined({framed, otherVersion, length, raw})), joined({data, data, data}));
  expectContent(drain(Codec::kSnappy, header), nullptr);
}

TEST(Compression, DamagedSnappyIsRefused) {
  auto data = text(100);
  kj::byte head[] = {100, 60 << 2, 99};
  auto raw = joined({kj::arrayPtr(head, 3), data});
  auto header = fromHex("82534e41505059000000000100000001");
  auto expectDamage = [](ByteView input, const char* part) {
    expectError(drain(Codec::kSnappy, input, kNoLimits), ErrorCode::kCorruptMessage, part);
  };
  expectDamage(nullptr, "empty");
  expectDamage(joined({raw, view("x")}), "cannot be uncompressed");
  expectDamage(raw.slice(0, 50), "cannot be uncompressed");
  expectDamage(fromHex("ffffffffff"), "uncompressed length of a block is malformed");
  expectDamage(joined({header, fromHex("000000")}), "ends in the length of a block");
  expectDamage(joined({header, fromHex("00000000")}), "claims 0 bytes");
  expectDamage(joined({header, fromHex("80000001"), raw}), "claims -2147483647 bytes, 103 are left");
  expectDamage(joined({header, fromHex("00000068"), raw}), "claims 104 bytes, 103 are left");
  // 8 MiB from five bytes: more than the format can do, refused before anything is allocated.
  expectDamage(fromHex("8080800400"), "claims to hold 8388608");
}

TEST(Compression, UnknownCodecsAreRefused) {
  for (int codec : {5, 6, 7}) {
    auto opened = openDecompressor(static_cast<Codec>(codec), view("abc"));
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::kUnsupportedCompressionType);
  }
}

TEST(Compression, EveryTruncationIsNoticed) {
  auto data = text(300);
  for (Codec codec : kCompressingCodecs) {
    auto compressed = compress(codec, data);
    for (size_t size = 0; size < compressed.size(); ++size) {
      // Snappy's framing has no end: a cut between blocks is the batch's record count to notice.
      if (codec == Codec::kSnappy && size == 16) continue;
      expectError(drain(codec, compressed.slice(0, size)), ErrorCode::kCorruptMessage, "is damaged at byte");
    }
  }
}

TEST(Compression, LimitsAreExact) {
  auto data = text(5000);
  for (Codec codec : kAllCodecs) {
    auto compressed = compress(codec, data);
    for (size_t piece : {1, 64, 4999, 5000, 5001}) {
      expectContent(drain(codec, compressed, {5000}, piece), data);
      auto over = drain(codec, compressed, {4999}, piece);
      expectError(over, ErrorCode::kMessageTooLarge, "more than 4999 bytes, the limit for one batch");
      EXPECT_LE(over.bytes.size(), 4999u);
    }
  }
}

// 1 GiB of zeros in each codec, put together from pieces.
kj::Array<kj::byte> bomb(Codec codec) {
  auto zeros = kj::heapArray<kj::byte>(16 * kMebi);
  memset(zeros.begin(), 0, zeros.size());
  auto piece = compress(codec, zeros, 1);
  // Gzip members and zstd frames may follow one another. In snappy's and lz4's framings blocks do.
  if (codec == Codec::kSnappy) {
    return joined({piece.slice(0, 16), repeated(piece.slice(16, piece.size()), 64)});
  }
  if (codec == Codec::kLz4) {
    return joined({piece.slice(0, 7), repeated(piece.slice(7, piece.size() - 4), 64), fromHex("00000000")});
  }
  return repeated(piece, 64);
}

// How many bytes come out of a stream before it ends; keeps none.
uint64_t countOutput(ByteSource& source) {
  uint64_t total = 0;
  auto piece = kj::heapArray<kj::byte>(64 << 10);
  while (size_t n = source.read(piece))
    total += n;
  return total;
}

TEST(Compression, BombsAreRefusedInBoundedMemory) {
  for (Codec codec : kCompressingCodecs) {
    auto compressed = bomb(codec);
    size_t before = peakBytes();
    {
      auto source = kj::mv(openDecompressor(codec, compressed, {64 * kMebi}).value());
      EXPECT_LE(countOutput(*source), 64 * kMebi);
      KJ_IF_MAYBE(error, source->error()) {
        EXPECT_EQ(error->code, ErrorCode::kMessageTooLarge);
      }
      EXPECT_TRUE(source->error() != nullptr);
    }
    EXPECT_LT(peakBytes() - before, 24 * kMebi) << codecName(codec).cStr();
  }
  // And they are what they are said to be.
  auto zstd = bomb(Codec::kZstd);
  auto source = kj::mv(openDecompressor(Codec::kZstd, zstd, kNoLimits).value());
  EXPECT_EQ(countOutput(*source), uint64_t{1} << 30);
  EXPECT_TRUE(source->error() == nullptr);
}

TEST(Compression, ARawSnappyBombIsRefusedByItsClaim) {
  // Claims 1 GiB and could hold it, by the look of its size.
  auto claim = joined({fromHex("8080808004"), repeated(view("x"), 50 * kMebi)});
  size_t before = peakBytes();
  expectError(drain(Codec::kSnappy, claim, {64 * kMebi}), ErrorCode::kMessageTooLarge, "the limit for one batch");
  EXPECT_LT(peakBytes() - before, 8 * kMebi);
}

TEST(Compression, ManyStreamsAtOnceDoNotDisturbOneAnother) {
  auto a = text(100000, 1);
  auto b = text(100000, 2);
  for (Codec codec : kCompressingCodecs) {
    auto compressedA = compress(codec, a);
    auto compressedB = compress(codec, b);
    auto sourceA = kj::mv(openDecompressor(codec, compressedA).value());
    auto sourceB = kj::mv(openDecompressor(codec, compressedB).value());
    kj::byte pieceA[333], pieceB[333];
    for (size_t at = 0; at < a.size();) {
      size_t nA = sourceA->read(pieceA);
      size_t nB = sourceB->read(pieceB);
      ASSERT_EQ(nA, nB);
      ASSERT_GT(nA, 0u);
      ASSERT_EQ(memcmp(pieceA, a.begin() + at, nA), 0);
      ASSERT_EQ(memcmp(pieceB, b.begin() + at, nB), 0);
      at += nA;
    }
  }
}

}  // namespace
}  // namespace cambium
