#pragma once

#include <kj/function.h>
#include <kj/refcount.h>

#include "backends/native/log_folder.h"
#include "backends/native/sync_mark.h"
#include "engine/base/byte_cursor.h"
#include "engine/base/guarded.h"
#include "engine/base/uuid.h"

namespace cambium {

// What is known of a segment without reading it.
struct SegmentSummary {
  Offset base;                                // of the file's name; the first batch's when there is one
  Offset end;                                 // one past the last offset
  uint64_t bytes = 0;                         // of the .log file
  TimestampMs firstTimestamp = kNoTimestamp;  // largest timestamp of the first batch
  TimestampMs maxTimestamp = kNoTimestamp;
  Offset maxTimestampOffset{0};  // last offset of the first batch with that timestamp
  uint32_t offsetEntries = 0;    // in the .index file
  uint32_t timeEntries = 0;      // in the .timeindex file

  static SegmentSummary empty(Offset base) {
    SegmentSummary summary;
    summary.base = summary.end = summary.maxTimestampOffset = base;
    return summary;
  }
};

// How far a log is known to be good. Everything below segments.back().end, which lies at segments.back().bytes of that
// segment, was durable when this was written; recovery looks only at what follows.
//
// Stored in the file "log-state" of the log's folder and, for every log, in the engine's "recovery-checkpoint"
// (log_checkpoint.h); the one of the later session counts. All integers big-endian.
//
//     file:   size                      entry:  size
//                4  magic "CMLS"                   8  session
//                4  CRC-32C of the rest           16  incarnation
//                4  version, 1                     8  log start offset
//                   entry                          1  flags: 1 resetting, 2 clean, 4 lost
//                                                  4  number of segments, oldest first; 56 bytes each:
//                                                     base, end, bytes, first timestamp, max timestamp, its offset (8
//                                                     each), offset index entries, time index entries (4 each)
struct LogState {
  uint64_t session = 0;  // counts the times the engine was opened
  Uuid incarnation;
  Offset start{0};
  bool resetting = false;  // everything in the folder is to be removed, the log continues, empty, at `start`
  bool clean = false;      // the segments are described to their very ends: nothing to scan
  bool lost = false;  // a sync failed: what follows the described part is not to be trusted, whatever it looks like
  kj::Vector<SegmentSummary> segments;

  LogState clone() const;
  void write(ByteWriter& out) const;
  // A reader that failed makes the result meaningless; it fails as well where the parts contradict one another.
  static LogState read(ByteReader& in);
};

inline constexpr kj::StringPtr kLogStateName = "log-state"_kj;

// The contents of a log-state file; null when they are damaged. Throws when they are of another version.
kj::Array<kj::byte> encodeLogState(const LogState& state);
kj::Maybe<LogState> decodeLogState(ByteView file);

// The CRC-32C that a log-state file carries, damaged or not; 0 when it is too short to carry one.
uint32_t checksumOf(ByteView logStateFile);

// Replaces a log's state file, and renews its sync mark. Shared by a log and its sync jobs, on any thread: a state or a
// mark that was made earlier never replaces one that was made later.
class LogStateFile final : public kj::AtomicRefcounted {
 public:
  LogStateFile(FileSystem& fileSystem, kj::StringPtr folder, kj::StringPtr log)
      : fileSystem_(fileSystem),
        path_(kj::str(folder, "/", kLogStateName)),
        mark_(fileSystem, kj::str(folder, "/", kSyncMarkName), log) {}

  // A place in the order of states; taken when the state is made.
  uint64_t ticket() const { return ++progress_.lock()->issued; }
  // Durable on return, unless a later one already is there.
  void write(uint64_t ticket, ByteView contents) const;
  // Makes sure of the space for a state that counts as made now, runs `step`, and puts the state in place, which needs
  // no space any more. `step` runs with no other state being written meanwhile.
  void writeAround(ByteView contents, kj::FunctionParam<void()> step) const;
  // Says that everything up to the end of `segment` is durable, unless a later state or mark is there already. The mark
  // itself is durable on return only with `durably`. Never throws.
  void mark(uint64_t ticket, const SegmentSummary& segment, bool durably) const;

 private:
  struct Progress {
    uint64_t issued = 0;
    uint64_t written = 0;
    uint64_t marked = 0;
    kj::Maybe<uint32_t> checksum;  // of the file that is there; null: not known
  };
  uint32_t checksum(Progress& progress) const;

  FileSystem& fileSystem_;
  const kj::String path_;
  mutable Guarded<Progress> progress_;
  mutable SyncMarkFile mark_;  // under the lock of progress_
};

}  // namespace cambium
