#include "engine/record/compression.h"

#include "engine/record/codec.h"

namespace cambium {

namespace {

class PlainSource final : public BoundedSource {
 public:
  PlainSource(ByteView data, DecompressionLimits limits)
      : BoundedSource(Codec::kNone, data.size(), limits), rest_(data) {}

 private:
  size_t decode(kj::ArrayPtr<kj::byte> into) override {
    size_t n = kj::min(into.size(), rest_.size());
    if (n > 0) memcpy(into.begin(), rest_.begin(), n);
    rest_ = rest_.slice(n, rest_.size());
    return n;
  }

  ByteView rest_;
};

kj::Array<kj::byte> copyWithHeadroom(ByteView data, size_t headroom) {
  auto result = kj::heapArray<kj::byte>(headroom + data.size());
  if (data.size() > 0) memcpy(result.begin() + headroom, data.begin(), data.size());
  return result;
}

}  // namespace

BoundedSource::BoundedSource(Codec codec, size_t inputBytes, DecompressionLimits limits)
    : codec_(codec), inputBytes_(inputBytes), outputMax_(limits.outputBytesMax) {}

size_t BoundedSource::read(kj::ArrayPtr<kj::byte> into) {
  KJ_REQUIRE(into.size() > 0);
  if (ended_) return 0;
  // One byte more than allowed, to see whether there is one.
  if (into.size() > room()) into = into.slice(0, room() + 1);
  size_t n = decode(into);
  if (n > room()) n = tooLarge();
  if (error_ != nullptr) n = 0;
  if (n == 0) ended_ = true;
  produced_ += n;
  return n;
}

kj::Maybe<Error> BoundedSource::error() const {
  KJ_IF_MAYBE(error, error_) return error->clone();
  return nullptr;
}

bool BoundedSource::damaged(size_t position, kj::StringPtr what) {
  error_ = makeError(ErrorCode::kCorruptMessage, codecName(codec_), " data of ", inputBytes_,
                     " bytes is damaged at byte ", position, ": ", what);
  return false;
}

bool BoundedSource::tooLarge() {
  error_ = makeError(ErrorCode::kMessageTooLarge, codecName(codec_), " data of ", inputBytes_,
                     " bytes becomes more than ", outputMax_, " bytes, the limit for one batch: send smaller batches");
  return false;
}

kj::Array<kj::byte> compress(Codec codec, ByteView data, int level, size_t headroom) {
  switch (codec) {
    case Codec::kNone:
      return copyWithHeadroom(data, headroom);
    case Codec::kGzip:
      return compressGzip(data, level, headroom);
    case Codec::kSnappy:
      return compressSnappy(data, headroom);
    case Codec::kLz4:
      return compressLz4(data, level, headroom);
    case Codec::kZstd:
      return compressZstd(data, level, headroom);
  }
  KJ_FAIL_REQUIRE("unknown codec", static_cast<int>(codec));
}

Result<kj::Own<ByteSource>> openDecompressor(Codec codec, ByteView compressed, DecompressionLimits limits) {
  switch (codec) {
    case Codec::kNone:
      return kj::Own<ByteSource>(kj::heap<PlainSource>(compressed, limits));
    case Codec::kGzip:
      return openGzip(compressed, limits);
    case Codec::kSnappy:
      return openSnappy(compressed, limits);
    case Codec::kLz4:
      return openLz4(compressed, limits);
    case Codec::kZstd:
      return openZstd(compressed, limits);
  }
  return makeError(ErrorCode::kUnsupportedCompressionType, "compression type ", static_cast<int>(codec),
                   " is not known; known are 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) and 4 (zstd)");
}

uint64_t expansionMax(Codec codec) {
  switch (codec) {
    case Codec::kNone:
      return 1;
    // A match of 258 bytes in two bits.
    case Codec::kGzip:
      return 1032;
    // A copy of 64 bytes in three bytes.
    case Codec::kSnappy:
      return 22;
    // A match length grows by 255 per byte.
    case Codec::kLz4:
      return 255;
    // A block of 128 KiB that repeats one byte takes four.
    case Codec::kZstd:
      return (128 << 10) / 4;
  }
  return 1;
}

}  // namespace cambium
