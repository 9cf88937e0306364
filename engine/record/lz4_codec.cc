#include <lz4frame.h>

#include "engine/record/byte_buffer.h"
#include "engine/record/codec.h"
#include "engine/record/context_pool.h"

namespace cambium {

namespace {

constexpr int kLevelMax = 12;

struct Lz4Decoder {
  Lz4Decoder() { KJ_ASSERT(!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))); }
  ~Lz4Decoder() { LZ4F_freeDecompressionContext(context); }
  KJ_DISALLOW_COPY(Lz4Decoder);
  bool prepareForReuse() {
    LZ4F_resetDecompressionContext(context);
    return true;
  }

  LZ4F_dctx* context = nullptr;
};

class Lz4Source final : public BoundedSource {
 public:
  Lz4Source(ByteView input, DecompressionLimits limits)
      : BoundedSource(Codec::kLz4, input.size(), limits), input_(input) {}

 private:
  // The library checks magic, header checksum, block and content checksums and the content size.
  size_t decode(kj::ArrayPtr<kj::byte> into) override {
    size_t produced = 0;
    while (produced < into.size()) {
      if (frameDone_) {
        if (position_ < input_.size()) return damaged(position_, "bytes follow the end of the frame");
        break;
      }
      size_t outBytes = into.size() - produced;
      size_t inBytes = input_.size() - position_;
      size_t status = LZ4F_decompress(decoder_->context, into.begin() + produced, &outBytes, input_.begin() + position_,
                                      &inBytes, nullptr);
      if (LZ4F_isError(status)) return damaged(position_, LZ4F_getErrorName(status));
      if (status != 0 && outBytes == 0 && inBytes == 0) return damaged(position_, "it ends in the middle");
      produced += outBytes;
      position_ += inBytes;
      frameDone_ = status == 0;
    }
    return produced;
  }

  ByteView input_;
  size_t position_ = 0;
  Pooled<Lz4Decoder> decoder_;
  bool frameDone_ = false;
};

}  // namespace

kj::Array<kj::byte> compressLz4(ByteView data, int level, size_t headroom) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  // Kafka's Java client refuses linked blocks.
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.compressionLevel = level < 0 ? 0 : kj::min(level, kLevelMax);
  size_t bound = LZ4F_compressFrameBound(data.size(), &preferences);
  auto result = kj::heapArray<kj::byte>(headroom + bound);
  size_t size = LZ4F_compressFrame(result.begin() + headroom, bound, data.begin(), data.size(), &preferences);
  KJ_ASSERT(!LZ4F_isError(size), LZ4F_getErrorName(size));
  return trimmed(kj::mv(result), headroom + size);
}

kj::Own<ByteSource> openLz4(ByteView compressed, DecompressionLimits limits) {
  return kj::heap<Lz4Source>(compressed, limits);
}

}  // namespace cambium
