#pragma once

#include <initializer_list>
#include <ostream>

#include <kj/array.h>
#include <kj/string.h>

#include "engine/record/batch_builder.h"
#include "engine/record/record_reader.h"

namespace kj {
// How GoogleTest shows strings in failures.
inline void PrintTo(const String& text, std::ostream* out) {
  *out << text.cStr();
}
inline void PrintTo(const StringPtr& text, std::ostream* out) {
  *out << text.cStr();
}
}  // namespace kj

namespace cambium {

inline constexpr Codec kAllCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};
inline constexpr Codec kCompressingCodecs[] = {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

inline ByteView view(kj::StringPtr text) {
  return text.asBytes();
}

// One line: offset, timestamp, key, value, headers; for example `3 @1700 "key": null a="1"`.
kj::String describe(const RecordView& record);
// describe() of every record of the batch, one per line, then the error if there is one. `bytes` must be one whole
// batch.
kj::String describeAll(ByteView bytes, DecompressionLimits limits = {});
// The code with which reading the batch fails; null when all records can be read.
kj::Maybe<ErrorCode> readingFails(ByteView bytes, DecompressionLimits limits = {});
BatchView wholeBatch(ByteView bytes);

// The same bytes for the same seed, compressible about twofold.
kj::Array<const kj::byte> text(size_t size, uint32_t seed = 1);
kj::Array<kj::byte> fromHex(kj::StringPtr hex);
kj::Array<kj::byte> joined(std::initializer_list<ByteView> parts);
kj::Array<kj::byte> repeated(ByteView part, size_t times);

// A batch of `count` records: every kind of key, value and headers in turn, values of up to valueBytesMax bytes.
kj::Array<kj::byte> mixedBatch(BatchOptions options, int count, size_t valueBytesMax);

// The fields of rawBatch().
struct RawBatch {
  int16_t attributes = 0;
  int32_t count = 1;
  int32_t lastOffsetDelta = 0;
  int64_t baseOffset = 0;
  int64_t baseTimestamp = 1000;
  int64_t maxTimestamp = 1000;
};
// A batch around a payload of the test's choosing, with a right checksum.
kj::Array<kj::byte> rawBatch(ByteView payload, RawBatch fields = {});
// Computes the checksum of a changed batch anew.
void resign(kj::ArrayPtr<kj::byte> batch);

// What is left of a stream: reads it to its end in pieces of `pieceBytes`.
struct Drained {
  kj::Array<kj::byte> bytes;
  kj::Maybe<Error> error;
};
Drained drain(Codec codec, ByteView compressed, DecompressionLimits limits = {}, size_t pieceBytes = 1000);

}  // namespace cambium
