#pragma once

#include "backends/native/segment.h"

namespace cambium {

// Brings the folder of a log that was not closed cleanly into order:
//
//     1. finishes what was interrupted: a reset, the removal of segments below the log start offset;
//     2. refuses (throws, changing nothing) when a segment that the state lists is missing, shorter than listed, or
//     when nothing
//        is known and a segment is missing in the middle;
//     3. scans what the state does not vouch for, checksum by checksum, cuts a torn tail, removes segments behind the
//     cut;
//     4. rebuilds indexes that are missing or damaged, trims those that reach too far;
//     5. makes the result durable.
//
// Where nothing trustworthy tells what was durable, or sound batches lie behind the damage, bytes that are cut off and
// segments behind a cut are not deleted but set aside beside the log, under their name with ".cut-<position>" or ".cut"
// added. What a state with a torn end leaves, and what followed a failed sync, goes.
class SegmentRecovery {
 public:
  enum class Trust {
    kKnown,    // the state was read
    kAbsent,   // there never was one: the log was not synced past its first segment
    kDamaged,  // there was one, but it is unreadable: only the last segment is scanned, nothing is deleted
  };

  // `known` is looked at when `trust` is kKnown.
  SegmentRecovery(LogFolder& folder, const LogState& known, Trust trust)
      : folder_(folder), known_(known), trust_(trust), start_(known.start) {}

  // The segments, oldest first, at least one, the last one active; all durable.
  kj::Vector<kj::Own<Segment>> run();
  // Valid after run(): the log start offset.
  Offset start() const { return start_; }
  // Valid after run(): bytes that had to be scanned. When this is much, or anything was changed, a new state is worth
  // writing.
  uint64_t scannedBytes() const { return scannedBytes_; }
  bool changed() const { return changed_; }
  // Valid after run(): how many index entries of the active segment are known to be synced.
  uint32_t syncedOffsetEntries() const { return syncedOffsetEntries_; }
  uint32_t syncedTimeEntries() const { return syncedTimeEntries_; }

 private:
  struct Found {
    Offset base;
    uint64_t bytes;
  };

  void listSegments();
  void removeOrphans(kj::ArrayPtr<const FileSystem::Entry> entries);
  void finishReset();
  void finishDrop();
  void checkListed();
  void openSealed(size_t count);
  SegmentSummary describeUnlisted(const Found& found);
  void scanFrom(size_t first);
  bool scanSegment(Segment& segment, const Found& found);
  void saveIndexes(Segment& segment);
  void cutTail(Segment& segment, const Found& found, kj::StringPtr reason);
  void discard(const Found& found, kj::StringPtr reason);
  bool isWorthKeeping(ByteView tail, Offset from) const;
  void startEmpty();
  void makeDurable();
  kj::String path(Offset base, kj::StringPtr suffix) const;
  void remove(Offset base);

  LogFolder& folder_;
  const LogState& known_;
  const Trust trust_;
  Offset start_;
  uint64_t scannedBytes_ = 0;
  bool changed_ = false;
  bool namesDirty_ = false;
  uint32_t syncedOffsetEntries_ = 0;
  uint32_t syncedTimeEntries_ = 0;
  kj::Vector<Found> found_;
  kj::Vector<kj::Own<Segment>> segments_;
  kj::Vector<Segment*> dirty_;
};

}  // namespace cambium
