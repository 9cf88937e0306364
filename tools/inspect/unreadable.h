#pragma once

#include "engine/record/record_reader.h"

namespace cambium::tools {

// Why the records of a batch whose checksum is right cannot be read, as every consumer would find; null when they can.
inline kj::Maybe<kj::String> whyUnreadable(const BatchView& batch) {
  RecordReader reader(batch);
  while (reader.next() != nullptr) {
  }
  KJ_IF_MAYBE(error, reader.error()) return kj::mv(error->message);
  return nullptr;
}

}  // namespace cambium::tools
