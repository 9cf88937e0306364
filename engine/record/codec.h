#pragma once

#include "engine/record/compression.h"

namespace cambium {

// What the codecs have in common. For the files of this folder; everybody else uses compression.h.

// Keeps the limits and the error of a stream, so that a codec only decodes.
class BoundedSource : public ByteSource {
 public:
  BoundedSource(Codec codec, size_t inputBytes, DecompressionLimits limits);

  size_t read(kj::ArrayPtr<kj::byte> into) final;
  kj::Maybe<Error> error() const final;

 protected:
  // Puts 1 to into.size() bytes into `into` and returns how many; 0 at the end or after a failure.
  virtual size_t decode(kj::ArrayPtr<kj::byte> into) = 0;

  // Fails the stream for damage that was noticed at a byte of the input. Returns false.
  bool damaged(size_t position, kj::StringPtr what);
  // Fails the stream because it would put out more than allowed. Returns false.
  bool tooLarge();
  // Bytes that may still come out.
  uint64_t room() const { return outputMax_ - produced_; }

 private:
  Codec codec_;
  size_t inputBytes_;
  uint64_t outputMax_;
  uint64_t produced_ = 0;
  bool ended_ = false;
  kj::Maybe<Error> error_;
};

// One pair per codec; see compress() and openDecompressor().
kj::Array<kj::byte> compressGzip(ByteView data, int level, size_t headroom);
kj::Own<ByteSource> openGzip(ByteView compressed, DecompressionLimits limits);
kj::Array<kj::byte> compressSnappy(ByteView data, size_t headroom);
kj::Own<ByteSource> openSnappy(ByteView compressed, DecompressionLimits limits);
kj::Array<kj::byte> compressLz4(ByteView data, int level, size_t headroom);
kj::Own<ByteSource> openLz4(ByteView compressed, DecompressionLimits limits);
kj::Array<kj::byte> compressZstd(ByteView data, int level, size_t headroom);
kj::Own<ByteSource> openZstd(ByteView compressed, DecompressionLimits limits);

}  // namespace cambium
