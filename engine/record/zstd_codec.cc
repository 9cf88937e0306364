#include <zstd.h>

#include "engine/record/byte_buffer.h"
#include "engine/record/codec.h"
#include "engine/record/context_pool.h"

namespace cambium {

namespace {

// 128 MiB: what the highest level of a Java producer asks for. The system gives only the pages that output really
// reached.
constexpr int kWindowLogMax = 27;
// A context larger than this is freed after use.
constexpr size_t kKeptBytesMax = 4 << 20;

struct ZstdEncoder {
  ZstdEncoder() { KJ_ASSERT(context != nullptr); }
  ~ZstdEncoder() { ZSTD_freeCCtx(context); }
  KJ_DISALLOW_COPY(ZstdEncoder);
  bool prepareForReuse() {
    return ZSTD_sizeof_CCtx(context) <= kKeptBytesMax &&
           !ZSTD_isError(ZSTD_CCtx_reset(context, ZSTD_reset_session_only));
  }

  ZSTD_CCtx* context = ZSTD_createCCtx();
};

struct ZstdDecoder {
  ZstdDecoder() {
    KJ_ASSERT(context != nullptr);
    KJ_ASSERT(!ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kWindowLogMax)));
  }
  ~ZstdDecoder() { ZSTD_freeDCtx(context); }
  KJ_DISALLOW_COPY(ZstdDecoder);
  bool prepareForReuse() {
    return ZSTD_sizeof_DCtx(context) <= kKeptBytesMax &&
           !ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only));
  }

  ZSTD_DCtx* context = ZSTD_createDCtx();
};

class ZstdSource final : public BoundedSource {
 public:
  ZstdSource(ByteView input, DecompressionLimits limits)
      : BoundedSource(Codec::kZstd, input.size(), limits), input_{input.begin(), input.size(), 0} {}

 private:
  size_t decode(kj::ArrayPtr<kj::byte> into) override {
    ZSTD_outBuffer output{into.begin(), into.size(), 0};
    while (output.pos < output.size) {
      if (frameDone_ && input_.pos == input_.size) break;
      size_t inBefore = input_.pos;
      size_t outBefore = output.pos;
      size_t status = ZSTD_decompressStream(decoder_->context, &output, &input_);
      if (ZSTD_isError(status)) return damaged(inBefore, ZSTD_getErrorName(status));
      frameDone_ = status == 0;
      if (!frameDone_ && input_.pos == inBefore && output.pos == outBefore) {
        return damaged(input_.pos, "it ends in the middle");
      }
    }
    return output.pos;
  }

  ZSTD_inBuffer input_;
  Pooled<ZstdDecoder> decoder_;
  bool frameDone_ = false;
};

}  // namespace

kj::Array<kj::byte> compressZstd(ByteView data, int level, size_t headroom) {
  Pooled<ZstdEncoder> encoder;
  int bounded = level == kDefaultCompressionLevel ? ZSTD_CLEVEL_DEFAULT
                                                  : kj::max(ZSTD_minCLevel(), kj::min(level, ZSTD_maxCLevel()));
  KJ_ASSERT(!ZSTD_isError(ZSTD_CCtx_setParameter(encoder->context, ZSTD_c_compressionLevel, bounded)));
  size_t bound = ZSTD_compressBound(data.size());
  auto result = kj::heapArray<kj::byte>(headroom + bound);
  size_t size = ZSTD_compress2(encoder->context, result.begin() + headroom, bound, data.begin(), data.size());
  KJ_ASSERT(!ZSTD_isError(size), ZSTD_getErrorName(size));
  return trimmed(kj::mv(result), headroom + size);
}

kj::Own<ByteSource> openZstd(ByteView compressed, DecompressionLimits limits) {
  return kj::heap<ZstdSource>(compressed, limits);
}

}  // namespace cambium
