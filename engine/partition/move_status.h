#pragma once

#include <kj/string.h>

#include "engine/base/quantity.h"

namespace cambium {

// How far a partition is on its way to another engine.
struct MoveStatus {
  enum class Phase : uint8_t {
    kWaiting,    // for others on the same loop
    kCopying,    // the log is copied while it goes on
    kSwitching,  // the last of it is copied; appends wait for a moment
    kCleaning,   // the log that is no longer needed, or never came to be, is removed
    kFailed,     // given up; the log is where it was
  };
  kj::String to;  // the engine
  Phase phase = Phase::kWaiting;
  Offset copiedUpTo{0};  // what was copied ends here
  Bytes copied{0};       // in this attempt
  Bytes total{0};        // that the log holds, indexes included: about what there is to copy
  kj::String failure{};  // why, for people; with kFailed
};

}  // namespace cambium
