#pragma once

#include <limits>

#include <kj/array.h>
#include <kj/memory.h>

#include "engine/record/batch_view.h"

namespace cambium {

// Lets each codec take the level it considers its usual one: gzip 6, lz4 its fast mode, zstd 3. Snappy has no levels.
inline constexpr int kDefaultCompressionLevel = std::numeric_limits<int>::min();

// What a decompressor may put out, so that a few bytes from a stranger do not become gigabytes here. The default is for
// batches that are stored: the most that a broker can be told to take (--decompressed_batch_bytes_max).
struct DecompressionLimits {
  // Output of one batch at most.
  uint64_t outputBytesMax = uint64_t{1} << 30;
};

// Compresses `data` as Kafka's clients do: gzip as one member; snappy in xerial's framing, in blocks of 32 KiB; lz4 as
// one frame of independent 64 KiB blocks; zstd as one frame that states its content size; none as a copy. A level
// outside the codec's range is taken as the nearest inside. `headroom` bytes, uninitialised, stand in front of the
// result, for a header. `codec` must be a known one.
kj::Array<kj::byte> compress(Codec codec, ByteView data, int level = kDefaultCompressionLevel, size_t headroom = 0);

// A stream of bytes that is drawn piece by piece. Never throws on bad input.
class ByteSource {
 public:
  virtual ~ByteSource() noexcept(false) = default;

  // Puts the next 1 to into.size() bytes into `into` and returns how many. 0 means: at the end, or failed, see error();
  // it stays so. `into` must not be empty.
  virtual size_t read(kj::ArrayPtr<kj::byte> into) = 0;
  // Why the source failed: kCorruptMessage for damage, input that ends early, or input left over behind the end;
  // kMessageTooLarge where a limit was reached. Null as long as all is well.
  virtual kj::Maybe<Error> error() const = 0;
};

// Opens a stream over `compressed`, which must outlive it. Accepts more than compress() writes: gzip of several
// members, raw snappy (librdkafka's) beside xerial's, lz4 frames with linked blocks, checksums or a content size, zstd
// of several frames. Memory is bounded whatever the input claims: a window (zstd at most 128 MiB, and no more of it
// touched than was put out), one block (lz4 at most 4 MiB), or for snappy one block's output, checked against the
// limits before it is allocated. Fails with kUnsupportedCompressionType for an unknown codec.
Result<kj::Own<ByteSource>> openDecompressor(Codec codec, ByteView compressed, DecompressionLimits limits = {});

// Bytes that one byte of the codec's format can stand for at most, by its construction; 1 for Codec::kNone.
uint64_t expansionMax(Codec codec);

}  // namespace cambium
