#pragma once

#include <cstdint>

#include <kj/string.h>
#include <kj/vector.h>

namespace cambium {

// The connections of one kind of door, over all loops.
struct DoorConnections {
  kj::StringPtr door;     // "rpc", "http"; lives for ever
  uint64_t open = 0;      // now
  uint64_t accepted = 0;  // let in since the start
  uint64_t refused = 0;   // turned away for a limit since the start
};

class ConnectionCounters {
 public:
  virtual ~ConnectionCounters() noexcept(false) = default;
  // Each door once. Called on the first loop; what other loops count is read from there.
  virtual kj::Vector<DoorConnections> connections() = 0;
};

}  // namespace cambium
