#pragma once

namespace cambium {

// Tells the C library's allocator to keep what messages and read buffers free, up to 256 MiB, instead of giving it back
// to the system: each message of 64 KiB would otherwise take its pages anew. Call once, before any thread starts.
void keepFreedMemory();

}  // namespace cambium
