#pragma once

#include "backends/native/log_state.h"
#include "backends/native/segment_scan.h"
#include "tools/inspect/batch_lister.h"
#include "tools/inspect/inspection.h"
#include "tools/inspect/segment_walk.h"

namespace cambium::tools {

// One segment of a log in its folder.
struct SegmentPlace {
  FileSystem& files;
  kj::StringPtr folder;  // below the file system's root
  Offset base;
  bool active = false;                               // the last one of its log
  bool unclean = false;                              // nobody closed the log: the end of the active segment may be torn
  kj::Maybe<const SegmentSummary&> known = nullptr;  // what the log's state vouches for
  kj::Maybe<Offset> next = nullptr;                  // base of the segment behind it
  // Up to where the log's sync mark vouches for it, and whether nothing that was written behind can be missing.
  uint64_t durableBytes = 0;
  bool sameBoot = false;
  bool alone = false;  // just this file was asked for: its batches are listed
};

// Prints a segment and, as asked for, its batches, records and index entries; checks it.
class SegmentInspector {
 public:
  // `lister` is shared by the segments of a log.
  SegmentInspector(Inspection& inspection, const SegmentPlace& place, BatchLister& lister);

  void run();

 private:
  kj::String path(kj::StringPtr suffix) const;
  bool vouched(uint64_t position) const;
  bool mayBeTorn(const SegmentWalk::Step& step) const;
  void printSummary(uint64_t bytes);
  void printIndexes();
  void walk(uint64_t position);
  void complain(const SegmentWalk::Step& step);
  void checkKnown(uint64_t position, Offset offset);
  void checkNext(Offset end);
  void checkIndexSizes();
  uint64_t startPosition();

  Inspection& inspection_;
  const SegmentPlace& place_;
  BatchLister& lister_;
  const kj::String file_;  // for messages
  bool endsInDamage_ = false;
};

// The end of a segment and its largest timestamp by its headers, from what is known of it on; nothing where they are
// damaged.
kj::Maybe<SegmentSummary> summarise(const SegmentPlace& place);

}  // namespace cambium::tools
