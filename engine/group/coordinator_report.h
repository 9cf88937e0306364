#pragma once

#include "engine/base/latency_histogram.h"
#include "engine/base/quantity.h"

namespace cambium {

// What a coordinator says about itself.
struct CoordinatorReport {
  int32_t partition = 0;
  Offset logStart = kNoOffset;
  Offset replayedFrom = kNoOffset;  // where reading the log began at the start
  Offset replayedTo = kNoOffset;
  Offset writtenUpTo = kNoOffset;  // what the tables hold
  size_t groups = 0;
  size_t offsets = 0;
  LatencyHistogram rebalances;  // from the first sign of one to assignments on their way to all members
};

}  // namespace cambium
