#pragma once

#include <cstddef>

namespace cambium {

// How the process's file descriptors are divided, so that clients who connect never take those that the logs need:
// further connections wait to be accepted until others have gone.
struct DescriptorBudget {
  size_t filesPerEngine;  // that a storage engine keeps open
  size_t connections;     // of each door on each loop
  size_t httpConnections;
};

// Of `limit` descriptors in all. `filesPerEngine` 0: a quarter of the limit for each engine, 8192 at most. Whatever the
// limit, an engine gets 32 and a door 4 of each loop: a process that has not even those says so when it runs out.
DescriptorBudget divideDescriptors(size_t limit, unsigned loops, size_t filesPerEngine);

}  // namespace cambium
