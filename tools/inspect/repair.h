#pragma once

#include <kj/array.h>
#include <kj/string.h>

#include "engine/base/quantity.h"
#include "tools/output.h"

namespace cambium::tools {

struct RepairOptions {
  kj::String dataDir = nullptr;
  kj::String log = nullptr;  // "words-0"
  // Which way out: give up everything from the first damage on, or make a new log of what can be read.
  bool cut = false;
  kj::Maybe<kj::String> copyTo = nullptr;  // a folder that is not there yet
  // Or begin anew, empty: for a log whose folder, or whose first segment, is gone.
  bool recreate = false;
  bool apply = false;  // without it nothing is changed, only said
  bool json = false;
};

// Finds what is damaged in one log of a data directory that no broker has open, says what each way out keeps and loses,
// and takes one when told to. What is given up is kept aside, never deleted. Returns an exit code: 0 when there is
// nothing to repair, or it was said or done; 1 when it could not be done; 2 when there is no such log.
int repair(const RepairOptions& options, Output& out);

// A batch without records that holds the place of `count` offsets from `base` on, so that what follows keeps its own.
// Its timestamps are `timestamp`. At most 2^31 offsets.
kj::Array<kj::byte> emptyBatch(Offset base, int64_t count, TimestampMs timestamp);

}  // namespace cambium::tools
