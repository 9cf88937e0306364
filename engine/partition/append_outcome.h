#pragma once

#include "engine/base/quantity.h"

namespace cambium {

struct AppendOutcome {
  Offset baseOffset;  // of the first record
  Offset nextOffset;  // one past the last one
  TimestampMs logAppendTime = kNoTimestamp;
  Offset logStart;
  bool duplicate = false;  // the batches were there already, and the rest says where
};

}  // namespace cambium
