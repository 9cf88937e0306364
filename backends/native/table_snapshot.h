#pragma once

#include <map>
#include <string>

#include "engine/storage/file_system.h"

namespace cambium {

// The contents of all tables: name -> key -> value, keys in order of bytes.
using TableContents = std::map<std::string, std::map<std::string, std::string>>;

// The file "tables/<16-digit generation>.snapshot": all tables as they were when the journal of the same generation
// began. Written as a whole, atomically. All integers big-endian:
//
//     size
//        4  magic "CMTS"
//        4  CRC-32C of the rest
//        4  version, 1
//        8  generation
//        8  sequence of the last commit that is in it
//        8  number of rows, sorted by table and key; each:
//              1  length of the table's name, the name
//              4  length of the key, the key
//              4  length of the value, the value
struct TableSnapshot {
  uint64_t generation = 0;
  uint64_t sequence = 0;
  TableContents contents;
};

kj::Array<kj::byte> encodeTableSnapshot(uint64_t generation, uint64_t sequence, const TableContents& contents);
// Null when the file is damaged; throws when it is of another version.
kj::Maybe<TableSnapshot> decodeTableSnapshot(ByteView file);

}  // namespace cambium
