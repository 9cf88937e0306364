#pragma once

#include "engine/base/byte_cursor.h"
#include "server/kafka/wire/shape.h"

namespace cambium::kafka {

// The front of every request: API key, version and correlation id lie at the same place in all versions.
struct RequestHeader {
  int16_t key = 0;
  Version version = 0;
  int32_t correlationId = 0;
  kj::Maybe<Text> clientId;
};

// Reads the first eight bytes; false when there are fewer.
bool readHeaderStart(ByteReader& in, RequestHeader& header);
// Reads the rest, which depends on whether the request is flexible (header version 2, else 1); false when it is
// malformed. Tagged fields of the header are skipped: none are known.
bool readHeaderRest(ByteReader& in, bool flexible, RequestHeader& header);

}  // namespace cambium::kafka
