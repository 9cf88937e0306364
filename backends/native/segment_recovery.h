#pragma once

#include "backends/native/segment.h"

namespace cambium {

// Brings the folder of a log that was not closed cleanly into order:
//
//     1. finishes what was interrupted: a reset, the removal of segments below the log start offset;
//     2. refuses (throws, changing nothing) when a segment that the state lists is missing or shorter than listed, and
//        when nothing is known and a segment is missing in the middle;
//     3. scans what the state does not vouch for, checksum by checksum, cuts a torn tail, removes segments behind the
//        cut; refuses where what would go is no torn tail;
//     4. rebuilds indexes that are missing or damaged, trims those that reach too far;
//     5. makes the result durable.
//
// What may be cut, of what lies behind the end of the state:
//
//     below the sync mark (sync_mark.h)       nothing: it was durable, and somebody may have been told so
//     behind it, since the machine started    a batch that lacks its end, when nothing sound follows it: what was
//                                             written is still in the system's cache, and only the last write of a
//                                             process that was killed can have been cut short
//     behind it, after another start          everything from the first batch on that is not sound: a power loss leaves
//                                             any of the pages that were not synced, in any order. Whoever was told
//                                             that more was durable was told so after the mark's last way to the disk
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

  // What is known beside the state.
  struct Evidence {
    kj::Maybe<SyncMark> mark;  // that goes with the state
    bool sameBoot = false;     // the machine was not started since the log was last written to
    bool registered = false;   // batches of it were durable
  };

  // `known` is looked at when `trust` is kKnown.
  SegmentRecovery(LogFolder& folder, const LogState& known, Trust trust, const Evidence& evidence)
      : folder_(folder), known_(known), trust_(trust), evidence_(evidence), start_(known.start) {}

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
  void checkMarked();
  void requireThere(Offset base, uint64_t bytes, kj::StringPtr why);
  bool wasDurable(Offset segment, uint64_t position) const;
  void openSealed(size_t count);
  SegmentSummary describeUnlisted(const Found& found);
  void scanFrom(size_t first);
  bool scanSegment(Segment& segment, const Found& found);
  void saveIndexes(Segment& segment);
  void checkPassing(Segment& segment, uint64_t lastBytes);
  void checkTail(Segment& segment, const BatchScan& scan);
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
  const Evidence evidence_;
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
