#include "server/kafka/wire/catalogue.h"

namespace cambium::kafka {

Catalogue::Catalogue(const MessageFacts& facts) : facts_(facts) {
  auto flexible = facts.flexibleSince == kVersionMax ? kj::str("never") : kj::str(facts.flexibleSince, "+");
  lines_.add(kj::str(facts.key, " ", facts.name, " versions ", facts.versions.first, "-", facts.versions.last,
                     " flexible ", flexible, "\n"));
}

kj::StringPtr Catalogue::integer(size_t bytes) {
  return bytes == 1 ? "int8"_kj : bytes == 2 ? "int16"_kj : bytes == 4 ? "int32"_kj : "int64"_kj;
}

kj::StringPtr Catalogue::arrayOf(size_t bytes) {
  return bytes == 1 ? "array of int8"_kj : bytes == 4 ? "array of int32"_kj : "array of int64"_kj;
}

kj::String Catalogue::range(VersionRange range) const {
  auto first = kj::max(range.first, facts_.versions.first);
  if (range.last >= facts_.versions.last) return kj::str(first, "+");
  return first == range.last ? kj::str(first) : kj::str(first, "-", range.last);
}

void Catalogue::line(kj::StringPtr name, kj::StringPtr type, const Field& field) {
  kj::String nullable, tag;
  if (field.nullableFrom != kNever)
    nullable = kj::str(" nullable ", range({kj::max(field.nullableFrom, field.versions.first), field.versions.last}));
  if (field.tag >= 0) tag = kj::str(" tag ", field.tag);
  lines_.add(kj::str(kj::repeat(' ', depth_ * 2), name, " ", type, " ", range(field.versions), nullable, tag, "\n"));
}

}  // namespace cambium::kafka
