#include "server/kafka/wire/writer.h"

namespace cambium::kafka {

size_t Encoded::size() const {
  size_t size = inlined.size();
  for (auto& splice : splices)
    size += splice.records.size();
  return size;
}

kj::Vector<ByteView> Encoded::pieces() const {
  kj::Vector<ByteView> pieces(splices.size() * 2 + 1);
  size_t at = 0;
  for (auto& splice : splices) {
    if (splice.at > at) pieces.add(inlined.slice(at, splice.at));
    pieces.add(splice.records);
    at = splice.at;
  }
  if (at < inlined.size()) pieces.add(inlined.slice(at, inlined.size()));
  return pieces;
}

kj::Array<kj::byte> Encoded::flatten() const {
  ByteWriter out(size());
  for (auto piece : pieces())
    out.bytes(piece);
  return out.finish();
}

}  // namespace cambium::kafka
