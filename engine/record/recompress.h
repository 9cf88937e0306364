#pragma once

#include <kj/array.h>

#include "engine/record/batch_view.h"
#include "engine/record/compression.h"

namespace cambium {

// Returns a batch of the same records in another codec (or the same at another level). Every field is carried over,
// base offset, leader epoch and producer fields too, but the codec, the length and the checksum. The records are not
// parsed: what checkRecords() says of one batch holds for the other. Fails as the decompressor does, and with
// kMessageTooLarge when the result would not fit a batch (2 GiB). `codec` must be a known one.
Result<kj::Array<kj::byte>> recompress(BatchView batch, Codec codec, int level = kDefaultCompressionLevel,
                                       DecompressionLimits limits = {});

}  // namespace cambium
