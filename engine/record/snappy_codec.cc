#include <snappy.h>

#include "engine/base/byte_cursor.h"
#include "engine/record/byte_buffer.h"
#include "engine/record/codec.h"

namespace cambium {

namespace {

// The framing of snappy-java (xerial), which Kafka's Java client uses: this magic, two 4-byte versions, then blocks,
// each its compressed length (4 bytes, big-endian) and raw snappy. Streams may follow one another: then a magic stands
// where a length would. https://github.com/xerial/snappy-java, SnappyCodec and SnappyInputStream
constexpr kj::byte kXerialMagic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr size_t kXerialHeaderBytes = sizeof(kXerialMagic) + 2 * sizeof(int32_t);
constexpr int32_t kXerialVersion = 1;
// What Kafka's Java producer uses; readers take any size.
constexpr size_t kBlockBytes = 32 << 10;

bool startsXerial(ByteView data) {
  return data.size() >= kXerialHeaderBytes && memcmp(data.begin(), kXerialMagic, sizeof(kXerialMagic)) == 0;
}

const char* chars(ByteView data) {
  return reinterpret_cast<const char*>(data.begin());
}
char* chars(kj::byte* data) {
  return reinterpret_cast<char*>(data);
}

class SnappySource final : public BoundedSource {
 public:
  SnappySource(ByteView input, DecompressionLimits limits)
      : BoundedSource(Codec::kSnappy, input.size(), limits), input_(input), framed_(startsXerial(input)) {}

 private:
  size_t decode(kj::ArrayPtr<kj::byte> into) override {
    if (input_.size() == 0) return damaged(0, "it is empty");
    while (block_.size() == 0) {
      if (position_ == input_.size() || !nextBlock()) return 0;
    }
    size_t n = kj::min(into.size(), block_.size());
    memcpy(into.begin(), block_.begin(), n);
    block_ = block_.slice(n, block_.size());
    return n;
  }

  bool nextBlock() {
    ByteView rest = input_.slice(position_, input_.size());
    if (!framed_) return uncompress(rest);
    if (startsXerial(rest)) {
      // The versions are skipped, as other readers do: some writers fill them in differently.
      position_ += kXerialHeaderBytes;
      return true;
    }
    if (rest.size() < sizeof(int32_t)) return damaged(position_, "it ends in the length of a block");
    auto claimed = loadBigEndian<int32_t>(rest.begin());
    rest = rest.slice(sizeof(int32_t), rest.size());
    if (claimed <= 0 || static_cast<size_t>(claimed) > rest.size()) {
      return damaged(position_, kj::str("a block claims ", claimed, " bytes, ", rest.size(), " are left"));
    }
    position_ += sizeof(int32_t);
    return uncompress(rest.slice(0, static_cast<size_t>(claimed)));
  }

  // Uncompresses what stands at position_. Snappy has no stream, a block comes out as a whole: its claimed length is
  // believed only as far as the limits and the format's best ratio go.
  bool uncompress(ByteView compressed) {
    size_t size = 0;
    if (!snappy::GetUncompressedLength(chars(compressed), compressed.size(), &size)) {
      return damaged(position_, "the uncompressed length of a block is malformed");
    }
    if (size > room()) return tooLarge();
    if (size > compressed.size() * expansionMax(Codec::kSnappy)) {
      return damaged(position_, kj::str("a block of ", compressed.size(), " bytes claims to hold ", size));
    }
    if (size > buffer_.size()) buffer_ = kj::heapArray<kj::byte>(size);
    if (!snappy::RawUncompress(chars(compressed), compressed.size(), chars(buffer_.begin()))) {
      return damaged(position_, "a block cannot be uncompressed");
    }
    block_ = buffer_.slice(0, size);
    position_ += compressed.size();
    return true;
  }

  ByteView input_;
  bool framed_;
  size_t position_ = 0;
  kj::Array<kj::byte> buffer_;
  // What is left of the current block's output; points into buffer_.
  ByteView block_;
};

}  // namespace

kj::Array<kj::byte> compressSnappy(ByteView data, size_t headroom) {
  size_t blocks = (data.size() + kBlockBytes - 1) / kBlockBytes;
  size_t blockMax = sizeof(int32_t) + snappy::MaxCompressedLength(kj::min(data.size(), kBlockBytes));
  auto result = kj::heapArray<kj::byte>(headroom + kXerialHeaderBytes + blocks * blockMax);
  kj::byte* to = result.begin() + headroom;
  memcpy(to, kXerialMagic, sizeof(kXerialMagic));
  storeBigEndian(to + 8, kXerialVersion);
  storeBigEndian(to + 12, kXerialVersion);
  to += kXerialHeaderBytes;
  for (size_t at = 0; at < data.size(); at += kBlockBytes) {
    ByteView block = data.slice(at, kj::min(at + kBlockBytes, data.size()));
    size_t size = 0;
    snappy::RawCompress(chars(block), block.size(), chars(to + sizeof(int32_t)), &size);
    storeBigEndian(to, static_cast<int32_t>(size));
    to += sizeof(int32_t) + size;
  }
  auto used = static_cast<size_t>(to - result.begin());
  return trimmed(kj::mv(result), used);
}

kj::Own<ByteSource> openSnappy(ByteView compressed, DecompressionLimits limits) {
  return kj::heap<SnappySource>(compressed, limits);
}

}  // namespace cambium
