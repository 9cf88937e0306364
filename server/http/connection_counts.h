#pragma once

#include <cstdint>

#include <kj/string.h>
#include <kj/vector.h>

#include "server/door/door_counts.h"

namespace cambium {

// The connections of one kind of door, over all loops.
struct DoorConnections {
  kj::StringPtr door;       // "rpc", "http"; lives for ever
  uint64_t open = 0;        // now
  uint64_t accepted = 0;    // let in since the start
  uint64_t refused = 0;     // turned away for a limit since the start
  uint64_t closedIdle = 0;  // idle ones closed to make room for others since the start
  uint64_t fullLoops = 0;   // on which clients wait for others to leave, now
};

inline DoorConnections describeConnections(kj::StringPtr door, const DoorCounts& counts) {
  return {door, counts.open, counts.accepted, counts.refused, counts.closedIdle, counts.fullLoops};
}

// What RPC clients keep in the broker, over all loops.
struct RpcHoldings {
  uint64_t calls = 0;              // unfinished
  uint64_t capabilities = 0;       // not released
  uint64_t connectionsClosed = 0;  // for holding too much, since the start
};

class ConnectionCounters {
 public:
  virtual ~ConnectionCounters() noexcept(false) = default;
  // Each door once. Called on the first loop; what other loops count is read from there.
  virtual kj::Vector<DoorConnections> connections() = 0;
  virtual RpcHoldings rpcHoldings() = 0;
};

}  // namespace cambium
