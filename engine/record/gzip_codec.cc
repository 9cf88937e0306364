#include <zlib.h>

#include "engine/record/byte_buffer.h"
#include "engine/record/codec.h"
#include "engine/record/context_pool.h"

namespace cambium {

namespace {

// 15 bits of window, the most there is; 16 more make it gzip (RFC 1952) instead of zlib.
constexpr int kGzipWindowBits = 15 + 16;
constexpr int kMemoryLevel = 8;

struct Deflater {
  Deflater() {
    KJ_ASSERT(deflateInit2(&stream, level, Z_DEFLATED, kGzipWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~Deflater() { deflateEnd(&stream); }
  KJ_DISALLOW_COPY(Deflater);
  bool prepareForReuse() { return deflateReset(&stream) == Z_OK; }
  void setLevel(int wanted) {
    if (wanted == level) return;
    KJ_ASSERT(deflateParams(&stream, wanted, Z_DEFAULT_STRATEGY) == Z_OK);
    level = wanted;
  }

  z_stream stream = {};
  int level = Z_DEFAULT_COMPRESSION;
};

struct Inflater {
  Inflater() { KJ_ASSERT(inflateInit2(&stream, kGzipWindowBits) == Z_OK); }
  ~Inflater() { inflateEnd(&stream); }
  KJ_DISALLOW_COPY(Inflater);
  bool prepareForReuse() { return inflateReset(&stream) == Z_OK; }

  z_stream stream = {};
};

Bytef* zlibInput(ByteView data) {
  return const_cast<Bytef*>(data.begin());
}

class GzipSource final : public BoundedSource {
 public:
  GzipSource(ByteView input, DecompressionLimits limits)
      : BoundedSource(Codec::kGzip, input.size(), limits), inputBytes_(input.size()) {
    // A batch is shorter than 2 GiB.
    KJ_REQUIRE(input.size() <= UINT32_MAX);
    inflater_->stream.next_in = zlibInput(input);
    inflater_->stream.avail_in = static_cast<uInt>(input.size());
  }

 private:
  size_t decode(kj::ArrayPtr<kj::byte> into) override {
    z_stream& stream = inflater_->stream;
    auto room = static_cast<uInt>(kj::min(into.size(), size_t{1} << 30));
    stream.next_out = into.begin();
    stream.avail_out = room;
    while (stream.avail_out > 0) {
      if (memberDone_) {
        if (stream.avail_in == 0) break;
        // Another member follows (RFC 1952, 2.2); anything else fails as a header that is none.
        inflateReset(&stream);
        memberDone_ = false;
      }
      int status = inflate(&stream, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        memberDone_ = true;
      } else if (status == Z_BUF_ERROR) {
        return damaged(position(), "it ends in the middle");
      } else if (status != Z_OK) {
        return damaged(position(), stream.msg == nullptr ? "it cannot be inflated" : stream.msg);
      }
    }
    return room - stream.avail_out;
  }

  size_t position() { return inputBytes_ - inflater_->stream.avail_in; }

  size_t inputBytes_;
  Pooled<Inflater> inflater_;
  bool memberDone_ = false;
};

}  // namespace

kj::Array<kj::byte> compressGzip(ByteView data, int level, size_t headroom) {
  KJ_REQUIRE(data.size() <= UINT32_MAX);
  Pooled<Deflater> deflater;
  deflater->setLevel(level < 0 ? Z_DEFAULT_COMPRESSION : kj::max(1, kj::min(level, 9)));
  z_stream& stream = deflater->stream;
  size_t bound = deflateBound(&stream, data.size());
  KJ_REQUIRE(bound <= UINT32_MAX);
  auto result = kj::heapArray<kj::byte>(headroom + bound);
  stream.next_in = zlibInput(data);
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = result.begin() + headroom;
  stream.avail_out = static_cast<uInt>(bound);
  KJ_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  size_t used = headroom + bound - stream.avail_out;
  return trimmed(kj::mv(result), used);
}

kj::Own<ByteSource> openGzip(ByteView compressed, DecompressionLimits limits) {
  return kj::heap<GzipSource>(compressed, limits);
}

}  // namespace cambium
