#pragma once

#include <map>

#include "engine/base/byte_cursor.h"

namespace rocksdb {
class Env;
}

namespace cambium::rocks {

// What of a store's files is known to be durable. The library itself does not know that of its newest files: it takes a
// write-ahead log or a manifest that lost its end for one whose end was never written, and a log that is gone for one
// that never was. All numbers are lower bounds: more may be durable.
struct DurableEnds {
  // The current manifest, MANIFEST-000123, and how much of it must be there; 0 when that is not known.
  uint64_t manifest = 0;
  uint64_t manifestBytes = 0;
  // By the number in a file's name, 000123.log: how much of it must be there. Files that are not needed any more are
  // taken out before they are removed.
  std::map<uint64_t, uint64_t> walBytes;

  friend bool operator==(const DurableEnds&, const DurableEnds&) = default;
};

// The contents of the file DURABLE: two slots, of which the one with the larger number that is whole counts. A write
// that a power loss tears leaves the other one.
//
//     slot of 4,096 bytes: CRC-32C of the rest (4), format (4), number of the version (8), manifest (8),
//                          its bytes (8), number of log files (4), for each its number (8) and bytes (8)
constexpr size_t kDurableSlotBytes = 4096;
constexpr size_t kDurableSlots = 2;

struct NumberedEnds {
  uint64_t version = 0;
  DurableEnds ends;
};
// At most kDurableSlotBytes. Leaves out the oldest log files when there are too many for that.
kj::Array<kj::byte> encodeSlot(const NumberedEnds& numbered);
// The newest version in the file, which may be cut; null when no slot is whole.
kj::Maybe<NumberedEnds> decodeSlots(ByteView file);

// Throws FAILED when something of `ends` is not in the folder any more, or is damaged: which file, what was expected
// and what to do. Reads what must be there of the manifest and of the write-ahead log.
void requireDurableEnds(rocksdb::Env& env, kj::StringPtr folder, const DurableEnds& ends);

}  // namespace cambium::rocks
