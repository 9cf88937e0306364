#include "server/kafka/wire/header.h"

namespace cambium::kafka {

bool readHeaderStart(ByteReader& in, RequestHeader& header) {
  header.key = in.int16();
  header.version = in.int16();
  header.correlationId = in.int32();
  return !in.failed();
}

bool readHeaderRest(ByteReader& in, bool flexible, RequestHeader& header) {
  // A plain string also in flexible headers.
  int16_t length = in.int16();
  if (length < -1) return false;
  if (length >= 0) {
    auto bytes = in.bytes(static_cast<size_t>(length));
    header.clientId = Text(std::string_view(reinterpret_cast<const char*>(bytes.begin()), bytes.size()));
  }
  if (flexible) {
    uint32_t tags = in.unsignedVarint32();
    for (uint32_t i = 0; i < tags && !in.failed(); ++i) {
      in.unsignedVarint32();
      in.bytes(in.unsignedVarint32());
    }
  }
  return !in.failed();
}

}  // namespace cambium::kafka
