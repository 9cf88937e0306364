#pragma once

#include <map>

#include "engine/storage/partition_log.h"

namespace cambium {

// A log as retention and compaction look at it: what can be read, and the extents that hold it, oldest first.
struct LogPicture {
  Bounds bounds;
  Offset highWatermark;
  kj::Vector<Extent> extents;
  // The last extent was closed, and nothing was appended since: the next append begins a new one.
  bool lastIsClosed = false;
};

// Gives extents without timestamps a time all the same, as Apache Kafka does with the time of a file's last change:
// when this broker first saw that they no longer grew, or the time of the next extent that has one, if that is earlier.
// One for each log; one thread.
class UntimedExtents {
 public:
  // Replaces kNoTimestamp. Forgets extents that are gone.
  void fill(kj::ArrayPtr<Extent> extents, TimestampMs now);

 private:
  struct Seen {
    Offset end;
    TimestampMs since;
  };
  std::map<Offset, Seen> seen_;  // by the extent's first offset
};

// Milliseconds from `then` to `now`, never more than there are in an int64.
int64_t ageMs(TimestampMs then, TimestampMs now);

}  // namespace cambium
