#include "engine/record/recompress.h"

#include "engine/base/crc32c.h"
#include "engine/record/byte_buffer.h"

namespace cambium {

using namespace batch_layout;

namespace {

constexpr size_t kDrawBytesMin = 16 << 10;

// Appends to buffer[used..] until the source ends; returns the bytes in use.
size_t drain(ByteSource& source, kj::Array<kj::byte>& buffer) {
  size_t used = 0;
  for (;;) {
    if (used == buffer.size()) grow(buffer, used, kDrawBytesMin);
    size_t n = source.read(buffer.slice(used, buffer.size()));
    if (n == 0) return used;
    used += n;
  }
}

}  // namespace

Result<kj::Array<kj::byte>> recompress(BatchView batch, Codec codec, int level, DecompressionLimits limits) {
  kj::Array<kj::byte> plain;
  ByteView records = batch.payload();
  if (batch.codec() != Codec::kNone && records.size() > 0) {
    auto source = openDecompressor(batch.codec(), records, limits);
    if (!source.ok()) return kj::mv(source.error());
    size_t used = drain(*source.value(), plain);
    KJ_IF_MAYBE(error, source.value()->error()) {
      return kj::mv(*error);
    }
    records = plain.slice(0, used);
  }
  auto result = compress(codec, records, level, kHeaderBytes);
  if (result.size() > INT32_MAX) {
    return makeError(ErrorCode::kMessageTooLarge, "the batch with base offset ", batch.baseOffset(), " would have ",
                     result.size(), " bytes in codec ", codecName(codec), "; a batch has at most ", INT32_MAX);
  }
  kj::byte* header = result.begin();
  memcpy(header, batch.bytes().begin(), kHeaderBytes);
  auto attributes = static_cast<int16_t>((batch.attributes() & ~0x07) | static_cast<int>(codec));
  storeBigEndian(header + kLength, static_cast<int32_t>(result.size() - kLengthFrom));
  storeBigEndian(header + kAttributes, attributes);
  storeBigEndian(header + kCrc, crc32c(result.slice(kAttributes, result.size())));
  return kj::mv(result);
}

}  // namespace cambium
