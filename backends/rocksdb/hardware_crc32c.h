#pragma once

#include <cstdint>

namespace cambium::rocks {

// Bytes whose checksum the library had computed on the calling thread through our function, see hardware_crc32c.cc.
// Grows with every write while the replacement is in force, stays 0 where it is not. Calling it links the replacement
// in.
uint64_t hardwareChecksumBytes();

}  // namespace cambium::rocks
