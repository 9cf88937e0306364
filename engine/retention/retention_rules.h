#pragma once

#include "engine/retention/cleanup_config.h"
#include "engine/retention/log_picture.h"

namespace cambium {

// What retention gives up of a log: whole extents from the oldest on.
struct RetentionCut {
  Offset start;            // where the log begins afterwards; its start when nothing goes
  size_t extents = 0;      // that go
  Bytes bytes;             // … and what they hold
  bool closeLast = false;  // the last extent is one of them, and has to be closed first
};

// Decides as Apache Kafka does (UnifiedLog.deleteOldSegments): the oldest extents go as long as the rest holds
// retention.bytes or more, then as long as their newest record is older than retention.ms. Nothing above the high
// watermark goes. A timestamp in the future keeps its extent and all behind it, whatever made it: a producer, or a
// clock that was set back. Extents have timestamps here (UntimedExtents).
//
//     retention.bytes=250, extents of 100 100 100 100    the first goes: 300 are left, 200 would be too few
//     retention.ms=1000, newest records 5 s, 2 s, 3 s, 0 s old
//                                                        the first three go
RetentionCut retain(const LogPicture& log, const CleanupConfig& config, TimestampMs now);

// Whether the extent that appends go to has had its time: its newest record is older than segment.ms. While appends
// come, the engine closes extents by the same span of record time; this is for logs that get none. The age of untimed
// extents counts from when they were last seen to grow.
bool shouldCloseLast(const LogPicture& log, int64_t segmentMs, TimestampMs now);

// How long a segment of one log may be open: `segmentMs` (segment.ms), of a compacted topic at most
// max.compaction.lag.ms, less the log's share of segment.jitter.ms. Kafka draws the jitter for each segment; here
// `logHash`, a number of the log, chooses one for good, which spreads the logs of a broker just as well.
int64_t segmentMsOf(int64_t segmentMs, const CleanupConfig& config, uint64_t logHash);

}  // namespace cambium
